/* harness/report_json.c - the result as JSON; docs/stress-json.md describes it field by field. */
#include "harness/environment.h"
#include "harness/json.h"
#include "harness/report.h"
#include "harness/runtime.h"

static void write_environment(struct ckf_stress_json *json,
                              const struct ckf_stress_environment *environment)
{
    ckf_stress_json_open_object(json, "environment");
    ckf_stress_json_string(json, "cpu", environment->cpu);
    ckf_stress_json_unsigned(json, "cpus", environment->cpus);
    ckf_stress_json_string(json, "governor", environment->governor);
    ckf_stress_json_string(json, "kernel", environment->kernel);
    ckf_stress_json_string(json, "compiler", environment->compiler);
    ckf_stress_json_string(json, "flags", environment->flags);
    ckf_stress_json_string(json, "libc", environment->libc);
    ckf_stress_json_string(json, "build_type", environment->build_type);
    ckf_stress_json_string(json, "sanitizer", environment->sanitizer);
    ckf_stress_json_close_object(json);
}

/* Where and with how many threads. */
static void write_place(struct ckf_stress_json *json, const struct ckf_stress_sweep *sweep)
{
    ckf_stress_json_string(json, "placement", ckf_stress_placement_name(sweep->point.placement));
    ckf_stress_json_unsigned(json, "threads", sweep->threads);
    ckf_stress_json_string(json, "spin", ckf_stress_spin_name(sweep->point.spin));
}

static void write_first_failure(struct ckf_stress_json *json, const struct ckf_stress_tally *tally,
                                const struct ckf_stress_verdict *verdict)
{
    if (tally->failures == 0) {
        ckf_stress_json_null(json, "first_failure");
        return;
    }
    ckf_stress_json_open_object(json, "first_failure");
    ckf_stress_json_unsigned(json, "starts", tally->start_count);
    ckf_stress_json_unsigned(json, "failed", tally->failed_starts);
    if (verdict->median_ns >= 0)
        ckf_stress_json_double(json, "median_ms", (double)verdict->median_ns / 1e6);
    else
        ckf_stress_json_null(json, "median_ms");
    ckf_stress_json_open_array(json, "times");
    for (unsigned i = 0; i < tally->start_count; i++) {
        ckf_stress_json_open_object(json, NULL);
        ckf_stress_json_double(json, "ms", (double)tally->starts[i].ns / 1e6);
        ckf_stress_json_bool(json, "failed", tally->starts[i].failed);
        ckf_stress_json_close_object(json);
    }
    ckf_stress_json_close_array(json);
    if (tally->start_count > 0)
        write_place(json, &tally->sweeps[tally->start_sweep]);
    ckf_stress_json_unsigned(json, "iteration", tally->first_failure_iteration);
    ckf_stress_json_unsigned(json, "seed", tally->first_failure_seed);
    ckf_stress_json_close_object(json);
}

static void write_outcomes(struct ckf_stress_json *json, const struct ckf_stress_tally *tally)
{
    ckf_stress_json_open_array(json, "outcomes");
    for (unsigned i = 0; i < tally->row_count; i++) {
        const struct ckf_stress_row *row = &tally->rows[i];
        ckf_stress_json_open_object(json, NULL);
        ckf_stress_json_string(json, "outcome", row->text);
        ckf_stress_json_string(json, "grade", ckf_stress_grade_name(row->grade));
        ckf_stress_json_unsigned(json, "count", row->count);
        ckf_stress_json_string(json, "meaning", ckf_stress_grade(tally->test, row->text)->meaning);
        ckf_stress_json_close_object(json);
    }
    ckf_stress_json_close_array(json);
}

static void write_sweeps(struct ckf_stress_json *json, const struct ckf_stress_tally *tally)
{
    ckf_stress_json_open_array(json, "sweeps");
    for (unsigned i = 0; i < tally->sweep_count; i++) {
        const struct ckf_stress_sweep *sweep = &tally->sweeps[i];
        if (sweep->iterations == 0)
            continue;
        ckf_stress_json_open_object(json, NULL);
        write_place(json, sweep);
        ckf_stress_json_unsigned(json, "iterations", sweep->iterations);
        ckf_stress_json_unsigned(json, "failures", sweep->failures);
        ckf_stress_json_close_object(json);
    }
    ckf_stress_json_close_array(json);
}

