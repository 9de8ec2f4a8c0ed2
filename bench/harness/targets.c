/* targets.c - a workload with everybody's figures, and the table of targets.
 *
 * A target holds when our median is at most the bound times the median of the quickest of its peers
 * in the same interleaved rounds. The range shown is that of the ratios within a round: where it
 * reaches over the bound, another run may come out the other way, and a ~ says so.
 */
#include <stdio.h>
#include <string.h>

#include "harness/result.h"

enum { TITLE_WIDTH = 44, BOUND_WIDTH = 51, NAME_WIDTH = 22, CELL_WIDTH = 9 };

static const struct outcome *outcome_of(const struct report *report, const char *id)
{
    for (unsigned i = 0; i < report->outcome_count; i++)
        if (strcmp(report->outcomes[i].workload->id, id) == 0)
            return &report->outcomes[i];
    return NULL;
}

const struct bench_target *target_next(const struct bench_target *target)
{
    bool found = target == NULL;
    for (size_t s = 0; s < bench_contents.suite_count; s++) {
        const struct bench_suite *suite = bench_contents.suites[s];
        for (size_t i = 0; i < suite->target_count; i++) {
            if (found)
                return &suite->targets[i];
            found = &suite->targets[i] == target;
        }
    }
    return NULL;
}

bool target_selected(const struct report *report, const struct bench_target *target)
{
    return outcome_of(report, target->workload) != NULL;
}

static const char *why_not(const struct result *result)
{
    if (result == NULL)
        return "not built";
    if (result->failure[0] != '\0')
        return "failed its checks";
    if (result->skipped)
        return result->skipped_because;
    return result_valid(result) ? NULL : "not run";
}

static const struct result *quickest_peer(const struct outcome *outcome,
                                          const struct bench_target *target, const char **why)
{
    const struct result *best = NULL;
    *why = "no peer was measured";
    for (unsigned i = 0; i < TARGET_MAX_PEERS && target->peers[i] != NULL; i++) {
        const struct result *peer = result_named(outcome, target->peers[i]);
        if (why_not(peer) != NULL)
            *why = why_not(peer);
        else if (best == NULL || peer->median < best->median)
            best = peer;
    }
    return best;
}

static void judge_outcome(const struct outcome *outcome, const struct bench_target *target,
                          struct verdict *verdict)
{
    *verdict = (struct verdict){.target = target, .outcome = outcome};
    if (outcome == NULL || outcome->out_of_budget) {
        verdict->why = "the budget was spent";
        return;
    }
    verdict->ours = result_named(outcome, target_ours(target));
    verdict->why = why_not(verdict->ours);
    if (verdict->why != NULL)
        return;
    verdict->measured = verdict->ours->median;
    verdict->decided = verdict->ours->parallel;
    if (target->peers[0] != NULL) {
        verdict->peer = quickest_peer(outcome, target, &verdict->why);
        if (verdict->peer == NULL) {
            verdict->decided = false;
            return;
        }
        verdict->decided = ratio_of(verdict->ours, verdict->peer, &verdict->spread);
        verdict->measured = verdict->ours->median / verdict->peer->median;
    }
    verdict->disturbed = !verdict->decided;
    verdict->why = verdict->disturbed ? "the machine was busy" : NULL;
    verdict->holds = verdict->decided && verdict->measured <= target->at_most;
}

void target_judge(const struct report *report, const struct bench_target *target,
                  struct verdict *verdict)
{
    judge_outcome(outcome_of(report, target->workload), target, verdict);
}

static void format_bound(char *text, size_t size, const struct bench_target *target,
                         const char *unit)
{
    char number[32];
    format_number(number, sizeof(number), target->at_most);
    if (target->peers[0] == NULL) {
        snprintf(text, size, "%s %s", number, unit);
        return;
    }
    if (target->peers_name != NULL) {
        snprintf(text, size, "%s x %s", number, target->peers_name);
        return;
    }
    int length =
        snprintf(text, size, "%s x %s", number, target->peers[1] == NULL ? "" : "the best of ");
    for (unsigned i = 0; i < TARGET_MAX_PEERS && target->peers[i] != NULL; i++)
        if (length >= 0 && (size_t)length < size)
            length += snprintf(text + length, size - (size_t)length, "%s%s", i == 0 ? "" : ", ",
                               target->peers[i]);
}

static const char *word_of(const struct verdict *verdict)
{
    double bound = verdict->target->at_most;
    bool wide =
        verdict->peer != NULL && verdict->spread.min <= bound && verdict->spread.max > bound;
    if (verdict->holds)
        return wide ? "yes ~" : "yes";
    return wide ? "NO ~" : "NO";
}

