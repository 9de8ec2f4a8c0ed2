/* explore/mutate.c - weakens each memory order of the library in turn, and sees whether a case notices.
 *
 * First every fixed variant is explored as it is, while the sites that it reaches are noted. Then,
 * for each line of the library and each weaker order, the variants that reach that line are
 * explored again until one fails: the mutant is killed. What survives is an order stronger than
 * needed, a case that is missing, or an order whose reason no execution of the model shows.
 */
#include "mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "mutation.h"
#include "trace.h"

enum { MAX_PROGRAMS = 512, MAX_LINES = 1024, MAX_PCS = 64 };

/* One line of the library and what it does there. */
struct line {
    struct ckf_place place;
    unsigned kind;
    int order;
    uintptr_t pcs[MAX_PCS];
    size_t pc_count;
    bool reached_by[MAX_PROGRAMS];
};

struct mutation_run {
    const struct ckf_explore_settings *settings;
    struct ckf_case_program programs[MAX_PROGRAMS];
    size_t program_count;
    struct line *lines; /* MAX_LINES */
    size_t line_count;
    unsigned mutants, killed;
};

struct verdict {
    const struct ckf_stress_case *test;
    char outcome[128]; /* forbidden; empty: none so far */
};

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct verdict *verdict = arg;
    const char *outcome = ckf_explore_case_outcome(end);
    if (outcome == NULL)
        outcome = ckf_explore_verdict_name(end->verdict);
    else if (ckf_explore_case_grade(verdict->test, outcome)->grade != CKF_STRESS_FORBIDDEN)
        return true;
    snprintf(verdict->outcome, sizeof verdict->outcome, "%s", outcome);
    return false;
}

/* A short portfolio. Returns true if a forbidden outcome was seen. */
static bool fails(struct mutation_run *run, struct ckf_case_program *program,
                  struct verdict *verdict)
{
    static const struct {
        enum ckf_explore_strategy strategy;
        unsigned bound;
        uint64_t executions;
    } stages[] = {
        {CKF_EXPLORE_SEQUENTIAL, 0, 12}, {CKF_EXPLORE_RANDOM, 0, 300}, {CKF_EXPLORE_PCT, 2, 200},
        {CKF_EXPLORE_PCT, 3, 200},       {CKF_EXPLORE_DFS, 1, 3000},   {CKF_EXPLORE_DFS, 2, 3000},
        {CKF_EXPLORE_RANDOM, 0, 3000},
    };
    *verdict = (struct verdict){.test = program->test};
    for (size_t i = 0; i < sizeof stages / sizeof *stages && verdict->outcome[0] == '\0'; i++) {
        struct ckf_explore_options options = {
            .model = run->settings->model,
            .strategy = stages[i].strategy,
            .depth = stages[i].bound,
            .preemptions = stages[i].bound,
            .executions = stages[i].executions,
            .budget_ns = 100000000,
            .seed = run->settings->seed + i,
            .timeouts = run->settings->timeouts,
            .spurious = 1,
            .informed = i > 0,
        };
        ckf_explore_run(ckf_explore_case_run, program, &options, look, verdict, NULL);
    }
    return verdict->outcome[0] != '\0';
}

static void list_programs(struct mutation_run *run, const struct ckf_stress_catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = CKF_STRESS_MUTEX; v < CKF_STRESS_VARIANTS; v++)
            if (run->settings->variants[v] && catalog->cases[i]->operations[v] != NULL &&
                run->program_count < MAX_PROGRAMS)
                run->programs[run->program_count++] =
                    (struct ckf_case_program){catalog->cases[i], (enum ckf_stress_variant)v,
                                              run->settings->copies, run->settings->rounds};
}

static struct line *find_line(struct mutation_run *run, const struct ckf_place *place,
                              const struct ckf_explore_site *site)
{
    for (size_t i = 0; i < run->line_count; i++) {
        struct line *line = &run->lines[i];
        if (line->place.line == place->line && line->kind == site->kind &&
            line->order == site->order && strcmp(line->place.file, place->file) == 0)
            return line;
    }
    if (run->line_count == MAX_LINES)
        return NULL;
    struct line *line = &run->lines[run->line_count++];
    line->place = *place;
    line->kind = site->kind;
    line->order = site->order;
    return line;
}

