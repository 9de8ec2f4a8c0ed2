/* explore/mutate.c - takes something away from each place of the library in turn, and sees whether a
 * case notices: the order of an atomic operation, a wake, a grace period, a marked step.
 *
 * First every fixed variant is explored as it is, while the sites that it reaches are noted. Then,
 * for each mutant, the variants that reach its place are explored until one fails: the mutant is
 * killed. What survives is an order stronger than needed, a case that is missing, or an order whose
 * reason no execution of the model shows.
 *
 * What is tried is counted in executions, not in time: the same build comes to the same fates on every machine.
 *
 * Roles: the parent hands out numbers of programs, then of mutants; workers, which are forks of it, each
 * with an engine of its own, write what they find into shared memory. A worker that dies leaves the
 * number that it worked on without a verdict and is replaced.
 */
#include "mutate.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atomics.h"
#include "cases.h"
#include "mutation.h"
#include "sites.h"

enum { MAX_PROGRAMS = 512, MAX_SITES = 640, MAX_MUTANTS = 2048, MAX_JOBS = 64 };
enum { MOMENTS_PER_S = 1000000000 };

enum fate { NOT_TRIED, SURVIVED, KILLED, NO_VERDICT };

struct mutant {
    size_t place;
    int order;
    enum fate fate;   /* its worker; the parent when all have ended */
    uint16_t killer;  /* a program */
    char outcome[96]; /* forbidden */
    uint64_t executions;
};

/* What one variant of a case reaches; written by the worker that explores it. */
struct reached {
    struct ckf_explore_site sites[MAX_SITES];
    size_t count;
    char failure[96]; /* without any mutation; empty: none */
};

struct shared {
    _Atomic(size_t) next;              /* the next number to be handed out */
    _Atomic(size_t) working[MAX_JOBS]; /* by worker: 1 + the number it works on */
    struct reached reached[MAX_PROGRAMS];
    struct mutant mutants[MAX_MUTANTS];
};

/* How a program comes to a place: by its actors, on what several of them use; or otherwise, where nothing
 * but the place itself can fail. */
enum reach { NEVER, ALONE, BESIDE_OTHERS };

struct mutation_run {
    const struct ckf_explore_settings *settings;
    struct ckf_case_program programs[MAX_PROGRAMS];
    size_t program_count;
    struct ckf_source_site *places;
    size_t place_count;
    uint8_t *reached_by;          /* enum reach, [place * MAX_PROGRAMS + program] */
    size_t size_of[MAX_PROGRAMS]; /* how many places each program reaches beside others */
    size_t mutant_count;
    unsigned jobs;
    int64_t end_ns; /* of the budget; 0: none */
    struct shared *shared;
};

struct verdict {
    const struct ckf_stress_case *test;
    char outcome[96]; /* forbidden; empty: none so far */
};

static int64_t real_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MOMENTS_PER_S + now.tv_nsec;
}

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct verdict *verdict = arg;
    const char *outcome = ckf_explore_case_outcome(end);
    if (outcome == NULL) /* what the engine cannot follow says nothing */
        return end->verdict == CKF_VERDICT_PRUNED;
    if (ckf_explore_case_grade(verdict->test, outcome)->grade != CKF_STRESS_FORBIDDEN)
        return true;
    snprintf(verdict->outcome, sizeof verdict->outcome, "%s", outcome);
    return false;
}

/* Cheap ones first: a mutant is shown to all programs at one stage before the next stage. */
static const struct {
    enum ckf_explore_strategy strategy;
    unsigned bound;
    uint64_t executions;
} stages[] = {
    {CKF_EXPLORE_SEQUENTIAL, 0, 6},  {CKF_EXPLORE_RANDOM, 0, 40},
    {CKF_EXPLORE_SEQUENTIAL, 0, 24}, {CKF_EXPLORE_RANDOM, 0, 300},
    {CKF_EXPLORE_PCT, 3, 300},       {CKF_EXPLORE_DFS, 1, 1000},
    {CKF_EXPLORE_DFS, 2, 1000},      {CKF_EXPLORE_RANDOM, 0, 2000},
    {CKF_EXPLORE_PCT, 2, 2000},      {CKF_EXPLORE_DFS, 2, 10000},
    {CKF_EXPLORE_RANDOM, 0, 10000},  {CKF_EXPLORE_PCT, 4, 10000},
    {CKF_EXPLORE_DFS, 2, 200000},    {CKF_EXPLORE_RANDOM, 0, 1000000},
};
enum { STAGES = sizeof stages / sizeof *stages, STAGES_OF_NOTING = 6 };

