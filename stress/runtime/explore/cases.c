/* explore/cases.c - the case language on the explore runtime.
 *
 * The body of a program is the whole iteration: setup, actors as threads, invariant, arbiter and
 * teardown. What bodies report is kept by the engine, outside of the memory that it watches.
 */
#include "cases.h"

#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "harness/catalog.h"
#include "linearize/history.h"

enum { DEFAULT_COPIES = 2, HISTORY = 1 << 30 /* of notes */ };

struct ckf_stress_run {
    const struct ckf_case_program *program;
    const struct ckf_stress_actor *actor;
    unsigned copy;
    unsigned number; /* of the body in this execution; the last is for setup and the like */
    void *state;
};

static struct {
    struct ckf_stress_run main, actors[MAX_THREADS];
    const char *outcome; /* the worst so far; NULL: none */
    char names[MAX_THREADS][48];
    unsigned actor_count;
    struct ckf_recorder recorders[MAX_THREADS + 1]; /* one more for setup and the like */
    struct ckf_case_allocations allocations;
    bool over;   /* the case has come to its end: there is a whole history */
    bool judged; /* and this is what is known of it */
    enum ckf_linearizability linearizability;
    struct ckf_history history;
} current;

static unsigned copies_of(const struct ckf_case_program *program,
                          const struct ckf_stress_actor *actor)
{
    unsigned most = program->test->explore_copies;
    if (actor->copies != 0)
        return most != 0 && most < actor->copies ? most : actor->copies;
    return program->copies != 0 ? program->copies : DEFAULT_COPIES;
}

static void run_actor(void *arg)
{
    struct ckf_stress_run *run = arg;
    run->actor->body(run, run->state);
}

static const char *name_actor(unsigned index, const struct ckf_stress_actor *actor, unsigned copy,
                              unsigned copies)
{
    char *name = current.names[index];
    const char *given = actor->name != NULL ? actor->name : "actor";
    if (copies == 1)
        return given;
    size_t length = 0;
    for (; given[length] != '\0' && length < sizeof current.names[0] - 4; length++)
        name[length] = given[length];
    name[length++] = ' ';
    if (copy + 1 >= 10)
        name[length++] = (char)('0' + (copy + 1) / 10);
    name[length++] = (char)('0' + (copy + 1) % 10);
    name[length] = '\0';
    return name;
}

static unsigned actors_of(const struct ckf_case_program *program)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CKF_STRESS_MAX_ACTORS && program->test->actors[i].body != NULL; i++)
        count += copies_of(program, &program->test->actors[i]);
    return count;
}

static void run_actors(const struct ckf_case_program *program, void *state)
{
    unsigned threads[MAX_THREADS], count = 0;
    for (unsigned i = 0; i < CKF_STRESS_MAX_ACTORS && program->test->actors[i].body != NULL; i++) {
        const struct ckf_stress_actor *actor = &program->test->actors[i];
        unsigned copies = copies_of(program, actor);
        for (unsigned copy = 0; copy < copies; copy++, count++) {
            if (count == MAX_THREADS)
                ckf_explore_fail(CKF_VERDICT_UNMODELLED, "starts more than %d actors", MAX_THREADS);
            current.actors[count] = (struct ckf_stress_run){program, actor, copy, count, state};
            ckf_recorder_clear(&current.recorders[count]);
            current.actor_count = count + 1;
            threads[count] = ckf_explore_spawn(run_actor, &current.actors[count],
                                               name_actor(count, actor, copy, copies));
        }
    }
    for (unsigned i = 0; i < count; i++)
        ckf_explore_join(threads[i]);
}

static void run_alone(ckf_stress_body body, void *state)
{
    if (body != NULL)
        body(&current.main, state);
}

static size_t move(char *copy, void *memory, size_t size, bool back)
{
    memcpy(back ? memory : copy, back ? copy : memory, size);
    return (size + 7) & ~(size_t)7;
}

static size_t move_recorder(char *copy, struct ckf_recorder *recorder, bool back)
{
    size_t size = move(copy, recorder, offsetof(struct ckf_recorder, calls), back);
    return size +
           move(copy + size, recorder->calls, recorder->count * sizeof recorder->calls[0], back);
}

/* What an execution has come to, for snapshots. */
static size_t move_current(char *copy, bool back)
{
    size_t size = move(copy, &current.outcome, sizeof current.outcome, back);
    size += move(copy + size, &current.allocations, sizeof current.allocations, back);
    current.over = current.judged = false;
    if (current.main.program->test->specification == NULL)
        return size;
    size += move(copy + size, &current.actor_count, sizeof current.actor_count, back);
    for (unsigned i = 0; i < current.actor_count; i++)
        size += move_recorder(copy + size, &current.recorders[i], back);
    return size + move_recorder(copy + size, &current.recorders[MAX_THREADS], back);
}