static void add_pc(struct line *line, uintptr_t pc)
{
    for (size_t i = 0; i < line->pc_count; i++)
        if (line->pcs[i] == pc)
            return;
    if (line->pc_count < MAX_PCS)
        line->pcs[line->pc_count++] = pc;
}

static void add_sites(struct mutation_run *run, size_t program)
{
    size_t count;
    const struct ckf_explore_site *sites = ckf_explore_sites(&count);
    uintptr_t *pcs = calloc(count + 1, sizeof *pcs);
    struct ckf_place *places = calloc(count + 1, sizeof *places);
    if (pcs != NULL && places != NULL) {
        for (size_t i = 0; i < count; i++)
            pcs[i] = sites[i].pc;
        ckf_explore_find_places(pcs, count, places);
        for (size_t i = 0; i < count; i++) {
            struct line *line = places[i].library ? find_line(run, &places[i], &sites[i]) : NULL;
            if (line == NULL)
                continue;
            add_pc(line, sites[i].pc);
            line->reached_by[program] = true;
        }
    }
    free(pcs);
    free(places);
}

/* False, with a message: a variant fails as it is, and nothing can be learnt from its failures. */
static bool note_lines(struct mutation_run *run)
{
    struct verdict verdict;
    for (size_t i = 0; i < run->program_count; i++) {
        ckf_explore_note_sites(true);
        bool failed = fails(run, &run->programs[i], &verdict);
        ckf_explore_note_sites(false);
        if (failed) {
            fprintf(stderr, "ckf-stress: %s %s fails without any mutation: %s\n",
                    run->programs[i].test->id, ckf_stress_variant_name(run->programs[i].variant),
                    verdict.outcome);
            return false;
        }
        add_sites(run, i);
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct line *first = a, *second = b;
    int order = strcmp(first->place.file, second->place.file);
    return order != 0 ? order : (int)first->place.line - (int)second->place.line;
}

static void name_mutant(const struct line *line, int order, char *text, size_t size)
{
    const char *kind = ckf_explore_kind_name(line->kind);
    if (line->order == 0)
        snprintf(text, size, "%s:%u %s dropped", line->place.file, line->place.line, kind);
    else
        snprintf(text, size, "%s:%u %s %s -> %s", line->place.file, line->place.line, kind,
                 ckf_explore_order_name(line->order), ckf_explore_order_name(order));
}

static void try_mutant(struct mutation_run *run, const struct line *line, int order)
{
    struct verdict verdict = {0};
    char name[224];
    size_t killer = run->program_count;
    ckf_explore_mutate(line->pcs, line->pc_count, order);
    for (size_t i = 0; i < run->program_count && killer == run->program_count; i++)
        if (line->reached_by[i] && fails(run, &run->programs[i], &verdict))
            killer = i;
    ckf_explore_mutate(NULL, 0, 0);
    name_mutant(line, order, name, sizeof name);
    run->mutants++;
    if (killer == run->program_count) {
        printf("SURVIVED  %s\n", name);
    } else {
        run->killed++;
        printf("killed    %-64s by %s %s: %s\n", name, run->programs[killer].test->id,
               ckf_stress_variant_name(run->programs[killer].variant), verdict.outcome);
    }
    fflush(stdout);
}

int ckf_explore_mutate_all(const struct ckf_explore_settings *settings,
                           const struct ckf_stress_catalog *catalog)
{
    static struct mutation_run run;
    run =
        (struct mutation_run){.settings = settings, .lines = calloc(MAX_LINES, sizeof *run.lines)};
    if (run.lines == NULL)
        return 2;
    list_programs(&run, catalog);
    bool good = note_lines(&run);
    if (good) {
        qsort(run.lines, run.line_count, sizeof *run.lines, by_place);
        for (size_t i = 0; i < run.line_count; i++) {
            int weaker[4];
            size_t count = ckf_explore_weaker_orders(run.lines[i].kind, run.lines[i].order, weaker);
            for (size_t k = 0; k < count; k++)
                try_mutant(&run, &run.lines[i], weaker[k]);
        }
        printf("%zu lines, %u mutants, %u killed (%.0f %%), %u survived\n", run.line_count,
               run.mutants, run.killed, run.mutants > 0 ? 100.0 * run.killed / run.mutants : 0.0,
               run.mutants - run.killed);
    }
    free(run.lines);
    return good ? 0 : 2;
}