/* Returns how many executions that took. */
static uint64_t run_stage(struct mutation_run *run, size_t stage, struct ckf_case_program *program,
                          bool informed, struct verdict *verdict)
{
    struct ckf_explore_stats stats;
    struct ckf_explore_options options = {
        .model = run->settings->model,
        .strategy = stages[stage].strategy,
        .depth = stages[stage].bound,
        .preemptions = stages[stage].bound,
        .executions = stages[stage].executions,
        .seed = run->settings->seed + stage,
        .timeouts = run->settings->timeouts,
        .spurious = stages[stage].strategy == CKF_EXPLORE_DFS ? 0 : 1,
        .informed = informed,
    };
    ckf_explore_run(ckf_explore_case_run, program, &options, look, verdict, &stats);
    return stats.executions + stats.pruned;
}

/* --- workers --- */

typedef void (*piece_of_work)(struct mutation_run *run, size_t number);

static void work_through(struct mutation_run *run, unsigned worker, size_t count,
                         piece_of_work work)
{
    for (;;) {
        /* relaxed: numbers are handed out once, and results are read when this process has ended */
        size_t number = fetch_add_relaxed(&run->shared->next, 1);
        if (number >= count)
            return;
        store_relaxed(&run->shared->working[worker], number + 1);
        work(run, number);
        store_relaxed(&run->shared->working[worker], 0);
    }
}

static pid_t start_worker(struct mutation_run *run, unsigned worker, size_t count,
                          piece_of_work work)
{
    fflush(stdout);
    pid_t child = fork();
    if (child != 0)
        return child;
    work_through(run, worker, count, work);
    fflush(stdout);
    _exit(0);
}

static unsigned worker_of(const pid_t *workers, unsigned jobs, pid_t pid)
{
    unsigned worker = 0;
    while (worker < jobs && workers[worker] != pid)
        worker++;
    return worker;
}

/* Has all numbers below count worked on, by as many processes as there are jobs. */
static void work_on(struct mutation_run *run, size_t count, piece_of_work work)
{
    pid_t workers[MAX_JOBS];
    unsigned alive = 0;
    store_relaxed(&run->shared->next, 0);
    for (unsigned i = 0; i < run->jobs; i++) {
        workers[i] = start_worker(run, i, count, work);
        alive += workers[i] > 0;
    }
    while (alive > 0) {
        int status;
        pid_t pid = wait(&status);
        unsigned worker = worker_of(workers, run->jobs, pid);
        if (worker == run->jobs)
            continue;
        alive--;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        workers[worker] = start_worker(run, worker, count, work);
        alive += workers[worker] > 0;
    }
}

/* --- sites --- */

/* False, with a message: there are none, or more than can be handled. */
static bool list_programs(struct mutation_run *run, const struct ckf_stress_catalog *catalog)
{
    size_t wanted = 0;
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = CKF_STRESS_MUTEX; v < CKF_STRESS_VARIANTS; v++)
            if (run->settings->variants[v] && catalog->cases[i]->operations[v] != NULL &&
                wanted++ < MAX_PROGRAMS)
                run->programs[run->program_count++] =
                    (struct ckf_case_program){catalog->cases[i], (enum ckf_stress_variant)v,
                                              run->settings->copies, run->settings->rounds};
    if (wanted == 0)
        fprintf(stderr,
                "ckf-stress: mutate needs a fixed variant, mutex or atomic, of some case\n");
    if (wanted > MAX_PROGRAMS)
        fprintf(stderr,
                "ckf-stress: mutate takes %d variants of cases, not %zu: select some by -c or "
                "--variant\n",
                MAX_PROGRAMS, wanted);
    return wanted > 0 && wanted <= MAX_PROGRAMS;
}

static void note_sites(struct mutation_run *run, size_t number)
{
    struct reached *reached = &run->shared->reached[number];
    struct verdict verdict = {.test = run->programs[number].test};
    ckf_explore_note_sites(true);
    for (size_t stage = 0; stage < STAGES_OF_NOTING && verdict.outcome[0] == '\0'; stage++)
        run_stage(run, stage, &run->programs[number], stage > 0, &verdict);
    ckf_explore_note_sites(false);
    size_t count;
    const struct ckf_explore_site *sites = ckf_explore_sites(&count);
    reached->count = count < MAX_SITES ? count : MAX_SITES;
    memcpy(reached->sites, sites, reached->count * sizeof *sites);
    snprintf(reached->failure, sizeof reached->failure, "%s", verdict.outcome);
}

