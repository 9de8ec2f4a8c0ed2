/* harness/report_text.c - what people read when a run is over, and the list of cases. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "harness/clock.h"
#include "harness/report.h"

/* What the explore engine says of it; NULL: nothing. */
static const struct ckf_stress_explored *explored_of(const struct ckf_stress_report *report,
                                                     size_t case_index, int variant)
{
    return report->exploration->ran ? &report->exploration->cases[case_index][variant] : NULL;
}

bool ckf_stress_report_verdict(const struct ckf_stress_report *report, size_t case_index,
                               int variant, struct ckf_stress_verdict *verdict)
{
    const struct ckf_stress_tally *variants = report->outcome->cases[case_index].variants;
    if (variants[variant].test == NULL)
        return false;
    const struct ckf_stress_tally *racy =
        variants[CKF_STRESS_RACY].test != NULL ? &variants[CKF_STRESS_RACY] : NULL;
    ckf_stress_judge(verdict, &variants[variant], racy);
    const struct ckf_stress_explored *explored = explored_of(report, case_index, variant);
    if (explored != NULL)
        ckf_stress_judge_explored(verdict, (enum ckf_stress_variant)variant, explored,
                                  (report->settings->engine & CKF_STRESS_THREADS) != 0);
    return true;
}

void ckf_stress_summarize_explored(const struct ckf_stress_report *report,
                                   struct ckf_stress_explored_summary *summary)
{
    *summary = (struct ckf_stress_explored_summary){.clean = 0};
    for (size_t i = 0; i < report->outcome->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++) {
            const struct ckf_stress_explored *explored = explored_of(report, i, v);
            bool racy = v == CKF_STRESS_RACY;
            if (explored == NULL || explored->verdict == CKF_STRESS_NOT_EXPLORED)
                continue;
            if (explored->verdict == CKF_STRESS_NO_VERDICT)
                summary->no_verdict++;
            else if (explored->verdict == CKF_STRESS_EXPLORED_FAILED)
                *(racy ? &summary->reproduced : &summary->failed) += 1;
            else
                *(racy ? &summary->not_reproduced : &summary->clean) += 1;
        }
}

