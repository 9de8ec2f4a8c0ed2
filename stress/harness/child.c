/* harness/child.c - the iterations of a batch, in a process of its own.
 *
 * Roles: the leader is the main thread. It prepares the state, says "go", is the first actor itself
 * (unless threads are to be fresh: then it only leads), waits for the others and judges the result.
 * Followers wait at the start line, act, say that they are done, and wait again.
 *
 * The start line is a turn number: the leader changes it, followers wait for a change. They spin for
 * a while in the style asked for and then sleep, so that an iteration in which the leader itself
 * has to wait (teardown, say) costs nothing; the leader sleeps likewise until all are done. Each
 * sleeper announces itself before it looks for the last time, and each waker looks for sleepers
 * after it has written what they wait for: sequential consistency between the two steps on both
 * sides leaves no way to miss each other.
 *
 * Bodies have the state, which is private memory; only counts and the start line lie in the region
 * that the parent can see. The batch ends at its limits, at a failure if that was asked for, or with
 * the process. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/batch.h"
#include "harness/clock.h"
#include "harness/futex.h"
#include "harness/heap.h"
#include "harness/run.h"
#include "harness/runtime.h"
#include "linearize/history.h"

/* Turns of waiting before a thread sleeps: tens of microseconds, more than an ordinary iteration. */
enum { PAUSES = 2000, YIELDS = 200 };

struct crew {
    const struct ckf_stress_batch *batch;
    struct ckf_stress_region *region;
    void *state;
    bool fresh;   /* threads live for one iteration */
    bool crowded; /* fewer CPUs than threads */

    /* Written by the leader before it changes the turn; read by the others after. */
    uint32_t turn;
    uint64_t iteration; /* from 1 */
    bool over;          /* no more iterations: followers leave */

    unsigned count; /* actors' threads; actor 0 is the leader, unless threads are fresh */
    ckf_stress_body bodies[CKF_STRESS_MAX_THREADS];
    struct ckf_stress_run runs[CKF_STRESS_MAX_THREADS];
    struct ckf_stress_run alone; /* for setup, invariant, arbiter and teardown */
    pthread_t threads[CKF_STRESS_MAX_THREADS];
    int cpus[CPU_SETSIZE], cpu_count; /* allowed */
    char *signal_stacks;              /* one each, and one for the leader */
};

static struct crew crew;

const struct ckf_stress_runtime *ckf_stress_runtime;

_Noreturn static void give_up(const char *what, int error)
{
    char text[64];
    snprintf(crew.region->error, sizeof crew.region->error, "%s: %s", what,
             strerror_r(error, text, sizeof text));
    ckf_stress_exit_now(1);
}

static void set_phase(enum ckf_stress_phase phase)
{
    /* relaxed: the parent watches from afar and decides nothing by one look. */
    atomic_store_explicit(&crew.region->phase, phase, memory_order_relaxed);
}

/* --- Waiting at the start line ------------------------------------------------------------------ */

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static bool turn_changed(uint32_t seen)
{
    /* edge start: acquire; pairs with the store in start_actors(). */
    return atomic_load_explicit(&crew.region->turn, memory_order_acquire) != seen;
}

static bool finished(unsigned actor)
{
    /* edge finish: acquire; pairs with the store in finish(). */
    return atomic_load_explicit(&crew.region->slots[actor].finished_turn, memory_order_acquire) ==
           crew.turn;
}

/* Spins in the batch's style until done(argument) or for long enough. */
static bool spin_until(bool (*done)(uint32_t), uint32_t argument)
{
    enum ckf_stress_spin_style style = crew.batch->point.spin;
    if (style == CKF_STRESS_PAUSE && !crew.crowded)
        for (int i = 0; i < PAUSES; i++, relax())
            if (done(argument))
                return true;
    if (style != CKF_STRESS_FUTEX)
        for (int i = 0; i < YIELDS; i++, sched_yield())
            if (done(argument))
                return true;
    return done(argument);
}

static void await_turn(uint32_t seen)
{
    if (spin_until(turn_changed, seen))
        return;
    /* edge start-asleep: seq_cst; either we see the new turn in the kernel's look at it, or the
     * leader, who writes it first, sees us here. */
    atomic_fetch_add_explicit(&crew.region->sleepers, 1, memory_order_seq_cst);
    while (!turn_changed(seen))
        ckf_stress_futex_wait(&crew.region->turn, seen);
    /* relaxed: a count too high costs a system call. */
    atomic_fetch_sub_explicit(&crew.region->sleepers, 1, memory_order_relaxed);
}

