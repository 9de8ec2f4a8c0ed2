/* harness/statistics.c - Clopper-Pearson by inverting the incomplete beta function, which is
 * evaluated as the continued fraction of the Digital Library of Mathematical Functions, 8.17.22,
 * with Lentz's algorithm. Rates of 1e-9 are ordinary here: roots are sought on a logarithmic scale. */
#include "harness/statistics.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_FRACTIONS = 200000, BISECTIONS = 80 };

static const double tiny = 1e-300, small_enough = 1e-14;
static const double log_lowest_rate = -46; /* 1e-20 */

static double away_from_zero(double x)
{
    return fabs(x) < tiny ? tiny : x;
}

/* The continued fraction, for x below (a + 1) / (a + b + 2), where it converges fast. */
static double beta_fraction(double a, double b, double x)
{
    double c = 1;
    double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
    double value = d;
    for (int m = 1; m <= MAX_FRACTIONS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        value *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1) < small_enough)
            break;
    }
    return value;
}

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* I_x(a, b), the regularized incomplete beta function, for a, b > 0 and 0 <= x <= 1. */
static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* The x at which I_x(a, b), which grows with x, reaches `level`. */
static double inverse_incomplete_beta(double a, double b, double level)
{
    double low = log_lowest_rate, high = 0;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (incomplete_beta(a, b, exp(middle)) < level)
            low = middle;
        else
            high = middle;
    }
    return exp((low + high) / 2);
}

struct ckf_stress_interval ckf_stress_clopper_pearson(uint64_t failures, uint64_t trials)
{
    double k = (double)failures, n = (double)trials;
    struct ckf_stress_interval interval = {0, 1};
    if (failures > 0)
        interval.low = inverse_incomplete_beta(k, n - k + 1, 0.025);
    if (failures < trials)
        interval.high = inverse_incomplete_beta(k + 1, n - k, 0.975);
    return interval;
}

double ckf_stress_excluded_rate(uint64_t trials)
{
    return trials <= 3 ? 1 : 3 / (double)trials;
}

uint64_t ckf_stress_needed_trials(double rate)
{
    if (rate >= 0.95)
        return 1;
    double needed = ceil(log(0.05) / log1p(-rate));
    return needed < 1.8e19 ? (uint64_t)needed : UINT64_MAX;
}

/* By time; of equal times, failures come before those that were only watched for so long. */
static int sooner(const void *a, const void *b)
{
    const struct ckf_stress_start *first = a, *second = b;
    if (first->ns != second->ns)
        return first->ns < second->ns ? -1 : 1;
    return second->failed - first->failed;
}

int64_t ckf_stress_median_ns(struct ckf_stress_start *starts, size_t count)
{
    if (count == 0)
        return -1;
    qsort(starts, count, sizeof *starts, sooner);
    double surviving = 1;
    for (size_t i = 0; i < count; i++) {
        if (!starts[i].failed)
            continue;
        surviving *= 1 - 1 / (double)(count - i);
        if (surviving <= 0.5 + 1e-12)
            return starts[i].ns;
    }
    return -1;
}