void ckf_stress_summarize(const struct ckf_stress_report *report,
                          struct ckf_stress_summary *summary)
{
    *summary = (struct ckf_stress_summary){.cases = report->outcome->count};
    struct ckf_stress_verdict verdict;
    for (size_t i = 0; i < report->outcome->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (ckf_stress_report_verdict(report, i, v, &verdict))
                summary->count[verdict.judgement]++;
}

/* Outcomes are worth a line each if there is more than one, or if the one is not as it should be. */
static void print_outcomes(const struct ckf_stress_tally *tally, FILE *out)
{
    if (tally->row_count == 1 && tally->rows[0].grade == CKF_STRESS_ACCEPTABLE)
        return;
    for (unsigned i = 0; i < tally->row_count; i++) {
        const struct ckf_stress_row *row = &tally->rows[i];
        const char *meaning = ckf_stress_grade(tally->test, row->text)->meaning;
        fprintf(out, "      %12" PRIu64 "  %-11s  %s%s%s\n", row->count,
                ckf_stress_grade_name(row->grade), row->text, meaning != NULL ? ": " : "",
                meaning != NULL ? meaning : "");
    }
}

static void print_indented(const char *text, FILE *out)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        fprintf(out, "      | %.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_explored(const struct ckf_stress_verdict *verdict, FILE *out)
{
    char sentence[400];
    ckf_stress_explored_sentence(verdict->explored, sentence, sizeof sentence);
    if (verdict->on_threads)
        fprintf(out, "          explored: %s\n", sentence);
    if (verdict->explored->schedule[0] != '\0')
        fprintf(out, "          schedule: %s (to replay it: %s replay %s)\n",
                verdict->explored->schedule, program_invocation_name, verdict->explored->schedule);
}

static void print_variant(const struct ckf_stress_report *report, size_t index, int variant,
                          FILE *out)
{
    struct ckf_stress_verdict verdict;
    if (!ckf_stress_report_verdict(report, index, variant, &verdict))
        return;
    const struct ckf_stress_tally *tally = &report->outcome->cases[index].variants[variant];
    fprintf(out, "  %-6s  %s  %s\n", ckf_stress_variant_name(tally->variant),
            ckf_stress_judgement_name(verdict.judgement), verdict.sentence);
    if (verdict.explored != NULL)
        print_explored(&verdict, out);
    print_outcomes(tally, out);
    if (verdict.judgement == CKF_STRESS_FAILED)
        print_indented(tally->failure_output, out);
}

static void print_summary(const struct ckf_stress_report *report, FILE *out)
{
    struct ckf_stress_summary summary;
    ckf_stress_summarize(report, &summary);
    fprintf(out,
            "%zu case%s in %.1f s, seed %" PRIu64
            ": racy twins: %zu reproduced, %zu not; fixed variants: %zu clean, %zu with forbidden "
            "outcomes",
            summary.cases, summary.cases == 1 ? "" : "s", (double)report->outcome->ran_ns / 1e9,
            report->settings->seed, summary.count[CKF_STRESS_REPRODUCED],
            summary.count[CKF_STRESS_NOT_REPRODUCED], summary.count[CKF_STRESS_CLEAN],
            summary.count[CKF_STRESS_FAILED]);
    if (summary.count[CKF_STRESS_ERROR] > 0)
        fprintf(out, "; %zu errors", summary.count[CKF_STRESS_ERROR]);
    fputs("\n", out);
}

static void print_exploration(const struct ckf_stress_report *report, FILE *out)
{
    struct ckf_stress_explored_summary summary;
    if (report->exploration->absent[0] != '\0')
        fprintf(out, "explore engine: not run, %s\n", report->exploration->absent);
    if (!report->exploration->ran)
        return;
    ckf_stress_summarize_explored(report, &summary);
    fprintf(out,
            "explore engine, in %.1f s of it: racy twins: %zu reproduced, %zu not; fixed variants: "
            "%zu clean, %zu with forbidden outcomes",
            (double)report->exploration->ran_ns / 1e9, summary.reproduced, summary.not_reproduced,
            summary.clean, summary.failed);
    if (summary.no_verdict > 0)
        fprintf(out, "; %zu without a verdict", summary.no_verdict);
    fputs("\n", out);
}

bool ckf_stress_report_text(const struct ckf_stress_report *report, FILE *out)
{
    for (size_t i = 0; i < report->outcome->count; i++) {
        const struct ckf_stress_case *test = report->catalog->cases[i];
        fprintf(out, "%s (%s): %s\n", test->id, test->collection, test->title);
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            print_variant(report, i, v, out);
        fputs("\n", out);
    }
    print_summary(report, out);
    print_exploration(report, out);
    return fflush(out) == 0 && ferror(out) == 0;
}

static void print_variants(const struct ckf_stress_case *test, FILE *out)
{
    const char *separator = "";
    for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
        if (test->operations[v] != NULL) {
            fprintf(out, "%s%s", separator, ckf_stress_variant_name((enum ckf_stress_variant)v));
            separator = ",";
        }
}

bool ckf_stress_list_text(const struct ckf_stress_catalog *catalog, FILE *out)
{
    const char *collection = "";
    for (size_t i = 0; i < catalog->count; i++) {
        const struct ckf_stress_case *test = catalog->cases[i];
        if (strcmp(collection, test->collection) != 0)
            fprintf(out, "%s%s\n", i == 0 ? "" : "\n", test->collection);
        collection = test->collection;
        fprintf(out, "  %-32s  %s [", test->id, test->title);
        print_variants(test, out);
        fputs("]\n", out);
    }
    return fflush(out) == 0 && ferror(out) == 0;
}
