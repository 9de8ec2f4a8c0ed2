/* explore/progress.c - who stops whom: one actor stands still for ever, the others must end.
 *
 * A sampled execution is run once whole, to learn its choices and lengths, and then once for each
 * visible step of each actor, with the same choices up to the moment when that actor is to take that
 * step and is parked instead. If the others all end, nobody waits for it there. In a lock-free
 * collection no step of a call is such that others wait for it for ever; that one actor waits for
 * what another is there to do (an element, a close) is the case's own affair: look for places inside
 * of the library.
 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "trace.h"

enum { SAMPLES = 40, MAX_STEPS = 400, MAX_BLOCKERS = 256 };

struct blocker {
    uintptr_t pc;
    unsigned count;
};

struct progress_run {
    struct blocker blockers[MAX_BLOCKERS];
    size_t blocker_count;
    unsigned parkings, stuck;
    unsigned threads; /* of the execution that was run last */
    bool parked, ended_well;
    uintptr_t parked_at;
};

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct progress_run *run = arg;
    run->threads = end->threads;
    run->parked = end->parked;
    run->parked_at = end->parked_at;
    run->ended_well = end->verdict == CKF_VERDICT_OK;
    return true;
}

static void count_blocker(struct progress_run *run)
{
    size_t i = 0;
    while (i < run->blocker_count && run->blockers[i].pc != run->parked_at)
        i++;
    if (i == MAX_BLOCKERS)
        return;
    if (i == run->blocker_count)
        run->blockers[run->blocker_count++] = (struct blocker){run->parked_at, 0};
    run->blockers[i].count++;
    run->stuck++;
}

static void park_everywhere(struct progress_run *run, struct ckf_case_program *program,
                            struct ckf_explore_options options)
{
    ckf_explore_run(ckf_explore_case_run, program, &options, look, run, NULL);
    unsigned threads = run->threads;
    options.informed = true;
    for (options.parked_thread = 1; options.parked_thread < threads; options.parked_thread++) {
        run->parked = true;
        for (options.parked_step = 1; run->parked && options.parked_step <= MAX_STEPS;
             options.parked_step++) {
            ckf_explore_run(ckf_explore_case_run, program, &options, look, run, NULL);
            run->parkings += run->parked;
            if (run->parked && !run->ended_well)
                count_blocker(run);
        }
    }
}

static int by_count(const void *a, const void *b)
{
    const struct blocker *first = a, *second = b;
    return (first->count < second->count) - (first->count > second->count);
}

static void print_blockers(struct progress_run *run)
{
    uintptr_t pcs[MAX_BLOCKERS];
    struct ckf_place places[MAX_BLOCKERS];
    qsort(run->blockers, run->blocker_count, sizeof *run->blockers, by_count);
    for (size_t i = 0; i < run->blocker_count; i++)
        pcs[i] = run->blockers[i].pc;
    ckf_explore_find_places(pcs, run->blocker_count, places);
    for (size_t i = 0; i < run->blocker_count; i++)
        printf("    %s:%u (%s)%s: %u times\n", places[i].file, places[i].line, places[i].function,
               places[i].library ? "" : ", in the case", run->blockers[i].count);
}

static void check(const struct ckf_explore_settings *settings, const struct ckf_stress_case *test,
                  enum ckf_stress_variant variant)
{
    static struct progress_run run;
    run = (struct progress_run){.parkings = 0};
    struct ckf_case_program program = {test, variant, settings->copies, settings->rounds};
    uint64_t samples = settings->executions != 0 ? settings->executions : SAMPLES;
    for (uint64_t sample = 0; sample < samples; sample++) {
        struct ckf_explore_options options = {
            .model = settings->model,
            .strategy = CKF_EXPLORE_RANDOM,
            .executions = 1,
            .seed = settings->seed + sample,
            .timeouts = settings->timeouts,
            .informed = sample > 0,
        };
        park_everywhere(&run, &program, options);
    }
    printf("%-32s %-7s %u of %u parkings stop others\n", test->id, ckf_stress_variant_name(variant),
           run.stuck, run.parkings);
    print_blockers(&run);
    fflush(stdout);
}

int ckf_explore_progress_all(const struct ckf_explore_settings *settings,
                             const struct ckf_stress_catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (settings->variants[v] && catalog->cases[i]->operations[v] != NULL)
                check(settings, catalog->cases[i], (enum ckf_stress_variant)v);
    return 0;
}
