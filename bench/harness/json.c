/* json.c - the report as JSON; docs/BENCHMARKS.md describes it. */
#include <stdio.h>

#include "build_info.h"
#include "harness/result.h"

static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(file, "\\u%04x", *c);
        else
            fputc(*c, file);
    }
    fputc('"', file);
}

static void write_member(FILE *file, const char *name, const char *text)
{
    fprintf(file, "\"%s\": ", name);
    write_string(file, text);
}

static void write_environment(FILE *file, const struct report *report)
{
    fprintf(file, "  \"environment\": {\n    ");
    write_member(file, "cpu", report->machine.cpu);
    fprintf(file, ",\n    \"cpus\": %u,\n    ", report->machine.cpus);
    write_member(file, "kernel", report->machine.kernel);
    fprintf(file, ",\n    ");
    write_member(file, "compiler", CKF_BENCH_COMPILER);
    fprintf(file, ",\n    ");
    write_member(file, "flags", CKF_BENCH_FLAGS);
    fprintf(file, ",\n    ");
    write_member(file, "libc", report->machine.libc);
    fprintf(file, ",\n    ");
    write_member(file, "libraries", CKF_BENCH_LIBRARIES);
    fprintf(file, ",\n    ");
    write_member(file, "build_type", CKF_BENCH_BUILD_TYPE);
    fprintf(file, ",\n    \"load_average\": %.2f\n  },\n", report->load_average);
}

static void write_ratio(FILE *file, const struct outcome *outcome, const struct result *result)
{
    const struct result *base = result_named(outcome, "atomic");
    struct ratio ratio;
    if (base == NULL || base == result || !ratio_of(result, base, &ratio))
        return;
    fprintf(file, ", \"ratio\": {\"median\": %.6g, \"min\": %.6g, \"max\": %.6g}", ratio.median,
            ratio.min, ratio.max);
}

static void write_result(FILE *file, const struct outcome *outcome, const struct result *result)
{
    const struct bench_contestant *contestant = result->contestant;
    fprintf(file, "        {");
    write_member(file, "name", contestant->name);
    fprintf(file, ", ");
    write_member(file, "label", contestant->label);
    if (result_valid(result)) {
        fprintf(file, ", \"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"samples\": [",
                result->median, result->min, result->max);
        for (unsigned i = 0; i < result->sample_count; i++)
            fprintf(file, "%s%.6g", i == 0 ? "" : ", ", result->samples[i]);
        fprintf(file, "], \"parallel\": %s, \"cpus_busy\": %.3f, \"foreign_cpus\": %.3f",
                result->parallel ? "true" : "false", result->cpus_busy, result->foreign_cpus);
        if (outcome->workload->background.copies != 0)
            fprintf(file, ", \"background_per_second\": %.4g", result->background_rate);
        write_ratio(file, outcome, result);
    } else {
        fprintf(file, ", \"median\": null, \"min\": null, \"max\": null, \"samples\": [], "
                      "\"parallel\": false, \"cpus_busy\": null");
    }
    fprintf(file, ", \"verified\": %s", result_valid(result) ? "true" : "false");
    fprintf(file, ", \"skipped\": %s, ", result->skipped ? "true" : "false");
    const char *note = contestant->note;
    if (result->skipped)
        note = result->skipped_because;
    if (result->failure[0] != '\0')
        note = result->failure;
    write_member(file, "note", note == NULL ? "" : note);
    fprintf(file, "}");
}