/* False, with a message: a variant fails as it is, and nothing can be learnt from its failures. */
static bool all_are_sound(const struct mutation_run *run)
{
    for (size_t i = 0; i < run->program_count; i++)
        if (run->shared->reached[i].failure[0] != '\0') {
            fprintf(stderr, "ckf-stress: %s %s fails without any mutation: %s\n",
                    run->programs[i].test->id, ckf_stress_variant_name(run->programs[i].variant),
                    run->shared->reached[i].failure);
            return false;
        }
    return true;
}

static size_t find_site(const struct ckf_explore_site *sites, size_t count, uintptr_t pc)
{
    size_t i = 0;
    while (i < count && sites[i].pc != pc)
        i++;
    return i;
}

/* The sites of all programs, each once. */
static size_t merge_sites(const struct mutation_run *run, struct ckf_explore_site *all)
{
    size_t count = 0;
    for (size_t i = 0; i < run->program_count; i++) {
        const struct reached *reached = &run->shared->reached[i];
        for (size_t k = 0; k < reached->count && count < CKF_EXPLORE_MAX_SITES; k++)
            if (find_site(all, count, reached->sites[k].pc) == count)
                all[count++] = reached->sites[k];
    }
    return count;
}

/* The smaller the scene, the sooner it shows what it is about. */
static size_t places_reached(const struct mutation_run *run, size_t program)
{
    size_t count = 0;
    for (size_t place = 0; place < run->place_count; place++)
        count += run->reached_by[place * MAX_PROGRAMS + program] == BESIDE_OTHERS;
    return count;
}

static void note_who_reaches(struct mutation_run *run, const struct ckf_explore_site *all,
                             size_t count, const size_t *map)
{
    for (size_t i = 0; i < run->program_count; i++) {
        const struct reached *reached = &run->shared->reached[i];
        for (size_t k = 0; k < reached->count; k++) {
            size_t site = find_site(all, count, reached->sites[k].pc);
            if (site == count || map[site] == SIZE_MAX)
                continue;
            uint8_t *reach = &run->reached_by[map[site] * MAX_PROGRAMS + i];
            if (reached->sites[k].beside_others)
                *reach = BESIDE_OTHERS;
            else if (*reach == NEVER)
                *reach = ALONE;
        }
    }
    for (size_t i = 0; i < run->program_count; i++)
        run->size_of[i] = places_reached(run, i);
}

static bool locate(struct mutation_run *run, const struct ckf_explore_site *all, size_t count,
                   size_t *map)
{
    run->places = ckf_explore_source_sites(all, count, map, &run->place_count);
    if (run->places != NULL)
        run->reached_by = calloc(run->place_count + 1, MAX_PROGRAMS);
    if (run->reached_by != NULL)
        note_who_reaches(run, all, count, map);
    return run->reached_by != NULL;
}

/* False, with a message: they could not be found. */
static bool find_places(struct mutation_run *run)
{
    struct ckf_explore_site *all = calloc(CKF_EXPLORE_MAX_SITES, sizeof *all);
    size_t *map = calloc(CKF_EXPLORE_MAX_SITES, sizeof *map);
    bool found = all != NULL && map != NULL;
    size_t count = found ? merge_sites(run, all) : 0;
    if (count > 0)
        found = locate(run, all, count, map);
    free(all);
    free(map);
    if (!found)
        fprintf(stderr, "ckf-stress: mutate needs memory, and addr2line of the package binutils\n");
    return found;
}

static bool is_wanted(const struct mutation_run *run, const struct ckf_source_site *place)
{
    const struct ckf_explore_settings *settings = run->settings;
    for (size_t i = 0; i < settings->file_count; i++)
        if (fnmatch(settings->files[i], place->function, 0) == 0)
            return true;
    return settings->file_count == 0;
}