static void format_measured(char *text, size_t size, const struct verdict *verdict)
{
    char number[32], low[32], high[32];
    format_number(number, sizeof(number), verdict->measured);
    if (verdict->peer == NULL) {
        snprintf(text, size, "%s", number);
        return;
    }
    format_number(low, sizeof(low), verdict->spread.min);
    format_number(high, sizeof(high), verdict->spread.max);
    snprintf(text, size, "%s [%s-%s] %s", number, low, high, verdict->peer->contestant->name);
}

static void print_verdict(const struct verdict *verdict, const char *title, int title_width)
{
    char bound[128], measured[128];
    format_bound(bound, sizeof(bound), verdict->target,
                 verdict->outcome == NULL ? "" : verdict->outcome->workload->unit);
    printf("  %-*s  %-*s  ", title_width, title, BOUND_WIDTH, bound);
    if (!verdict->decided) {
        if (verdict->disturbed) {
            format_number(measured, sizeof(measured), verdict->measured);
            printf("(%s) ", measured);
        }
        printf("not measured: %s\n", verdict->why);
        return;
    }
    format_measured(measured, sizeof(measured), verdict);
    printf("%-34s %s\n", measured, word_of(verdict));
}

static void print_contestant(const struct outcome *outcome, const struct result *result)
{
    const struct bench_contestant *contestant = result->contestant;
    char number[32] = "-", times[48] = "";
    const char *note = contestant->note == NULL ? contestant->label : contestant->note;
    if (result_valid(result)) {
        format_number(number, sizeof(number), result->median);
        const struct result *base = result_named(outcome, "atomic");
        if (base != NULL && base != result && result_valid(base) && base->median > 0) {
            format_number(times, sizeof(times), result->median / base->median);
            strncat(times, "x", sizeof(times) - strlen(times) - 1);
        }
    } else {
        note = result->failure[0] != '\0' ? result->failure : result->skipped_because;
    }
    printf("      %-*s %*s%s %*s  %s\n", NAME_WIDTH, contestant->name, CELL_WIDTH, number,
           result_valid(result) && !result->parallel ? "!" : " ", CELL_WIDTH, times, note);
}

void targets_show(const struct outcome *outcome)
{
    const struct bench_workload *workload = outcome->workload;
    printf("\n%s: %s (%s)\n", workload->family, workload->title, workload->unit);
    if (outcome->out_of_budget) {
        printf("    not run: the budget was spent\n");
        return;
    }
    for (unsigned i = 0; i < outcome->result_count; i++)
        print_contestant(outcome, &outcome->results[i]);
    for (const struct bench_target *target = NULL; (target = target_next(target)) != NULL;) {
        if (strcmp(target->workload, workload->id) != 0)
            continue;
        struct verdict verdict;
        judge_outcome(outcome, target, &verdict);
        print_verdict(&verdict, "at most", 7);
    }
    fflush(stdout);
}

void targets_end(const struct report *report)
{
    unsigned held = 0, missed = 0, undecided = 0, failures = 0;
    printf("\n  %-*s  %-*s  %-34s holds?\n", TITLE_WIDTH, "workload", BOUND_WIDTH, "at most",
           "measured [within rounds] against");
    for (const struct bench_target *target = NULL; (target = target_next(target)) != NULL;) {
        if (!target_selected(report, target))
            continue;
        struct verdict verdict;
        target_judge(report, target, &verdict);
        print_verdict(&verdict, target->title, TITLE_WIDTH);
        held += verdict.decided && verdict.holds;
        missed += verdict.decided && !verdict.holds;
        undecided += !verdict.decided;
    }
    for (unsigned i = 0; i < report->outcome_count; i++)
        for (unsigned k = 0; k < report->outcomes[i].result_count; k++)
            failures += report->outcomes[i].results[k].failure[0] != '\0';
    printf(
        "\n%u targets hold, %u are missed, %u were not measured. Ratios of medians of %u "
        "interleaved rounds;\nin brackets the smallest and the largest ratio within a round; ~: "
        "they lie on both sides of the bound; !: something\nelse took its CPUs, not compared; x: "
        "times what atomic takes.\n",
        held, missed, undecided, report->repetitions);
    if (failures > 0)
        printf("%u results FAILED their checks.\n", failures);
    printf("%u CPUs, %s; load average at the start %.2f; %.0f s\n", report->machine.cpus,
           report->machine.cpu, report->load_average, report->seconds);
}