static void write_outcome(FILE *file, const struct outcome *outcome)
{
    const struct bench_workload *workload = outcome->workload;
    bool per_op = workload->kind == BENCH_PER_OP;
    fprintf(file, "    {\n      ");
    write_member(file, "id", workload->id);
    fprintf(file, ",\n      ");
    write_member(file, "collection", workload->collection);
    fprintf(file, ",\n      ");
    write_member(file, "family", workload->family);
    fprintf(file, ",\n      ");
    write_member(file, "title", workload->title);
    fprintf(file, ",\n      ");
    write_member(file, "unit", workload->unit);
    fprintf(file, ",\n      \"threads\": %u,\n      \"kind\": \"%s\",\n", outcome->threads,
            per_op ? "per-op" : "fixed-work");
    if (!per_op)
        fprintf(file, "      \"work\": %llu,\n", (unsigned long long)outcome->work);
    fprintf(file,
            "      \"disturbed_rounds\": %u,\n      \"out_of_budget\": %s,\n      \"results\": [",
            outcome->disturbed_rounds, outcome->out_of_budget ? "true" : "false");
    for (unsigned i = 0; i < outcome->result_count; i++) {
        fprintf(file, "%s\n", i == 0 ? "" : ",");
        write_result(file, outcome, &outcome->results[i]);
    }
    fprintf(file, "\n      ]\n    }");
}

static void write_target(FILE *file, const struct report *report, const struct bench_target *target)
{
    struct verdict verdict;
    target_judge(report, target, &verdict);
    fprintf(file, "    {");
    write_member(file, "title", target->title);
    fprintf(file, ", ");
    write_member(file, "workload", target->workload);
    fprintf(file, ", ");
    write_member(file, "unit", verdict.outcome == NULL ? "" : verdict.outcome->workload->unit);
    fprintf(file, ", \"at_most\": %.6g, \"of\": [", target->at_most);
    for (unsigned i = 0; i < TARGET_MAX_PEERS && target->peers[i] != NULL; i++) {
        fprintf(file, "%s", i == 0 ? "" : ", ");
        write_string(file, target->peers[i]);
    }
    fprintf(file, "], ");
    write_member(file, "ours", target_ours(target));
    fprintf(file, ", ");
    write_member(file, "peer", verdict.peer == NULL ? "" : verdict.peer->contestant->name);
    if (verdict.decided)
        fprintf(file, ", \"measured\": %.6g, \"holds\": %s", verdict.measured,
                verdict.holds ? "true" : "false");
    else
        fprintf(file, ", \"measured\": null, \"holds\": null");
    if (verdict.disturbed)
        fprintf(file, ", \"disturbed\": %.6g", verdict.measured);
    if (verdict.decided && verdict.peer != NULL)
        fprintf(file, ", \"min\": %.6g, \"max\": %.6g", verdict.spread.min, verdict.spread.max);
    fprintf(file, ", ");
    write_member(file, "why", verdict.decided ? "" : verdict.why);
    fprintf(file, "}");
}

static void write_targets(FILE *file, const struct report *report)
{
    fprintf(file, ",\n  \"targets\": [");
    bool first = true;
    for (const struct bench_target *target = NULL; (target = target_next(target)) != NULL;) {
        if (!target_selected(report, target))
            continue;
        fprintf(file, "%s\n", first ? "" : ",");
        write_target(file, report, target);
        first = false;
    }
    fprintf(file, "\n  ]");
}

bool json_write(const struct report *report, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    fprintf(file, "{\n  \"program\": \"ckf-bench\",\n  ");
    write_member(file, "version", CKF_BENCH_VERSION);
    fprintf(file, ",\n");
    write_environment(file, report);
    fprintf(file,
            "  \"repetitions\": %u,\n  \"budget_seconds\": %.6g,\n  \"seconds\": %.3f,\n"
            "  \"workloads\": [",
            report->repetitions, report->budget_seconds, report->seconds);
    for (unsigned i = 0; i < report->outcome_count; i++) {
        fprintf(file, "%s\n", i == 0 ? "" : ",");
        write_outcome(file, &report->outcomes[i]);
    }
    fprintf(file, "\n  ]");
    if (bench_contents.has_targets)
        write_targets(file, report);
    fprintf(file, "\n}\n");
    bool ok = ferror(file) == 0;
    return (fclose(file) == 0) && ok;
}