/* False, with a message: there are none, or more than can be handled. */
static bool list_mutants(struct mutation_run *run)
{
    size_t wanted = 0;
    for (size_t i = 0; i < run->place_count; i++) {
        int weaker[4];
        size_t count = ckf_explore_weaker_orders(run->places[i].kind, run->places[i].order, weaker);
        for (size_t k = 0; is_wanted(run, &run->places[i]) && k < count; k++)
            if (wanted++ < MAX_MUTANTS)
                run->shared->mutants[run->mutant_count++] =
                    (struct mutant){.place = i, .order = weaker[k]};
    }
    if (wanted == 0)
        fprintf(stderr,
                "ckf-stress: the selected cases reach nothing of '%s'%s that could be mutated\n",
                run->settings->file_count > 0 ? run->settings->files[0] : "*",
                run->settings->file_count > 1 ? ", or of the other files," : "");
    if (wanted > MAX_MUTANTS)
        fprintf(stderr, "ckf-stress: mutate takes %d mutants, not %zu: select some by --files\n",
                MAX_MUTANTS, wanted);
    return wanted > 0 && wanted <= MAX_MUTANTS;
}

/* --- mutants --- */

/* A mutant that has lived so long survives. */
enum { EXECUTIONS_OF_A_MUTANT = 30000 };

static bool has_lived_long(const struct mutation_run *run, const struct mutant *mutant)
{
    uint64_t limit = run->settings->executions;
    return mutant->executions >= (limit != 0 ? limit : EXECUTIONS_OF_A_MUTANT);
}

/* The programs that reach a place so, those that reach the fewest first, and how many stages each has been
 * through. */
struct suspects {
    size_t count;
    uint16_t programs[MAX_PROGRAMS];
    uint8_t stages[MAX_PROGRAMS];
};

static void find_suspects(const struct mutation_run *run, size_t place, enum reach reach,
                          struct suspects *suspects)
{
    *suspects = (struct suspects){0};
    for (size_t i = 0; i < run->program_count; i++) {
        if (run->reached_by[place * MAX_PROGRAMS + i] != reach)
            continue;
        size_t at = suspects->count++;
        for (; at > 0 && run->size_of[suspects->programs[at - 1]] > run->size_of[i]; at--)
            suspects->programs[at] = suspects->programs[at - 1];
        suspects->programs[at] = (uint16_t)i;
    }
}

/* Shows the mutant to its first suspects at all stages up to one. True when that is the end of it. */
static bool show(struct mutation_run *run, struct mutant *mutant, struct suspects *suspects,
                 size_t first, size_t stages_end)
{
    for (size_t stage = 0; stage < stages_end; stage++) {
        for (size_t i = 0; i < suspects->count && i < first; i++) {
            if (suspects->stages[i] > stage)
                continue;
            if (has_lived_long(run, mutant))
                return true;
            struct ckf_case_program *program = &run->programs[suspects->programs[i]];
            struct verdict verdict = {.test = program->test};
            mutant->executions += run_stage(run, stage, program, false, &verdict);
            suspects->stages[i]++;
            if (verdict.outcome[0] == '\0')
                continue;
            mutant->fate = KILLED;
            mutant->killer = suspects->programs[i];
            snprintf(mutant->outcome, sizeof mutant->outcome, "%s", verdict.outcome);
            return true;
        }
    }
    return false;
}

/* The scenes that are most about this place first, and the very first well; then all. */
static const struct {
    size_t suspects, stages;
} rounds[] = {{24, 4}, {8, 6}, {6, 7}, {MAX_PROGRAMS, STAGES}};
enum { ROUNDS = sizeof rounds / sizeof *rounds, STAGES_ALONE = 1 };

static bool show_in_rounds(struct mutation_run *run, struct mutant *mutant,
                           struct suspects *suspects)
{
    for (size_t i = 0; i < ROUNDS; i++)
        if (show(run, mutant, suspects, rounds[i].suspects, rounds[i].stages))
            return true;
    return false;
}

/* Who comes there alone is asked once, unless nobody else does. */
static void hunt(struct mutation_run *run, struct mutant *mutant)
{
    struct suspects alone, beside_others;
    find_suspects(run, mutant->place, ALONE, &alone);
    find_suspects(run, mutant->place, BESIDE_OTHERS, &beside_others);
    mutant->fate = SURVIVED;
    if (!show(run, mutant, &alone, MAX_PROGRAMS, STAGES_ALONE) &&
        !show_in_rounds(run, mutant, &beside_others) && beside_others.count == 0)
        show_in_rounds(run, mutant, &alone);
}

static void try_mutant(struct mutation_run *run, size_t number)
{
    struct mutant *mutant = &run->shared->mutants[number];
    const struct ckf_source_site *place = &run->places[mutant->place];
    if (run->end_ns != 0 && real_time_ns() > run->end_ns)
        return;
    mutant->fate = NO_VERDICT; /* should this process not survive it */
    ckf_explore_mutate(place->pcs, place->pc_count, mutant->order);
    hunt(run, mutant);
    ckf_explore_mutate(NULL, 0, 0);
}

