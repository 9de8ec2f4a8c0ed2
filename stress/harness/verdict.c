/* harness/verdict.c - what a tally means, in numbers and in one sentence.
 *
 * A racy twin that did not fail is "not reproduced", never "passed", and says what its iterations
 * exclude. A fixed variant is measured by its racy twin: so many iterations would have shown that
 * with 95 % certainty, so many it ran. */
#include "harness/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ckf_stress_judgement_name(enum ckf_stress_judgement judgement)
{
    static const char *const names[CKF_STRESS_JUDGEMENTS] = {"REPRODUCED", "NOT REPRODUCED",
                                                             "CLEAN", "FORBIDDEN", "ERROR"};
    return names[judgement];
}

int ckf_stress_exit_status(const struct ckf_stress_summary *summary, bool require_repro)
{
    if (summary->count[CKF_STRESS_FAILED] > 0)
        return 1;
    if (summary->count[CKF_STRESS_ERROR] > 0)
        return 2;
    if (require_repro && summary->count[CKF_STRESS_NOT_REPRODUCED] > 0)
        return 3;
    return 0;
}

/* --- Words -------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct ckf_stress_verdict *verdict,
                                                      const char *format, ...)
{
    size_t length = strlen(verdict->sentence);
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->sentence + length, sizeof verdict->sentence - length, format, args);
    va_end(args);
}

/* 1234567 as "1,234,567". */
static const char *grouped(uint64_t number, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *out = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}

/* "1 iteration", "1,234 iterations" */
static void say_iterations(struct ckf_stress_verdict *verdict, uint64_t count)
{
    char number[32];
    say(verdict, "%s iteration%s", grouped(count, number), count == 1 ? "" : "s");
}

static void say_point(struct ckf_stress_verdict *verdict, const struct ckf_stress_sweep *sweep)
{
    static const char *const places[CKF_STRESS_PLACEMENTS] = {"on one core", "on different cores",
                                                              "not pinned"};
    say(verdict, "%u thread%s %s, %s", sweep->threads, sweep->threads == 1 ? "" : "s",
        places[sweep->point.placement], ckf_stress_spin_name(sweep->point.spin));
}

static void say_first_failure(struct ckf_stress_verdict *verdict,
                              const struct ckf_stress_tally *tally)
{
    if (tally->start_count == 0)
        return;
    if (verdict->median_ns >= 0)
        say(verdict, "; median time to first failure %.3g ms", (double)verdict->median_ns / 1e6);
    else
        say(verdict, "; fewer than half of the fresh starts failed in the time they had");
    say(verdict, " (%u of %u fresh starts failed; ", tally->failed_starts, tally->start_count);
    say_point(verdict, &tally->sweeps[tally->start_sweep]);
    say(verdict, ")");
}

/* The most frequent forbidden outcome; NULL: there was none. */
static const struct ckf_stress_row *worst_row(const struct ckf_stress_tally *tally)
{
    const struct ckf_stress_row *worst = NULL;
    for (unsigned i = 0; i < tally->row_count; i++)
        if (tally->rows[i].grade == CKF_STRESS_FORBIDDEN &&
            (worst == NULL || tally->rows[i].count > worst->count))
            worst = &tally->rows[i];
    return worst;
}

static void say_failures(struct ckf_stress_verdict *verdict, const struct ckf_stress_tally *tally)
{
    char failures[32];
    const struct ckf_stress_row *worst = worst_row(tally);
    const char *meaning =
        worst != NULL ? ckf_stress_grade(tally->test, worst->text)->meaning : NULL;
    if (worst != NULL)
        say(verdict, "\"%s\"", worst->text);
    if (meaning != NULL)
        say(verdict, " (%s)", meaning);
    say(verdict, ": %s of ", grouped(tally->failures, failures));
    say_iterations(verdict, tally->iterations);
    say(verdict, " failed");
}

static void say_rate(struct ckf_stress_verdict *verdict)
{
    say(verdict, ", a rate of %.3g (95 %% interval %.3g to %.3g)", verdict->rate,
        verdict->bounds.low, verdict->bounds.high);
}

/* --- Judgements --------------------------------------------------------------------------------- */

static void judge_racy(struct ckf_stress_verdict *verdict, const struct ckf_stress_tally *tally)
{
    bool deterministic = (tally->test->flags & CKF_STRESS_DETERMINISTIC) != 0;
    if (tally->failures > 0) {
        verdict->judgement = CKF_STRESS_REPRODUCED;
        say_failures(verdict, tally);
        if (deterministic)
            say(verdict, "; it fails whatever the schedule");
        else
            say_rate(verdict);
        say_first_failure(verdict, tally);
        say(verdict, ".");
        return;
    }
    verdict->judgement = CKF_STRESS_NOT_REPRODUCED;
    say(verdict, "No failure in ");
    say_iterations(verdict, tally->iterations);
    say(verdict, ", which proves nothing but a rate below %.3g (3/N, at 95 %%).",
        verdict->bounds.high);
}