void ckf_explore_case_run(void *arg)
{
    const struct ckf_case_program *program = arg;
    const struct ckf_stress_case *test = program->test;
    ckf_explore_engine.outside = move_current;
    /* Before setup, which may start a reclaimer that asks how many there are. */
    ckf_explore_number_threads(1 + actors_of(program));
    current.outcome = NULL;
    current.over = current.judged = false;
    ckf_recorder_clear(&current.recorders[MAX_THREADS]);
    void *state = ckf_stress_alloc(test->state_size + 1);
    if (state == NULL)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "has no memory for the state of the case");
    current.main =
        (struct ckf_stress_run){.program = program, .number = MAX_THREADS, .state = state};
    run_alone(test->setup, state);
    current.allocations.before_actors = ckf_explore_engine.allocations;
    run_actors(program, state);
    current.allocations.after_actors = ckf_explore_engine.allocations;
    run_alone(test->invariant, state);
    run_alone(test->arbiter, state);
    run_alone(test->teardown, state);
    current.over = true;
}

struct ckf_case_allocations ckf_explore_case_allocations(void)
{
    return current.allocations;
}

/* Histories. */

static void name_recorded_actor(unsigned number, char *text, size_t size, const void *arg)
{
    (void)arg;
    if (number == MAX_THREADS) {
        snprintf(text, size, "(alone)");
        return;
    }
    const struct ckf_stress_run *run = &current.actors[number];
    snprintf(text, size, "%s",
             name_actor(number, run->actor, run->copy, copies_of(run->program, run->actor)));
}

/* After the execution. */
static enum ckf_linearizability judge_history(void)
{
    const struct ckf_case_program *program = current.main.program;
    if (!current.over || program->test->specification == NULL)
        return CKF_LINEARIZABLE;
    if (current.judged)
        return current.linearizability;
    ckf_history_begin(&current.history, program->test->specification);
    for (unsigned i = 0; i < current.actor_count; i++)
        ckf_history_add(&current.history, &current.recorders[i]);
    ckf_history_add(&current.history, &current.recorders[MAX_THREADS]);
    current.judged = true;
    current.linearizability = ckf_history_judge(&current.history);
    return current.linearizability;
}

void ckf_explore_case_print_history(FILE *out)
{
    if (judge_history() == CKF_NOT_LINEARIZABLE)
        ckf_history_print(&current.history, name_recorded_actor, NULL, out);
}

/* Outcomes. */

static const char *found_by_engine(enum ckf_explore_verdict verdict)
{
    switch (verdict) {
    case CKF_VERDICT_HANG:
    case CKF_VERDICT_LIVELOCK:
        return "hang";
    case CKF_VERDICT_RACE:
    case CKF_VERDICT_USE_AFTER_FREE:
    case CKF_VERDICT_DOUBLE_FREE:
    case CKF_VERDICT_ABORT:
    case CKF_VERDICT_CRASH:
    case CKF_VERDICT_MISUSE:
    case CKF_VERDICT_LEAK:
    case CKF_VERDICT_UNWRITTEN:
        return ckf_explore_verdict_name(verdict);
    default:
        return NULL;
    }
}

static const char *registers_as_text(const struct ckf_explore_end *end)
{
    static char text[CKF_EXPLORE_REGISTERS * 24];
    size_t length = 0;
    for (unsigned i = 0; i < end->registers_used; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, i == 0 ? "%lld" : ",%lld",
                                   (long long)end->registers[i]);
    return text;
}

/* What the bodies said, or the history says. */
static const char *own_outcome(const struct ckf_explore_end *end)
{
    const char *found = ckf_history_outcome(judge_history());
    if (found != NULL &&
        (current.outcome == NULL ||
         ckf_explore_case_grade(current.main.program->test, found)->grade >
             ckf_explore_case_grade(current.main.program->test, current.outcome)->grade))
        return found;
    if (current.outcome != NULL)
        return current.outcome;
    return end->registers_used > 0 ? registers_as_text(end) : "ok";
}

const char *ckf_explore_case_outcome(const struct ckf_explore_end *end)
{
    if (end->verdict == CKF_VERDICT_OK)
        return own_outcome(end);
    const char *found = found_by_engine(end->verdict);
    if (end->verdict != CKF_VERDICT_LEAK)
        return found;
    /* All else went as the case says: the worse of the two counts. */
    const struct ckf_stress_case *test = current.main.program->test;
    const char *own = own_outcome(end);
    return ckf_explore_case_grade(test, own)->grade >= ckf_explore_case_grade(test, found)->grade
               ? own
               : found;
}

const struct ckf_stress_grading *ckf_explore_case_grade(const struct ckf_stress_case *test,
                                                        const char *outcome)
{
    static const struct ckf_stress_grading verdicts[] = {
        {"data race", CKF_STRESS_FORBIDDEN, "two threads used memory with nothing to order them"},
        {"misuse", CKF_STRESS_FORBIDDEN, "a rule of an interface was broken"},
        {"leak", CKF_STRESS_FORBIDDEN, "memory was left that nobody has freed"},
        {"uninitialised read", CKF_STRESS_FORBIDDEN, "memory was read that nobody has written"}};
    const struct ckf_stress_grading *own = NULL;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (strcmp(outcome, verdicts[i].pattern) == 0)
            own = &verdicts[i];
    if (own == NULL)
        return ckf_stress_grade(test, outcome);
    for (int i = 0; i < CKF_STRESS_MAX_OUTCOMES && test->outcomes[i].pattern != NULL; i++)
        if (strcmp(test->outcomes[i].pattern, outcome) == 0)
            return &test->outcomes[i];
    return own;
}