/* --- the report --- */

static void name_mutant(const struct ckf_source_site *place, int order, char *text, size_t size)
{
    const char *kind = ckf_explore_kind_name(place->kind);
    if (place->order == 0)
        snprintf(text, size, "%s left out", kind);
    else
        snprintf(text, size, "%s %s -> %s", kind, ckf_explore_order_name(place->order),
                 ckf_explore_order_name(order));
}

static void print_mutant(const struct mutation_run *run, const struct mutant *mutant)
{
    static const char *const fates[] = {"not tried", "SURVIVED", "killed", "NO VERDICT"};
    const struct ckf_source_site *place = &run->places[mutant->place];
    char name[64];
    name_mutant(place, mutant->order, name, sizeof name);
    printf("%-10s %-46s %-24s ", fates[mutant->fate], place->where, name);
    if (mutant->fate == KILLED)
        printf("by %s %s: %s", run->programs[mutant->killer].test->id,
               ckf_stress_variant_name(run->programs[mutant->killer].variant), mutant->outcome);
    else
        printf("%s", place->function);
    printf("  (%" PRIu64 " executions)\n", mutant->executions);
}

struct score {
    unsigned mutants, killed, unknown;
};

static void add_to_score(struct score *score, const struct mutant *mutant)
{
    score->mutants += mutant->fate == KILLED || mutant->fate == SURVIVED;
    score->killed += mutant->fate == KILLED;
    score->unknown += mutant->fate == NOT_TRIED || mutant->fate == NO_VERDICT;
}

static void print_score(const char *name, const struct score *score)
{
    printf("%-12s %4u mutants, %4u killed (%.1f %%), %3u survived", name, score->mutants,
           score->killed, score->mutants > 0 ? 100.0 * score->killed / score->mutants : 0.0,
           score->mutants - score->killed);
    if (score->unknown > 0)
        printf(", %u without a verdict", score->unknown);
    printf("\n");
}

static struct score print_scores(const struct mutation_run *run)
{
    static const char *const folders[] = {"base",        "sync",   "task", "channel",
                                          "counter_map", "filter", "guard"};
    struct score all = {0};
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++) {
        struct score score = {0};
        for (size_t i = 0; i < run->mutant_count; i++)
            if (strcmp(run->places[run->shared->mutants[i].place].folder, folders[f]) == 0)
                add_to_score(&score, &run->shared->mutants[i]);
        if (score.mutants + score.unknown > 0)
            print_score(folders[f], &score);
    }
    for (size_t i = 0; i < run->mutant_count; i++)
        add_to_score(&all, &run->shared->mutants[i]);
    print_score("all", &all);
    return all;
}

static unsigned count_jobs(const struct ckf_explore_settings *settings)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned jobs = settings->jobs != 0 ? settings->jobs
                    : processors > 0    ? (unsigned)processors
                                        : 1;
    return jobs < MAX_JOBS ? jobs : MAX_JOBS;
}

static int mutate_all(struct mutation_run *run)
{
    work_on(run, run->program_count, note_sites);
    if (!all_are_sound(run) || !find_places(run) || !list_mutants(run))
        return 2;
    work_on(run, run->mutant_count, try_mutant);
    for (size_t i = 0; i < run->mutant_count; i++)
        print_mutant(run, &run->shared->mutants[i]);
    struct score all = print_scores(run);
    bool all_died = all.killed > 0 && all.killed == all.mutants && all.unknown == 0;
    return run->settings->require_repro && !all_died ? 3 : 0;
}

int ckf_explore_mutate_all(const struct ckf_explore_settings *settings,
                           const struct ckf_stress_catalog *catalog)
{
    static struct mutation_run run;
    run = (struct mutation_run){.settings = settings, .jobs = count_jobs(settings)};
    if (settings->budget_ns != 0)
        run.end_ns = real_time_ns() + settings->budget_ns;
    void *shared =
        mmap(NULL, sizeof *run.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("ckf-stress: mutate");
        return 2;
    }
    run.shared = shared;
    int status = list_programs(&run, catalog) ? mutate_all(&run) : 2;
    free(run.places);
    free(run.reached_by);
    munmap(shared, sizeof *run.shared);
    return status;
}
