/* table.c - a table a family of workloads, printed as its rows are done.
 *
 * The columns are the contestants of the family's first row, and the ratio of the two variants; a
 * contestant that only later rows have stands at the end of its row, with its name.
 */
#include <stdio.h>
#include <string.h>

#include "harness/result.h"

enum { TITLE_WIDTH = 40, CELL_WIDTH = 12 };

static const char *family;
static const struct bench_contestant *columns[BENCH_MAX_CONTESTANTS];
static unsigned column_count;
static bool saw_not_parallel, saw_wide;
static unsigned failures, out_of_budget;

void table_begin(void)
{
    family = NULL;
}

static void print_heading(const struct outcome *outcome)
{
    const struct bench_workload *workload = outcome->workload;
    family = workload->family;
    column_count = 0;
    for (size_t i = 0; i < workload->contestant_count; i++)
        if (workload->contestants[i] != NULL)
            columns[column_count++] = workload->contestants[i];
    printf("\n%s: %s (%s)\n%-*s", workload->collection, family, workload->unit, TITLE_WIDTH, "");
    for (unsigned i = 0; i < column_count; i++) {
        printf(" %*s", CELL_WIDTH, columns[i]->name);
        if (strcmp(columns[i]->name, "mutex") == 0)
            printf("  mutex/atomic      ");
    }
    printf("\n");
}

void format_number(char *text, size_t size, double value)
{
    if (value < 10)
        snprintf(text, size, "%.2f", value);
    else if (value < 100)
        snprintf(text, size, "%.1f", value);
    else
        snprintf(text, size, "%.0f", value);
}

static void print_cell(const struct result *result)
{
    char number[32], cell[48];
    if (result == NULL || result->skipped) {
        printf(" %*s", CELL_WIDTH, "-");
        return;
    }
    if (!result_valid(result)) {
        printf(" %*s", CELL_WIDTH, "FAILED");
        return;
    }
    bool wide = result->max > 1.5 * result->min;
    saw_wide |= wide;
    saw_not_parallel |= !result->parallel;
    format_number(number, sizeof(number), result->median);
    snprintf(cell, sizeof(cell), "%s%s%s", number, wide ? " ~" : "", result->parallel ? "" : " !");
    printf(" %*s", CELL_WIDTH, cell);
}

static bool has_column(const struct result *result)
{
    for (unsigned i = 0; i < column_count; i++)
        if (strcmp(columns[i]->name, result->contestant->name) == 0)
            return true;
    return false;
}

/* Contestants that the family's first row did not have. */
static void print_others(const struct outcome *outcome)
{
    for (unsigned i = 0; i < outcome->result_count; i++) {
        const struct result *result = &outcome->results[i];
        if (has_column(result) || !result_valid(result))
            continue;
        char number[32];
        format_number(number, sizeof(number), result->median);
        printf("  %s %s%s", result->contestant->name, number, result->parallel ? "" : " !");
    }
}

static void print_ratio(const struct outcome *outcome)
{
    const struct result *atomic = result_named(outcome, "atomic");
    const struct result *mutex = result_named(outcome, "mutex");
    struct ratio ratio;
    if (atomic == NULL || mutex == NULL || !ratio_of(mutex, atomic, &ratio)) {
        printf("  %-18s", "not compared");
        return;
    }
    char median[32], min[32], max[32], cell[128];
    format_number(median, sizeof(median), ratio.median);
    format_number(min, sizeof(min), ratio.min);
    format_number(max, sizeof(max), ratio.max);
    snprintf(cell, sizeof(cell), "%sx [%s-%s]", median, min, max);
    printf("  %-18s", cell);
}

void table_row(const struct outcome *outcome)
{
    if (family == NULL || strcmp(family, outcome->workload->family) != 0)
        print_heading(outcome);
    printf("  %-*s", TITLE_WIDTH - 2, outcome->workload->title);
    if (outcome->out_of_budget) {
        printf(" not run: the budget was spent\n");
        out_of_budget++;
        return;
    }
    for (unsigned i = 0; i < column_count; i++) {
        print_cell(result_named(outcome, columns[i]->name));
        if (strcmp(columns[i]->name, "mutex") == 0)
            print_ratio(outcome);
    }
    print_others(outcome);
    printf("\n");
    for (unsigned i = 0; i < outcome->result_count; i++) {
        const struct result *result = &outcome->results[i];
        if (result->failure[0] == '\0')
            continue;
        failures++;
        printf("    %s: %s\n", result->contestant->name, result->failure);
    }
    fflush(stdout);
}

void table_end(const struct report *report)
{
    printf(
        "\nns per unit, all threads together (wall time over work done): medians of %u interleaved "
        "rounds.\n",
        report->repetitions);
    printf("mutex/atomic: median of the ratios within a round [smallest-largest].\n");
    if (saw_wide)
        printf("~  samples spread by more than half\n");
    if (saw_not_parallel)
        printf("!  its threads did not have the CPUs they needed (something else ran): not "
               "compared\n");
    if (out_of_budget > 0)
        printf("%u workloads were not run: the budget of %.0f s was spent.\n", out_of_budget,
               report->budget_seconds);
    if (failures > 0)
        printf("%u results FAILED their checks.\n", failures);
    printf("%u CPUs, %s; load average at the start %.2f; %.0f s\n", report->machine.cpus,
           report->machine.cpu, report->load_average, report->seconds);
}