static void write_variant(struct ckf_stress_json *json, const struct ckf_stress_tally *tally,
                          const struct ckf_stress_verdict *verdict)
{
    bool fixed = tally->variant != CKF_STRESS_RACY;
    ckf_stress_json_open_object(json, NULL);
    ckf_stress_json_string(json, "variant", ckf_stress_variant_name(tally->variant));
    ckf_stress_json_string(json, "verdict", ckf_stress_judgement_name(verdict->judgement));
    ckf_stress_json_string(json, "threads_verdict",
                           verdict->on_threads ? ckf_stress_judgement_name(verdict->of_threads)
                                               : NULL);
    ckf_stress_json_string(json, "sentence", verdict->sentence);
    ckf_stress_json_unsigned(json, "iterations", tally->iterations);
    ckf_stress_json_unsigned(json, "failures", tally->failures);
    ckf_stress_json_double(json, "rate", verdict->rate);
    ckf_stress_json_double(json, "rate_low", verdict->bounds.low);
    ckf_stress_json_double(json, "rate_high", verdict->bounds.high);
    if (fixed && verdict->needed_known)
        ckf_stress_json_unsigned(json, "needed_iterations", verdict->needed);
    else
        ckf_stress_json_null(json, "needed_iterations");
    ckf_stress_json_bool(json, "enough", fixed && verdict->enough);
    write_first_failure(json, tally, verdict);
    write_outcomes(json, tally);
    write_sweeps(json, tally);
    ckf_stress_json_unsigned(json, "processes", tally->batches);
    ckf_stress_json_double(json, "seconds", (double)tally->wall_ns / 1e9);
    ckf_stress_json_double(json, "parallel", verdict->parallel);
    ckf_stress_json_string(json, "error", tally->error[0] != '\0' ? tally->error : NULL);
    bool has_output = tally->failures > 0 && tally->failure_output[0] != '\0';
    ckf_stress_json_string(json, "output", has_output ? tally->failure_output : NULL);
    if (verdict->explored != NULL && verdict->explored->json != NULL)
        ckf_stress_json_raw(json, "explore", verdict->explored->json);
    else
        ckf_stress_json_null(json, "explore");
    ckf_stress_json_close_object(json);
}

static void write_case(struct ckf_stress_json *json, const struct ckf_stress_report *report,
                       size_t index)
{
    const struct ckf_stress_case *test = report->catalog->cases[index];
    struct ckf_stress_verdict verdict;
    ckf_stress_json_open_object(json, NULL);
    ckf_stress_json_string(json, "id", test->id);
    ckf_stress_json_string(json, "collection", test->collection);
    ckf_stress_json_string(json, "title", test->title);
    ckf_stress_json_string(json, "story", test->story);
    ckf_stress_json_bool(json, "deterministic", (test->flags & CKF_STRESS_DETERMINISTIC) != 0);
    ckf_stress_json_open_array(json, "variants");
    for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
        if (ckf_stress_report_verdict(report, index, v, &verdict))
            write_variant(json, &report->outcome->cases[index].variants[v], &verdict);
    ckf_stress_json_close_array(json);
    ckf_stress_json_close_object(json);
}

static void write_explored_summary(struct ckf_stress_json *json,
                                   const struct ckf_stress_report *report)
{
    struct ckf_stress_explored_summary summary;
    if (!report->exploration->ran) {
        ckf_stress_json_null(json, "explore");
        return;
    }
    ckf_stress_summarize_explored(report, &summary);
    ckf_stress_json_open_object(json, "explore");
    ckf_stress_json_unsigned(json, "reproduced", summary.reproduced);
    ckf_stress_json_unsigned(json, "not_reproduced", summary.not_reproduced);
    ckf_stress_json_unsigned(json, "clean", summary.clean);
    ckf_stress_json_unsigned(json, "forbidden", summary.failed);
    ckf_stress_json_unsigned(json, "no_verdict", summary.no_verdict);
    ckf_stress_json_double(json, "seconds", (double)report->exploration->ran_ns / 1e9);
    ckf_stress_json_close_object(json);
}