static void start_actors(void)
{
    struct ckf_stress_region *region = crew.region;
    /* edge start: seq_cst, for edge start-asleep too; what followers read was written before. */
    atomic_store_explicit(&region->turn, ++crew.turn, memory_order_seq_cst);
    if (atomic_load_explicit(&region->sleepers, memory_order_seq_cst) > 0)
        ckf_stress_futex_wake_all(&region->turn);
}

static void finish(unsigned actor, uint32_t turn)
{
    struct ckf_stress_region *region = crew.region;
    /* edge finish: seq_cst, for edge leader-asleep too; carries what the actor did. */
    atomic_store_explicit(&region->slots[actor].finished_turn, turn, memory_order_seq_cst);
    if (atomic_load_explicit(&region->leader_sleeps, memory_order_seq_cst) != 0) {
        /* relaxed: only a change counts, and the kernel orders its look against our wake. */
        atomic_fetch_add_explicit(&region->finishes, 1, memory_order_relaxed);
        ckf_stress_futex_wake_all(&region->finishes);
    }
}

static void await_actor(unsigned actor)
{
    struct ckf_stress_region *region = crew.region;
    if (spin_until(finished, actor))
        return;
    for (;;) {
        uint32_t seen = atomic_load_explicit(&region->finishes, memory_order_relaxed);
        /* edge leader-asleep: seq_cst; either we see that the actor is done, or it sees us here. */
        atomic_store_explicit(&region->leader_sleeps, 1, memory_order_seq_cst);
        bool done = atomic_load_explicit(&region->slots[actor].finished_turn,
                                         memory_order_seq_cst) == crew.turn;
        if (!done)
            ckf_stress_futex_wait(&region->finishes, seen);
        atomic_store_explicit(&region->leader_sleeps, 0, memory_order_relaxed);
        if (done)
            return;
    }
}

/* --- Actors ------------------------------------------------------------------------------------- */

/* Actors hear "go" at slightly different times, the leader first. A random delay, none in half of
 * the cases, makes each of them come first now and then. */
static void skew(struct ckf_stress_run *run)
{
    uint64_t bits = ckf_stress_random_bits(run);
    unsigned length = bits & 15;
    if (length < 8)
        ckf_stress_idle((unsigned)(bits >> 8) & ((4u << length) - 1));
}

static void act(unsigned actor)
{
    struct ckf_stress_run *run = &crew.runs[actor];
    ckf_stress_run_begin(run, crew.iteration, actor + 1);
    if (!crew.crowded)
        skew(run);
    crew.bodies[actor](run, crew.state);
}

static void enter(unsigned actor)
{
    struct ckf_stress_slot *slot = &crew.region->slots[actor];
    ckf_stress_use_signal_stack(crew.signal_stacks + (size_t)actor * CKF_STRESS_SIGNAL_STACK);
    ckf_stress_run_set_current(&crew.runs[actor]);
    /* edge arrival: release; pairs with the acquire in await_arrival(). */
    atomic_store_explicit(&slot->tid, gettid(), memory_order_release);
}

static void *follow(void *arg)
{
    unsigned actor = (unsigned)(uintptr_t)arg;
    uint32_t seen = crew.turn; /* stands until this thread has arrived */
    enter(actor);
    for (;;) {
        await_turn(seen);
        if (crew.over)
            return NULL;
        act(actor);
        finish(actor, ++seen);
        if (crew.fresh)
            return NULL;
    }
}

/* --- Threads and CPUs --------------------------------------------------------------------------- */

static void find_cpus(void)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        give_up("sched_getaffinity", errno);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            crew.cpus[crew.cpu_count++] = cpu;
}

/* The CPUs of an actor; false: any. The seed turns the choice. */
static bool actor_cpus(unsigned actor, cpu_set_t *set)
{
    if (crew.batch->point.placement == CKF_STRESS_FREE)
        return false;
    unsigned first = (unsigned)(crew.batch->seed % (unsigned)crew.cpu_count);
    if (crew.batch->point.placement == CKF_STRESS_SAME_CORE)
        actor = 0;
    CPU_ZERO(set);
    CPU_SET(crew.cpus[(first + actor) % (unsigned)crew.cpu_count], set);
    return true;
}

static void make_thread(unsigned actor)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    cpu_set_t set;
    if (actor_cpus(actor, &set))
        pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    int error = pthread_create(&crew.threads[actor], &attributes, follow, (void *)(uintptr_t)actor);
    if (error != 0)
        give_up("pthread_create", error);
    pthread_attr_destroy(&attributes);
}

