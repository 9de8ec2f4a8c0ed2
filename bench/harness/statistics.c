/* statistics.c - medians and paired ratios. */
#include <stdlib.h>
#include <string.h>

#include "harness/result.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(const double *values, unsigned count)
{
    double sorted[MAX_SAMPLES];
    if (count == 0)
        return 0;
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), compare);
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

bool result_valid(const struct result *result)
{
    return !result->skipped && result->failure[0] == '\0' && result->sample_count > 0;
}

const struct result *result_named(const struct outcome *outcome, const char *name)
{
    for (unsigned i = 0; i < outcome->result_count; i++)
        if (strcmp(outcome->results[i].contestant->name, name) == 0)
            return &outcome->results[i];
    return NULL;
}

bool ratio_of(const struct result *result, const struct result *base, struct ratio *ratio)
{
    if (!result_valid(result) || !result_valid(base) || !result->parallel || !base->parallel ||
        result->sample_count != base->sample_count)
        return false;
    double ratios[MAX_SAMPLES];
    for (unsigned i = 0; i < result->sample_count; i++) {
        ratios[i] = result->samples[i] / base->samples[i];
        if (i == 0 || ratios[i] < ratio->min)
            ratio->min = ratios[i];
        if (i == 0 || ratios[i] > ratio->max)
            ratio->max = ratios[i];
    }
    ratio->median = median_of(ratios, result->sample_count);
    return true;
}