static void compare_with_racy(struct ckf_stress_verdict *verdict)
{
    char needed[32];
    if (!verdict->needed_known)
        say(verdict, "; how many would be enough is unknown, since the racy twin was not seen to "
                     "fail in this run.");
    else if (verdict->enough)
        say(verdict, "; the racy twin would have failed with 95 %% certainty within %s.",
            grouped(verdict->needed, needed));
    else
        say(verdict, "; that is too few: the racy twin needs %s to fail with 95 %% certainty.",
            grouped(verdict->needed, needed));
}

static void judge_fixed(struct ckf_stress_verdict *verdict, const struct ckf_stress_tally *tally)
{
    if (tally->failures > 0) {
        verdict->judgement = CKF_STRESS_FAILED;
        say_failures(verdict, tally);
        say(verdict, "; first in iteration %" PRIu64 " of the batch with seed 0x%" PRIx64 ".",
            tally->first_failure_iteration, tally->first_failure_seed);
        return;
    }
    verdict->judgement = CKF_STRESS_CLEAN;
    say(verdict, "No forbidden outcome in ");
    say_iterations(verdict, tally->iterations);
    compare_with_racy(verdict);
}

static void compute(struct ckf_stress_verdict *verdict, const struct ckf_stress_tally *tally,
                    const struct ckf_stress_tally *racy)
{
    if (tally->iterations > 0) {
        verdict->rate = (double)tally->failures / (double)tally->iterations;
        verdict->bounds = ckf_stress_clopper_pearson(tally->failures, tally->iterations);
        if (tally->failures == 0)
            verdict->bounds.high = ckf_stress_excluded_rate(tally->iterations);
    } else {
        verdict->bounds.high = 1;
    }
    if (racy != NULL && racy->failures > 0) {
        verdict->needed_known = true;
        verdict->needed =
            ckf_stress_needed_trials((double)racy->failures / (double)racy->iterations);
        verdict->enough = tally->iterations >= verdict->needed;
    }
    struct ckf_stress_start starts[CKF_STRESS_MAX_STARTS];
    memcpy(starts, tally->starts, sizeof starts);
    verdict->median_ns = ckf_stress_median_ns(starts, tally->start_count);
    if (tally->cpu_room_ns > 0)
        verdict->parallel = (double)tally->cpu_ns / (double)tally->cpu_room_ns;
    if (verdict->parallel > 1)
        verdict->parallel = 1;
}

void ckf_stress_judge(struct ckf_stress_verdict *verdict, const struct ckf_stress_tally *tally,
                      const struct ckf_stress_tally *racy)
{
    *verdict = (struct ckf_stress_verdict){.median_ns = -1};
    compute(verdict, tally, racy);
    if (tally->error[0] != '\0' && tally->failures == 0) {
        verdict->judgement = CKF_STRESS_ERROR;
        say(verdict, "The harness failed: %s.", tally->error);
    } else if (tally->variant == CKF_STRESS_RACY) {
        judge_racy(verdict, tally);
    } else {
        judge_fixed(verdict, tally);
    }
    verdict->on_threads = true;
    verdict->of_threads = verdict->judgement;
}

/* --- Both engines --------------------------------------------------------------------------------- */

static void say_explored(struct ckf_stress_verdict *verdict,
                         const struct ckf_stress_explored *explored)
{
    char sentence[400], of_threads[sizeof verdict->sentence];
    memcpy(of_threads, verdict->sentence, sizeof of_threads);
    verdict->sentence[0] = '\0';
    ckf_stress_explored_sentence(explored, sentence, sizeof sentence);
    say(verdict, "The explore engine %s.", sentence);
    if (verdict->on_threads)
        say(verdict, " On threads: %s", of_threads);
}

void ckf_stress_judge_explored(struct ckf_stress_verdict *verdict, enum ckf_stress_variant variant,
                               const struct ckf_stress_explored *explored, bool on_threads)
{
    bool racy = variant == CKF_STRESS_RACY;
    bool failed = explored->verdict == CKF_STRESS_EXPLORED_FAILED;
    enum ckf_stress_judgement found = failed
                                          ? (racy ? CKF_STRESS_REPRODUCED : CKF_STRESS_FAILED)
                                          : (racy ? CKF_STRESS_NOT_REPRODUCED : CKF_STRESS_CLEAN);
    verdict->explored = explored;
    if (!on_threads) {
        verdict->on_threads = false;
        verdict->judgement = explored->verdict == CKF_STRESS_NO_VERDICT ||
                                     explored->verdict == CKF_STRESS_NOT_EXPLORED
                                 ? CKF_STRESS_ERROR
                                 : found;
        say_explored(verdict, explored);
    } else if (failed && verdict->judgement != found) {
        verdict->judgement = found;
        say_explored(verdict, explored);
    }
}