static void await_arrival(unsigned actor)
{
    /* edge arrival: acquire; pairs with the release in enter(). */
    while (atomic_load_explicit(&crew.region->slots[actor].tid, memory_order_acquire) == 0)
        sched_yield();
}

static void make_threads(unsigned first)
{
    for (unsigned i = first; i < crew.count; i++)
        atomic_store_explicit(&crew.region->slots[i].tid, 0, memory_order_relaxed); /* nobody yet */
    for (unsigned i = first; i < crew.count; i++)
        make_thread(i);
    for (unsigned i = first; i < crew.count; i++)
        await_arrival(i);
}

static void join_threads(unsigned first)
{
    for (unsigned i = first; i < crew.count; i++)
        pthread_join(crew.threads[i], NULL);
}

/* --- Iterations --------------------------------------------------------------------------------- */

static void run_alone(ckf_stress_body body)
{
    if (body != NULL)
        body(&crew.alone, crew.state);
}

static void run_actors(void)
{
    if (crew.fresh)
        make_threads(0);
    set_phase(CKF_STRESS_ACTING);
    start_actors();
    if (crew.fresh) {
        join_threads(0);
        return;
    }
    ckf_stress_run_set_current(&crew.runs[0]);
    act(0);
    finish(0, crew.turn);
    ckf_stress_run_set_current(&crew.alone);
    for (unsigned i = 1; i < crew.count; i++)
        await_actor(i);
}

/* The worst outcome that a body reported, the first among equals; NULL: none was. */
static const char *reported_outcome(void)
{
    const char *worst = atomic_load_explicit(&crew.alone.outcome, memory_order_relaxed);
    for (unsigned i = 0; i < crew.count; i++) {
        /* relaxed: edge finish has brought it here. */
        const char *outcome = atomic_load_explicit(&crew.runs[i].outcome, memory_order_relaxed);
        if (outcome == NULL)
            continue;
        if (worst == NULL || ckf_stress_grade(crew.batch->test, outcome)->grade >
                                 ckf_stress_grade(crew.batch->test, worst)->grade)
            worst = outcome;
    }
    return worst;
}

static void set_registers(const struct ckf_stress_run *run, int64_t *registers, unsigned *set)
{
    for (unsigned i = 0; i < CKF_STRESS_REGISTERS; i++)
        if ((run->registers_set & 1u << i) != 0)
            registers[i] = run->registers[i];
    *set |= run->registers_set;
}

/* What an iteration left in the registers. */
struct register_file {
    int64_t values[CKF_STRESS_REGISTERS]; /* 0 where not set */
    unsigned set;                         /* one bit each */
};

static void gather_registers(struct register_file *file)
{
    *file = (struct register_file){.set = 0};
    for (unsigned i = 0; i < crew.count; i++)
        if (crew.runs[i].registers_set != 0)
            set_registers(&crew.runs[i], file->values, &file->set);
    set_registers(&crew.alone, file->values, &file->set);
}

/* All registers up to the highest one set: "0,1". */
static void print_registers(const struct register_file *file, char *text, size_t size)
{
    size_t length = 0;
    for (unsigned i = 0; file->set >> i != 0; i++)
        length += (size_t)snprintf(text + length, size - length, i == 0 ? "%lld" : ",%lld",
                                   (long long)file->values[i]);
}

/* Registers rarely hold anything new: text is made, and compared, only where they do. */
static unsigned count_registers(const struct register_file *file)
{
    enum { REMEMBERED = 16 };
    static struct {
        struct register_file file;
        unsigned row;
    } memory[REMEMBERED];
    uint64_t hash = file->set;
    for (unsigned i = 0; file->set >> i != 0; i++)
        hash = ckf_stress_mix(hash + (uint64_t)file->values[i]);
    unsigned place = hash % REMEMBERED;
    if (memcmp(&memory[place].file, file, sizeof *file) == 0) {
        crew.region->rows[memory[place].row].count++;
        return memory[place].row;
    }
    char text[CKF_STRESS_OUTCOME_BYTES];
    print_registers(file, text, sizeof text);
    memory[place].file = *file;
    memory[place].row =
        ckf_stress_count(crew.region->rows, &crew.region->row_count, crew.batch->test, text, 1);
    return memory[place].row;
}