static void write_engines(struct ckf_stress_json *json, const struct ckf_stress_report *report)
{
    ckf_stress_json_open_array(json, "engines");
    if ((report->settings->engine & CKF_STRESS_THREADS) != 0)
        ckf_stress_json_string(json, NULL,
                               ckf_stress_runtime != NULL ? ckf_stress_runtime->name : "threads");
    if (report->exploration->ran)
        ckf_stress_json_string(json, NULL, "explore");
    ckf_stress_json_close_array(json);
}

static void write_summary(struct ckf_stress_json *json, const struct ckf_stress_report *report)
{
    struct ckf_stress_summary summary;
    ckf_stress_summarize(report, &summary);
    ckf_stress_json_open_object(json, "summary");
    ckf_stress_json_unsigned(json, "cases", summary.cases);
    ckf_stress_json_unsigned(json, "reproduced", summary.count[CKF_STRESS_REPRODUCED]);
    ckf_stress_json_unsigned(json, "not_reproduced", summary.count[CKF_STRESS_NOT_REPRODUCED]);
    ckf_stress_json_unsigned(json, "clean", summary.count[CKF_STRESS_CLEAN]);
    ckf_stress_json_unsigned(json, "forbidden", summary.count[CKF_STRESS_FAILED]);
    ckf_stress_json_unsigned(json, "errors", summary.count[CKF_STRESS_ERROR]);
    write_explored_summary(json, report);
    ckf_stress_json_close_object(json);
}

bool ckf_stress_report_json(const struct ckf_stress_report *report, FILE *out)
{
    struct ckf_stress_environment environment;
    struct ckf_stress_json json;
    ckf_stress_read_environment(&environment);
    ckf_stress_json_begin(&json, out);
    ckf_stress_json_open_object(&json, NULL);
    ckf_stress_json_string(&json, "program", "ckf-stress");
    ckf_stress_json_string(&json, "version", environment.version);
    write_engines(&json, report);
    ckf_stress_json_unsigned(&json, "seed", report->settings->seed);
    if (report->outcome->budget_ns > 0)
        ckf_stress_json_double(&json, "budget_seconds", (double)report->outcome->budget_ns / 1e9);
    else
        ckf_stress_json_null(&json, "budget_seconds");
    ckf_stress_json_double(&json, "seconds", (double)report->outcome->ran_ns / 1e9);
    write_environment(&json, &environment);
    ckf_stress_json_open_array(&json, "cases");
    for (size_t i = 0; i < report->outcome->count; i++)
        write_case(&json, report, i);
    ckf_stress_json_close_array(&json);
    write_summary(&json, report);
    ckf_stress_json_close_object(&json);
    return ckf_stress_json_end(&json);
}

static void list_case(struct ckf_stress_json *json, const struct ckf_stress_case *test)
{
    ckf_stress_json_open_object(json, NULL);
    ckf_stress_json_string(json, "id", test->id);
    ckf_stress_json_string(json, "collection", test->collection);
    ckf_stress_json_open_array(json, "variants");
    for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
        if (test->operations[v] != NULL)
            ckf_stress_json_string(json, NULL, ckf_stress_variant_name((enum ckf_stress_variant)v));
    ckf_stress_json_close_array(json);
    ckf_stress_json_string(json, "title", test->title);
    ckf_stress_json_string(json, "story", test->story);
    ckf_stress_json_bool(json, "deterministic", (test->flags & CKF_STRESS_DETERMINISTIC) != 0);
    ckf_stress_json_close_object(json);
}

bool ckf_stress_list_json(const struct ckf_stress_catalog *catalog, FILE *out)
{
    struct ckf_stress_json json;
    ckf_stress_json_begin(&json, out);
    ckf_stress_json_open_array(&json, NULL);
    for (size_t i = 0; i < catalog->count; i++)
        list_case(&json, catalog->cases[i]);
    ckf_stress_json_close_array(&json);
    return ckf_stress_json_end(&json);
}
