/* harness/tally.c - adding up batches, and laying out the sweep that they run over. */
#include "harness/tally.h"

#include <string.h>

static bool wanted(const struct ckf_stress_settings *settings, const struct ckf_stress_point *point)
{
    return settings->placements[point->placement] && settings->spins[point->spin];
}

static void add_point(struct ckf_stress_tally *tally, const struct ckf_stress_settings *settings,
                      struct ckf_stress_point point)
{
    if (!wanted(settings, &point) || tally->sweep_count == CKF_STRESS_MAX_POINTS)
        return;
    tally->sweeps[tally->sweep_count++] = (struct ckf_stress_sweep){
        .point = point, .threads = ckf_stress_thread_count(tally->test, point.copies)};
}

/* The points worth a visit for a number of copies. Where CPUs are fewer than threads, spinning with
 * pauses is left out: it only waits for the next time slice. */
static void add_points(struct ckf_stress_tally *tally, const struct ckf_stress_settings *settings,
                       unsigned copies)
{
    static const struct ckf_stress_point roomy[] = {
        {CKF_STRESS_DIFFERENT_CORES, CKF_STRESS_PAUSE, 0},
        {CKF_STRESS_FREE, CKF_STRESS_YIELD, 0},
        {CKF_STRESS_SAME_CORE, CKF_STRESS_YIELD, 0},
        {CKF_STRESS_DIFFERENT_CORES, CKF_STRESS_FUTEX, 0},
        {CKF_STRESS_FREE, CKF_STRESS_PAUSE, 0},
        {CKF_STRESS_SAME_CORE, CKF_STRESS_FUTEX, 0},
        {CKF_STRESS_DIFFERENT_CORES, CKF_STRESS_YIELD, 0},
        {CKF_STRESS_FREE, CKF_STRESS_FUTEX, 0},
    };
    static const struct ckf_stress_point crowded[] = {
        {CKF_STRESS_DIFFERENT_CORES, CKF_STRESS_YIELD, 0},
        {CKF_STRESS_FREE, CKF_STRESS_FUTEX, 0},
        {CKF_STRESS_SAME_CORE, CKF_STRESS_YIELD, 0},
        {CKF_STRESS_SAME_CORE, CKF_STRESS_FUTEX, 0},
    };
    unsigned cpus = ckf_stress_allowed_cpus();
    bool is_roomy = ckf_stress_thread_count(tally->test, copies) <= cpus;
    const struct ckf_stress_point *points = is_roomy ? roomy : crowded;
    size_t count = is_roomy ? sizeof roomy / sizeof roomy[0] : sizeof crowded / sizeof crowded[0];
    for (size_t i = 0; i < count; i++) {
        struct ckf_stress_point point = points[i];
        point.copies = copies;
        if (cpus > 1 || point.placement != CKF_STRESS_DIFFERENT_CORES)
            add_point(tally, settings, point);
    }
}

/* What was asked for by name is visited even where it is not worth it. */
static void add_asked(struct ckf_stress_tally *tally, const struct ckf_stress_settings *settings,
                      unsigned copies)
{
    for (int placement = 0; placement < CKF_STRESS_PLACEMENTS; placement++)
        for (int spin = 0; spin < CKF_STRESS_SPIN_STYLES; spin++)
            add_point(tally, settings,
                      (struct ckf_stress_point){(enum ckf_stress_placement)placement,
                                                (enum ckf_stress_spin_style)spin, copies});
}

static bool fits(const struct ckf_stress_case *test, unsigned copies)
{
    return ckf_stress_thread_count(test, copies) <= CKF_STRESS_MAX_THREADS;
}

static void lay_out_sweep(struct ckf_stress_tally *tally,
                          const struct ckf_stress_settings *settings)
{
    unsigned cpus = ckf_stress_allowed_cpus();
    unsigned copies[] = {2, cpus, 2 * cpus, 4 * cpus};
    if (settings->threads != 0)
        copies[0] = settings->threads;
    bool sweeps = settings->threads == 0 && ckf_stress_scales(tally->test);
    for (size_t i = 0; i < (sweeps ? sizeof copies / sizeof copies[0] : 1); i++)
        if ((i == 0 || copies[i] > copies[i - 1]) && fits(tally->test, copies[i]))
            add_points(tally, settings, copies[i]);
    if (tally->sweep_count == 0)
        add_asked(tally, settings, copies[0]);
}

void ckf_stress_tally_init(struct ckf_stress_tally *tally, const struct ckf_stress_case *test,
                           enum ckf_stress_variant variant,
                           const struct ckf_stress_settings *settings)
{
    memset(tally, 0, sizeof *tally);
    tally->test = test;
    tally->variant = variant;
    lay_out_sweep(tally, settings);
}

static void note_first_failure(struct ckf_stress_tally *tally, const struct ckf_stress_sweep *sweep,
                               uint64_t seed, const struct ckf_stress_result *result)
{
    if (!result->failed || tally->first_failure_iteration != 0)
        return;
    tally->first_failure_iteration = result->first_failure_iteration;
    tally->first_failure_seed = seed;
    tally->first_failure_point = sweep->point;
    memcpy(tally->failure_output, result->output, sizeof tally->failure_output);
}

void ckf_stress_tally_add(struct ckf_stress_tally *tally, unsigned sweep_index, uint64_t seed,
                          const struct ckf_stress_result *result)
{
    struct ckf_stress_sweep *sweep = &tally->sweeps[sweep_index];
    tally->batches++;
    tally->wall_ns += result->wall_ns;
    if (result->error[0] != '\0') {
        memcpy(tally->error, result->error, sizeof tally->error);
        return;
    }
    for (unsigned i = 0; i < result->row_count; i++)
        ckf_stress_count(tally->rows, &tally->row_count, tally->test, result->rows[i].text,
                         result->rows[i].count);
    tally->iterations += result->iterations;
    tally->failures += result->failures;
    unsigned cpus = sweep->point.placement == CKF_STRESS_SAME_CORE ? 1 : ckf_stress_allowed_cpus();
    tally->cpu_ns += result->cpu_ns;
    tally->cpu_room_ns += result->wall_ns * (sweep->threads < cpus ? sweep->threads : cpus);
    sweep->iterations += result->iterations;
    sweep->failures += result->failures;
    sweep->failed_batches += result->failed;
    sweep->to_failure_ns += result->failed ? result->first_failure_ns : result->ran_ns;
    note_first_failure(tally, sweep, seed, result);
}

void ckf_stress_tally_add_start(struct ckf_stress_tally *tally,
                                const struct ckf_stress_result *result)
{
    if (tally->start_count == CKF_STRESS_MAX_STARTS)
        return;
    tally->starts[tally->start_count++] = (struct ckf_stress_start){
        .ns = result->failed ? result->first_failure_ns : result->ran_ns, .failed = result->failed};
    tally->failed_starts += result->failed;
}

int ckf_stress_tally_best_sweep(const struct ckf_stress_tally *tally)
{
    int best = -1;
    double shortest = 0;
    for (unsigned i = 0; i < tally->sweep_count; i++) {
        const struct ckf_stress_sweep *sweep = &tally->sweeps[i];
        if (sweep->failed_batches == 0)
            continue;
        double mean = (double)sweep->to_failure_ns / sweep->failed_batches;
        if (best < 0 || mean < shortest) {
            best = (int)i;
            shortest = mean;
        }
    }
    return best;
}