static unsigned count_reported(const char *outcome)
{
    /* Texts are constant: most iterations report the one that the last one reported. */
    static const char *last;
    static unsigned last_row;
    if (outcome == last) {
        crew.region->rows[last_row].count++;
        return last_row;
    }
    last = outcome;
    last_row =
        ckf_stress_count(crew.region->rows, &crew.region->row_count, crew.batch->test, outcome, 1);
    return last_row;
}

static void name_actor(unsigned actor, char *text, size_t size, const void *arg)
{
    (void)arg;
    const struct ckf_stress_case *test = crew.batch->test;
    if (actor == crew.count) {
        snprintf(text, size, "(alone)");
        return;
    }
    unsigned place = 0;
    for (unsigned first = 0;; place++) {
        unsigned copies = ckf_stress_copies(&crew.alone, place);
        if (actor < first + copies)
            break;
        first += copies;
    }
    const char *name = test->actors[place].name != NULL ? test->actors[place].name : "actor";
    if (ckf_stress_copies(&crew.alone, place) > 1)
        snprintf(text, size, "%s %u", name, crew.runs[actor].copy + 1);
    else
        snprintf(text, size, "%s", name);
}

/* Judges what was recorded. The first bad history of a process is printed: it is kept for the case
 * of a failure. */
static void judge_history(void)
{
    static struct ckf_history history;
    static bool printed;
    if (crew.batch->test->specification == NULL)
        return;
    ckf_history_begin(&history, crew.batch->test->specification);
    for (unsigned i = 0; i < crew.count; i++)
        ckf_history_add(&history, crew.runs[i].recorder);
    ckf_history_add(&history, crew.alone.recorder);
    enum ckf_linearizability verdict = ckf_history_judge(&history);
    if (verdict == CKF_LINEARIZABLE)
        return;
    ckf_stress_outcome(&crew.alone, ckf_history_outcome(verdict));
    if (verdict == CKF_NOT_LINEARIZABLE && !printed) {
        printed = true;
        ckf_history_print(&history, name_actor, NULL, stdout);
    }
}

static unsigned count_outcome(void)
{
    const char *reported = reported_outcome();
    /* relaxed: a report that is seen an iteration late is seen. */
    if (atomic_load_explicit(&crew.region->sanitizer_spoke, memory_order_relaxed) != 0)
        reported = "sanitizer report";
    if (reported != NULL)
        return count_reported(reported);
    struct register_file file;
    gather_registers(&file);
    return file.set != 0 ? count_registers(&file) : count_reported("ok");
}

static void note_failure(void)
{
    struct ckf_stress_region *region = crew.region;
    atomic_fetch_add_explicit(&region->failures, 1, memory_order_relaxed); /* for onlookers */
    if (region->first_failure_iteration != 0)
        return;
    region->first_failure_iteration = crew.iteration;
    region->first_failure_ns = ckf_stress_now_ns() - region->started_ns;
}

/* One iteration; false if it failed. */
static bool iterate(void)
{
    const struct ckf_stress_case *test = crew.batch->test;
    crew.iteration++;
    ckf_stress_run_begin(&crew.alone, crew.iteration, 0);
    set_phase(CKF_STRESS_ALONE);
    memset(crew.state, 0, test->state_size);
    run_alone(test->setup);
    if (ckf_stress_runtime != NULL)
        ckf_stress_runtime->actors_begin(crew.batch->seed, crew.iteration);
    run_actors();
    if (ckf_stress_runtime != NULL)
        ckf_stress_runtime->actors_ended();
    set_phase(CKF_STRESS_ALONE);
    run_alone(test->invariant);
    run_alone(test->arbiter);
    run_alone(test->teardown);
    ckf_stress_heap_reclaim();
    judge_history();
    unsigned row = count_outcome();
    bool failed = crew.region->rows[row].grade == CKF_STRESS_FORBIDDEN;
    if (failed)
        note_failure();
    /* relaxed: for onlookers. */
    atomic_store_explicit(&crew.region->iterations, crew.iteration, memory_order_relaxed);
    return !failed;
}

/* Reading the clock costs a twentieth of a fast iteration, so it is not read each time: as often as
 * keeps the time between two looks around LOOK_NS. */
static bool time_is_up(int64_t end_ns)
{
    enum { LOOK_NS = 200000, MOST_SKIPPED = 256 };
    static unsigned skip, skipped;
    static int64_t last_ns;
    if (skipped++ < skip)
        return false;
    skipped = 0;
    int64_t now = ckf_stress_now_ns();
    if (now - last_ns > LOOK_NS)
        skip /= 4;
    else if (skip < MOST_SKIPPED)
        skip = skip * 2 + 1;
    last_ns = now;
    /* relaxed: dates a hang, which begins soon after. */
    atomic_store_explicit(&crew.region->looked_ns, now, memory_order_relaxed);
    return now >= end_ns;
}

