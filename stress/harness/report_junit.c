/* harness/report_junit.c - the result as JUnit XML, for build servers. A case is a class, a variant
 * a test in it. A racy twin that was not reproduced is skipped, or failed where --require-repro says
 * that it must be. A failure holds what the text report shows below it: what the child printed. */
#include <string.h>

#include "harness/json.h"
#include "harness/report.h"

/* U+FFFE and U+FFFF are no characters. */
static bool is_no_character(const char *text)
{
    return strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0;
}

/* Escapes what XML wants escaped; what XML 1.0 cannot hold becomes a question mark. */
static void escape(FILE *out, const char *text)
{
    while (*text != '\0') {
        unsigned char c = (unsigned char)*text;
        unsigned length = ckf_stress_utf8_length(text);
        if (c == '&')
            fputs("&amp;", out);
        else if (c == '<')
            fputs("&lt;", out);
        else if (c == '>')
            fputs("&gt;", out);
        else if (c == '"')
            fputs("&quot;", out);
        else if (c == '\n')
            fputs("&#10;", out);
        else if (length == 0 || (c < 0x20 && c != '\t') || is_no_character(text))
            fputc('?', out);
        else
            fwrite(text, 1, length, out);
        text += length == 0 ? 1 : length;
    }
}

/* The element that says what became of a variant; NULL: it passed. */
static const char *element_of(enum ckf_stress_judgement judgement, bool require_repro)
{
    switch (judgement) {
    case CKF_STRESS_FAILED:
        return "failure";
    case CKF_STRESS_ERROR:
        return "error";
    case CKF_STRESS_NOT_REPRODUCED:
        return require_repro ? "failure" : "skipped";
    default:
        return NULL;
    }
}

static void write_test(const struct ckf_stress_report *report, size_t index, int variant,
                       const struct ckf_stress_verdict *verdict, FILE *out)
{
    const struct ckf_stress_tally *tally = &report->outcome->cases[index].variants[variant];
    const char *element = element_of(verdict->judgement, report->settings->require_repro);
    fprintf(out, "    <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\">\n", tally->test->id,
            ckf_stress_variant_name(tally->variant), (double)tally->wall_ns / 1e9);
    if (element != NULL) {
        fprintf(out, "      <%s message=\"%s: ", element,
                ckf_stress_judgement_name(verdict->judgement));
        escape(out, verdict->sentence);
        fputs("\">", out);
        if (verdict->judgement == CKF_STRESS_FAILED)
            escape(out, tally->failure_output);
        fprintf(out, "</%s>\n", element);
    }
    fputs("      <system-out>", out);
    escape(out, verdict->sentence);
    fputs("</system-out>\n    </testcase>\n", out);
}

/* The suite of the cases from `first` that share its collection; returns the one after them. */
static size_t write_suite(const struct ckf_stress_report *report, size_t first, FILE *out)
{
    const char *collection = report->catalog->cases[first]->collection;
    size_t tests = 0, failures = 0, errors = 0, skipped = 0, end = first;
    struct ckf_stress_verdict verdict;
    for (; end < report->outcome->count &&
           strcmp(report->catalog->cases[end]->collection, collection) == 0;
         end++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++) {
            if (!ckf_stress_report_verdict(report, end, v, &verdict))
                continue;
            const char *element = element_of(verdict.judgement, report->settings->require_repro);
            tests++;
            failures += element != NULL && strcmp(element, "failure") == 0;
            errors += element != NULL && strcmp(element, "error") == 0;
            skipped += element != NULL && strcmp(element, "skipped") == 0;
        }
    fputs("  <testsuite name=\"", out);
    escape(out, collection);
    fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n", tests,
            failures, errors, skipped);
    for (size_t i = first; i < end; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (ckf_stress_report_verdict(report, i, v, &verdict))
                write_test(report, i, v, &verdict, out);
    fputs("  </testsuite>\n", out);
    return end;
}

bool ckf_stress_report_junit(const struct ckf_stress_report *report, FILE *out)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ckf-stress\">\n", out);
    for (size_t i = 0; i < report->outcome->count;)
        i = write_suite(report, i, out);
    fputs("</testsuites>\n", out);
    return fflush(out) == 0 && ferror(out) == 0;
}
