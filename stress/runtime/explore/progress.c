/* explore/progress.c - who stops whom: one actor stands still for ever, the others must end.
 *
 * A sampled execution is run once whole, to learn its choices and lengths, and then once for each
 * visible step of each actor, with the same choices up to the moment when that actor is to take that
 * step and is parked instead. If the others all end, nobody waits for it there. In a lock-free
 * collection no step of a call is such that others wait for it for ever; that one actor waits for
 * what another is there to do (an element, a close) is the case's own affair: look for places inside
 * of the library.
 *
 * Where the others stand then says what they wait for: in a call that is documented to wait (a remove waits for
 * adds in progress, a take-over of old rules for its readers) that is as it should be.
 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "engine.h"
#include "trace.h"

enum { SAMPLES = 40, MAX_STEPS = 400, MAX_PLACES = 256, MAX_CALLS_SHOWN = 6 };

/* Places by how often something was seen there; for threads that are stopped, the calls that led there. */
struct tally {
    struct {
        uintptr_t pc;
        unsigned count, call_count;
        uintptr_t calls[MAX_CALLS_SHOWN]; /* outermost first */
    } rows[MAX_PLACES];
    size_t count;
};

struct progress_run {
    struct tally blockers; /* where one stood that stopped others */
    struct tally stopped;  /* where those stood */
    unsigned parkings, stuck;
    unsigned threads; /* of the execution that was run last */
    bool parked;
};

static void count(struct tally *tally, uintptr_t pc, const uintptr_t *calls, unsigned call_count)
{
    size_t i = 0;
    if (call_count > MAX_CALLS_SHOWN)
        call_count = MAX_CALLS_SHOWN;
    while (
        i < tally->count &&
        (tally->rows[i].pc != pc || tally->rows[i].call_count != call_count ||
         (call_count > 0 && memcmp(tally->rows[i].calls, calls, call_count * sizeof *calls) != 0)))
        i++;
    if (i == MAX_PLACES)
        return;
    if (i == tally->count) {
        tally->count++;
        tally->rows[i].pc = pc;
        tally->rows[i].count = 0;
        tally->rows[i].call_count = call_count;
        for (unsigned k = 0; k < call_count; k++)
            tally->rows[i].calls[k] = calls[k];
    }
    tally->rows[i].count++;
}

static void count_stop(struct progress_run *run, uintptr_t parked_at)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    count(&run->blockers, parked_at, NULL, 0);
    run->stuck++;
    for (unsigned i = 1; i < e->thread_count; i++) {
        const struct ckf_thread *thread = &e->threads[i];
        if (thread != e->parked && !thread->daemon && thread->state != THREAD_FINISHED)
            count(&run->stopped, thread->op.pc, thread->calls, thread->depth);
    }
}

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct progress_run *run = arg;
    run->threads = end->threads;
    run->parked = end->parked;
    run->parkings += end->parked;
    if (end->parked && end->verdict != CKF_VERDICT_OK)
        count_stop(run, end->parked_at);
    return true;
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
        }
    }
}

/* Lines of one text are one line. */
struct line {
    char text[256];
    unsigned count;
};

static size_t add_line(struct line *lines, size_t count, const char *text, unsigned times)
{
    size_t i = 0;
    while (i < count && strcmp(lines[i].text, text) != 0)
        i++;
    if (i == count)
        snprintf(lines[count++].text, sizeof lines[0].text, "%s", text);
    lines[i].count += times;
    return count;
}

static int by_count(const void *a, const void *b)
{
    const struct line *first = a, *second = b;
    return (first->count < second->count) - (first->count > second->count);
}

/* "removal.c:120 (wait), in a call at maps.c:51 (remove_key)": the call is the last one outside of the library. */
static void describe_row(char *text, size_t size, const struct ckf_place *at,
                         const struct ckf_place *calls, unsigned call_count)
{
    int length = snprintf(text, size, "%s:%u (%s)%s", at->file, at->line, at->function,
                          at->library ? "" : ", in the case");
    unsigned last = call_count;
    for (unsigned i = 0; i < call_count; i++)
        if (calls[i].line != 0 && !calls[i].library)
            last = i;
    if (last < call_count && at->library)
        snprintf(text + length, size - (size_t)length, ", in a call at %s:%u (%s)",
                 calls[last].file, calls[last].line, calls[last].function);
}

static void print_tally(const struct tally *tally, const char *what)
{
    enum { EACH = 1 + MAX_CALLS_SHOWN };
    uintptr_t *pcs = calloc(MAX_PLACES * EACH, sizeof *pcs);
    struct ckf_place *places = calloc(MAX_PLACES * EACH, sizeof *places);
    struct line *lines = calloc(MAX_PLACES, sizeof *lines);
    size_t count = 0;
    for (size_t i = 0; pcs != NULL && i < tally->count; i++) {
        pcs[i * EACH] = tally->rows[i].pc;
        for (unsigned k = 0; k < tally->rows[i].call_count; k++)
            pcs[i * EACH + 1 + k] = tally->rows[i].calls[k];
    }
    if (pcs != NULL && places != NULL && lines != NULL) {
        ckf_explore_find_places(pcs, tally->count * EACH, places);
        for (size_t i = 0; i < tally->count; i++) {
            char text[sizeof lines[0].text];
            describe_row(text, sizeof text, &places[i * EACH], &places[i * EACH + 1],
                         tally->rows[i].call_count);
            count = add_line(lines, count, text, tally->rows[i].count);
        }
        qsort(lines, count, sizeof *lines, by_count);
        for (size_t i = 0; i < count; i++)
            printf("    %s %s: %u times\n", what, lines[i].text, lines[i].count);
    }
    free(pcs);
    free(places);
    free(lines);
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
    print_tally(&run.blockers, "parked at");
    print_tally(&run.stopped, "stopped at");
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