static void iterate_until_done(void)
{
    const struct ckf_stress_batch *batch = crew.batch;
    int64_t end_ns = batch->max_ns > INT64_MAX - crew.region->started_ns
                         ? INT64_MAX
                         : crew.region->started_ns + batch->max_ns;
    while (crew.iteration < batch->max_iterations) {
        bool passed = iterate();
        if (!passed && batch->stop_at_failure)
            return;
        if (atomic_load_explicit(&crew.region->sanitizer_spoke, memory_order_relaxed) != 0)
            return; /* one report of a kind is all that a process gives */
        if (time_is_up(end_ns))
            return;
    }
}

/* --- Birth and end ------------------------------------------------------------------------------ */

static void limit_damage(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (!ckf_stress_sanitized()) {
        /* A racy twin may allocate without end: it shall fail before the machine does. */
        struct rlimit address_space = {(rlim_t)16 << 30, (rlim_t)16 << 30};
        setrlimit(RLIMIT_AS, &address_space);
    }
}

static struct ckf_recorder *make_recorder(const struct ckf_stress_case *test)
{
    void *recorder;
    if (test->specification == NULL)
        return NULL;
    if (posix_memalign(&recorder, CKF_STRESS_APART, sizeof(struct ckf_recorder)) != 0)
        give_up("no memory for what actors record", ENOMEM);
    ckf_recorder_clear(recorder);
    return recorder;
}

static void prepare(const struct ckf_stress_batch *batch, struct ckf_stress_region *region)
{
    const struct ckf_stress_case *test = batch->test;
    crew.batch = batch;
    crew.region = region;
    crew.fresh = (test->flags & CKF_STRESS_FRESH_THREADS) != 0;
    crew.count = region->slot_count;
    find_cpus();
    crew.crowded =
        batch->point.placement == CKF_STRESS_SAME_CORE || (unsigned)crew.cpu_count < crew.count;
    if (posix_memalign(&crew.state, CKF_STRESS_APART, test->state_size + 1) != 0)
        give_up("no memory for the state", ENOMEM);
    crew.signal_stacks = calloc(crew.count + 1u, CKF_STRESS_SIGNAL_STACK);
    if (crew.signal_stacks == NULL)
        give_up("no memory for signal stacks", ENOMEM);
    crew.alone.batch = batch;
    crew.alone.crowded = crew.crowded;
    crew.alone.actor = crew.count;
    crew.alone.recorder = make_recorder(test);
    unsigned next = 0;
    for (unsigned a = 0; a < CKF_STRESS_MAX_ACTORS && test->actors[a].body != NULL; a++) {
        unsigned copies =
            test->actors[a].copies != 0 ? test->actors[a].copies : batch->point.copies;
        for (unsigned copy = 0; copy < copies; copy++, next++) {
            crew.bodies[next] = test->actors[a].body;
            crew.runs[next].batch = batch;
            crew.runs[next].copy = copy;
            crew.runs[next].actor = next;
            crew.runs[next].recorder = make_recorder(test);
            crew.runs[next].crowded = crew.crowded;
        }
    }
}

static void start_threads(void)
{
    cpu_set_t set;
    if (actor_cpus(0, &set))
        sched_setaffinity(0, sizeof set, &set);
    if (!crew.fresh) {
        enter(0);
        make_threads(1);
    } else {
        ckf_stress_use_signal_stack(crew.signal_stacks +
                                    (size_t)crew.count * CKF_STRESS_SIGNAL_STACK);
    }
    ckf_stress_run_set_current(&crew.alone);
}

static void dismiss_threads(void)
{
    if (crew.fresh)
        return;
    crew.over = true;
    start_actors();
    join_threads(1);
}

_Noreturn void ckf_stress_child(const struct ckf_stress_batch *batch,
                                struct ckf_stress_region *region)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    region->started_ns = ckf_stress_now_ns();
    atomic_store_explicit(&region->looked_ns, region->started_ns, memory_order_relaxed);
    limit_damage();
    ckf_stress_catch_fatal(region);
    prepare(batch, region);
    start_threads();
    atomic_store_explicit(&region->looked_ns, ckf_stress_now_ns(), memory_order_relaxed);
    iterate_until_done();
    dismiss_threads();
    set_phase(CKF_STRESS_ENDED);
    ckf_stress_exit_now(0);
}
