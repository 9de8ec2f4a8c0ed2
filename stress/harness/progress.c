/* harness/progress.c - how far a run is. */
#include "harness/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/clock.h"

#define TERMINAL_PERIOD_NS (200 * CKF_STRESS_MS)
#define PLAIN_PERIOD_NS    (15 * CKF_STRESS_S)

void ckf_stress_progress_begin(struct ckf_stress_progress_line *line, FILE *out)
{
    const char *term = getenv("TERM");
    line->out = out;
    line->terminal = isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0;
    line->next_ns = ckf_stress_now_ns() + (line->terminal ? 0 : PLAIN_PERIOD_NS);
}

static void print(const struct ckf_stress_progress *progress, FILE *out)
{
    const struct ckf_stress_tally *tally = progress->tally;
    fprintf(out, "[%3.0f s", (double)progress->elapsed_ns / 1e9);
    if (progress->budget_ns > 0)
        fprintf(out, " of %.0f", (double)progress->budget_ns / 1e9);
    fprintf(out, "] %s %u/%u: %s %s, %" PRIu64 " iterations, %" PRIu64 " failed",
            progress->activity, progress->item, progress->items, tally->test->id,
            ckf_stress_variant_name(tally->variant),
            tally->iterations + progress->running_iterations, tally->failures);
}

void ckf_stress_progress_show(const struct ckf_stress_progress *progress, void *arg)
{
    struct ckf_stress_progress_line *line = arg;
    int64_t now = ckf_stress_now_ns();
    if (now < line->next_ns)
        return;
    line->next_ns = now + (line->terminal ? TERMINAL_PERIOD_NS : PLAIN_PERIOD_NS);
    fputs(line->terminal ? "\r\033[K" : "", line->out);
    print(progress, line->out);
    fputs(line->terminal ? "" : "\n", line->out);
    fflush(line->out);
}

void ckf_stress_progress_say(struct ckf_stress_progress_line *line, const char *activity,
                             const char *text)
{
    int64_t now = ckf_stress_now_ns();
    if (now < line->next_ns)
        return;
    line->next_ns = now + (line->terminal ? TERMINAL_PERIOD_NS : PLAIN_PERIOD_NS);
    fprintf(line->out, "%s%s %.100s%s", line->terminal ? "\r\033[K" : "", activity, text,
            line->terminal ? "" : "\n");
    fflush(line->out);
}

void ckf_stress_progress_end(struct ckf_stress_progress_line *line)
{
    if (line->terminal)
        fputs("\r\033[K", line->out);
    fflush(line->out);
}