/* What bodies call. */

const void *ckf_stress_operations(const struct ckf_stress_run *run)
{
    return run->program->test->operations[run->program->variant];
}

enum ckf_stress_variant ckf_stress_variant(const struct ckf_stress_run *run)
{
    return run->program->variant;
}

unsigned ckf_stress_copy(const struct ckf_stress_run *run)
{
    return run->copy;
}

unsigned ckf_stress_copies(const struct ckf_stress_run *run, unsigned actor)
{
    const struct ckf_stress_actor *actors = run->program->test->actors;
    bool there = actor < CKF_STRESS_MAX_ACTORS && actors[actor].body != NULL;
    return there ? copies_of(run->program, &actors[actor]) : 0;
}

unsigned ckf_stress_rounds(const struct ckf_stress_run *run)
{
    unsigned rounds = run->program->rounds;
    if (rounds == 0)
        rounds = run->program->test->explore_rounds;
    return rounds == 0 ? 1 : rounds;
}

uint32_t ckf_stress_random(struct ckf_stress_run *run, uint32_t bound)
{
    (void)run;
    return ckf_explore_random(bound);
}

void ckf_stress_outcome(struct ckf_stress_run *run, const char *outcome)
{
    const struct ckf_stress_case *test = run->program->test;
    if (current.outcome == NULL ||
        ckf_stress_grade(test, outcome)->grade > ckf_stress_grade(test, current.outcome)->grade)
        current.outcome = outcome;
    ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    ckf_explore_note_state((uintptr_t)current.outcome);
}

static void require(bool good, const char *rule)
{
    if (!good)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "%s", rule);
}

void ckf_stress_result(struct ckf_stress_run *run, unsigned index, int64_t value)
{
    (void)run;
    require(index < CKF_EXPLORE_REGISTERS, "sets a result register above 7");
    ckf_explore_result(index, value);
}

static struct ckf_recorder *recorder_of(const struct ckf_stress_run *run)
{
    require(run->program->test->specification != NULL,
            "records operations in a case without a specification");
    return &current.recorders[run->number];
}

/* States with different histories differ: what is recorded will be judged. When operations began and
 * ended the engine knows. */
static void note_history(const struct ckf_stress_run *run, const uint64_t *words, size_t count)
{
    uint64_t hash = current.recorders[run->number].count;
    for (size_t i = 0; i < count; i++)
        hash = ckf_explore_scramble(hash ^ words[i]);
    ckf_explore_note_event(run->number, HISTORY, hash);
}

void ckf_stress_call(struct ckf_stress_run *run, unsigned code, uint64_t object, uint64_t argument,
                     uint64_t second_argument)
{
    struct ckf_stress_operation operation = {.code = code,
                                             .object = object,
                                             .arguments = {argument, second_argument},
                                             .actor = run->number};
    bool misused;
    ckf_recorder_call(recorder_of(run), &operation, &misused);
    require(!misused, "records a call before its last operation has returned");
    const uint64_t words[] = {code, object, argument, second_argument};
    note_history(run, words, sizeof words / sizeof *words);
    ckf_explore_operation_begins();
}

void ckf_stress_value(struct ckf_stress_run *run, unsigned index, uint64_t value)
{
    bool misused;
    ckf_recorder_value(recorder_of(run), index, value, &misused);
    require(!misused, "records a value outside of an operation, or one above 3");
    const uint64_t words[] = {index, value};
    note_history(run, words, sizeof words / sizeof *words);
}

void ckf_stress_return(struct ckf_stress_run *run, int status, uint64_t result)
{
    bool misused;
    struct ckf_explore_interval interval = ckf_explore_operation_ends();
    struct ckf_recorded *recorded = ckf_recorder_return(recorder_of(run), status, result, &misused);
    require(!misused, "records a return without a call");
    if (recorded != NULL) {
        recorded->called = interval.called;
        recorded->returned = interval.returned;
    }
    const uint64_t words[] = {(uint64_t)(int64_t)status, result};
    note_history(run, words, sizeof words / sizeof *words);
}

void ckf_stress_pause(struct ckf_stress_run *run)
{
    (void)run;
    ckf_explore_point(OP_PAUSE, 0, 0, 0, CALLER);
}

void ckf_stress_spin(struct ckf_stress_run *run)
{
    (void)run;
    ckf_explore_spin(CALLER);
}

void *ckf_stress_alloc(size_t size)
{
    void *memory = ckf_explore_heap_allocate(size == 0 ? 1 : size, 16, 0);
    if (memory != NULL)
        ckf_explore_heap_fill(memory, size, ZEROS);
    return memory;
}

void ckf_stress_free(void *memory)
{
    if (memory != NULL)
        ckf_explore_heap_free(memory);
}
