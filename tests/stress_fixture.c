/* tests/stress_fixture.c - cases that die, hang or behave in all the ways that the harness must tell
 * apart; test_stress.c runs them through the program's own command line. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <ck_filter/stress.h>

/* Cases of this file differ in their actors alone: operations only say which variants there are. */
static const int any;
#define RACY_ONLY                                                                                  \
    {                                                                                              \
        [CKF_STRESS_RACY] = &any                                                                   \
    }
#define ALL_VARIANTS                                                                               \
    {                                                                                              \
        [CKF_STRESS_RACY] = &any, [CKF_STRESS_MUTEX] = &any, [CKF_STRESS_ATOMIC] = &any            \
    }

static void say_fine(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, "fine");
}

#define FINE                                                                                       \
    {                                                                                              \
        "fine", CKF_STRESS_ACCEPTABLE, "nothing happened"                                          \
    }

/* A case whose one actor meets its end in a way of its own. */
#define DYING_CASE(case_name, id_text, actor)                                                      \
    CKF_STRESS_CASE(case_name) = {                                                                 \
        .id = id_text,                                                                             \
        .collection = "dying",                                                                     \
        .title = "an actor ends its process",                                                      \
        .operations = RACY_ONLY,                                                                   \
        .state_size = sizeof(void *),                                                              \
        .actors = {{.name = "actor", .body = actor, .copies = 1}},                                 \
        .arbiter = say_fine,                                                                       \
        .flags = CKF_STRESS_DETERMINISTIC,                                                         \
        .outcomes = {FINE},                                                                        \
    }

static void touch_nothing(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    raise(SIGSEGV);
}
DYING_CASE(segfault, "dies-segfault", touch_nothing);

static void call_abort(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    abort();
}
DYING_CASE(aborts, "dies-abort", call_abort);

static void call_exit(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    _exit(0);
}
DYING_CASE(exits, "dies-exit", call_exit);

static void raise_signal(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    raise(SIGUSR1);
}
CKF_STRESS_CASE(signals) = {
    .id = "signals-itself",
    .collection = "dying",
    .title = "an actor raises a signal that ends its process",
    .operations = {[CKF_STRESS_ATOMIC] = &any},
    .actors = {{.name = "actor", .body = raise_signal, .copies = 1}},
};

static void free_twice(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    void *block = ckf_stress_alloc(100);
    ckf_stress_free(block);
    ckf_stress_free(block);
}
DYING_CASE(frees_twice, "dies-double-free", free_twice);

static void use_after_free(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    volatile char *block = ckf_stress_alloc(100);
    ckf_stress_free((void *)(uintptr_t)block);
    block[50] = 1;
}
DYING_CASE(uses_after_free, "dies-use-after-free", use_after_free);

static void overrun(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    volatile char *block = ckf_stress_alloc(96);
    block[96] = 1;
}
DYING_CASE(overruns, "dies-overrun", overrun);

static void sleep_for_ever(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
}
DYING_CASE(sleeps, "dies-sleeping", sleep_for_ever);

static void spin_for_ever(struct ckf_stress_run *run, void *state)
{
    (void)state;
    for (;;)
        ckf_stress_spin(run);
}
DYING_CASE(spins, "dies-spinning", spin_for_ever);

/* --- Cases that are slow, and not dead ---------------------------------------------------------- */

struct relay {
    pthread_mutex_t lock;
    pthread_cond_t passed;
    bool done;
};

static void relay_setup(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct relay *relay = state;
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->passed, NULL);
}

static void relay_wait(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct relay *relay = state;
    pthread_mutex_lock(&relay->lock);
    while (!relay->done)
        pthread_cond_wait(&relay->passed, &relay->lock);
    pthread_mutex_unlock(&relay->lock);
}

/* Sleeps much longer than it takes to call a deadlock one, and wakes the waiter then. */
static void relay_pass_late(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct relay *relay = state;
    struct timespec late = {.tv_nsec = 250000000};
    nanosleep(&late, NULL);
    pthread_mutex_lock(&relay->lock);
    relay->done = true;
    pthread_cond_signal(&relay->passed);
    pthread_mutex_unlock(&relay->lock);
}

static void relay_teardown(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct relay *relay = state;
    pthread_cond_destroy(&relay->passed);
    pthread_mutex_destroy(&relay->lock);
}

CKF_STRESS_CASE(slow_actor) = {
    .id = "slow-actor",
    .collection = "slow",
    .title = "one actor sleeps until another one, which sleeps for a while, wakes it",
    .operations = RACY_ONLY,
    .state_size = sizeof(struct relay),
    .setup = relay_setup,
    .actors = {{.name = "waiter", .body = relay_wait, .copies = 1},
               {.name = "passer", .body = relay_pass_late, .copies = 1}},
    .arbiter = say_fine,
    .teardown = relay_teardown,
    .outcomes = {FINE},
};

static void *helper_main(void *state)
{
    relay_pass_late(NULL, state);
    return NULL;
}

static void wait_for_helper(struct ckf_stress_run *run, void *state)
{
    pthread_t helper;
    if (pthread_create(&helper, NULL, helper_main, state) != 0)
        abort();
    relay_wait(run, state);
    pthread_join(helper, NULL);
}

CKF_STRESS_CASE(slow_helper) = {
    .id = "slow-helper",
    .collection = "slow",
    .title = "the actor sleeps until a thread that is no actor wakes it",
    .operations = RACY_ONLY,
    .state_size = sizeof(struct relay),
    .setup = relay_setup,
    .actors = {{.name = "waiter", .body = wait_for_helper, .copies = 1}},
    .arbiter = say_fine,
    .teardown = relay_teardown,
    .outcomes = {FINE},
};

/* --- Verdicts ----------------------------------------------------------------------------------- */

static void do_nothing(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
}

CKF_STRESS_CASE(harmless) = {
    .id = "verdict-harmless",
    .collection = "verdicts",
    .title = "a racy twin that never fails",
    .operations = ALL_VARIANTS,
    .actors = {{.name = "actor", .body = do_nothing, .copies = 2}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "nobody said anything"}},
};

static void fail_sometimes(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, ckf_stress_random(run, 100) == 0 ? "broken" : "fine");
}

#define BROKEN                                                                                     \
    {                                                                                              \
        "broken", CKF_STRESS_FORBIDDEN, "it broke"                                                 \
    }

CKF_STRESS_CASE(always_broken) = {
    .id = "verdict-broken",
    .collection = "verdicts",
    .title = "every variant fails once in a hundred iterations",
    .operations = ALL_VARIANTS,
    .actors = {{.name = "actor", .body = do_nothing, .copies = 2}},
    .arbiter = fail_sometimes,
    .outcomes = {FINE, BROKEN},
};

static void fail_if_racy(struct ckf_stress_run *run, void *state)
{
    (void)state;
    bool fails = ckf_stress_variant(run) == CKF_STRESS_RACY && ckf_stress_random(run, 100) == 0;
    ckf_stress_outcome(run, fails ? "broken" : "fine");
}

CKF_STRESS_CASE(repaired) = {
    .id = "verdict-repaired",
    .collection = "verdicts",
    .title = "the racy twin fails once in a hundred iterations, the others never",
    .operations = ALL_VARIANTS,
    .actors = {{.name = "actor", .body = do_nothing, .copies = 2}},
    .arbiter = fail_if_racy,
    .outcomes = {FINE, BROKEN},
};

static void die_if_fixed(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, "fine");
    if (ckf_stress_variant(run) != CKF_STRESS_RACY && ckf_stress_random(run, 100) == 0)
        abort();
}

CKF_STRESS_CASE(fixed_abort) = {
    .id = "verdict-abort",
    .collection = "verdicts",
    .title = "the fixed variants abort once in a hundred iterations",
    .operations = ALL_VARIANTS,
    .actors = {{.name = "actor", .body = die_if_fixed, .copies = 1}},
    .outcomes = {FINE, {"*", CKF_STRESS_ACCEPTABLE, "a star never accepts what engines report"}},
};

/* Two faults that only sanitizers see: a data race for one, a read beyond a block for another. */
static void race(struct ckf_stress_run *run, void *state)
{
    int *counter = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        ++*counter;
}

static void read_beyond(struct ckf_stress_run *run, void *state)
{
    (void)state;
    volatile char *block = malloc(24);
    volatile size_t beyond = 24;
    if (block == NULL)
        abort();
    block[0] = 0;
    ckf_stress_outcome(run, block[beyond] == 0 ? "fine" : "fine too");
    free((void *)(uintptr_t)block);
}

CKF_STRESS_CASE(reported) = {
    .id = "verdict-report",
    .collection = "verdicts",
    .title = "every variant has faults that only sanitizers see",
    .operations = ALL_VARIANTS,
    .state_size = sizeof(int),
    .actors = {{.name = "actor", .body = race, .copies = 2}},
    .arbiter = read_beyond,
    .rounds = 1000,
    .outcomes = {{"fine*", CKF_STRESS_ACCEPTABLE, "nobody noticed"}},
};

/* --- What bodies can rely on -------------------------------------------------------------------- */

struct thorough {
    unsigned char zeroed[64];
    unsigned setups;
    _Atomic(unsigned) visits[2], copies_seen;
    char *block;
};

static bool all_zero(const struct thorough *s)
{
    for (size_t i = 0; i < sizeof s->zeroed; i++)
        if (s->zeroed[i] != 0)
            return false;
    return s->setups == 0;
}

static void thorough_setup(struct ckf_stress_run *run, void *state)
{
    struct thorough *s = state;
    if (!all_zero(s))
        ckf_stress_outcome(run, "state not zeroed");
    s->setups++;
    s->zeroed[7] = 7;
    s->block = ckf_stress_alloc(1000);
    for (int i = 0; s->block != NULL && i < 1000; i++)
        if (s->block[i] != 0)
            ckf_stress_outcome(run, "block not zeroed");
    if (s->block == NULL || ckf_stress_alloc(5000) == NULL)
        ckf_stress_outcome(run, "no memory"); /* a block a round is left behind */
    else
        s->block[999] = 1;
    ckf_stress_free(NULL);
}

static void visit(struct ckf_stress_run *run, void *state, unsigned actor)
{
    struct thorough *s = state;
    if (ckf_stress_rounds(run) != 3 || ckf_stress_copies(run, 0) != 2 ||
        ckf_stress_copies(run, 2) != 0 || ckf_stress_random(run, 10) >= 10)
        ckf_stress_outcome(run, "wrong numbers");
    atomic_fetch_add(&s->visits[actor], 1);
    if (actor == 0)
        atomic_fetch_or(&s->copies_seen, 1u << ckf_stress_copy(run));
    ckf_stress_pause(NULL);
    ckf_stress_outcome(run, "seen");
}

static void visit_first(struct ckf_stress_run *run, void *state)
{
    visit(run, state, 0);
}

static void visit_second(struct ckf_stress_run *run, void *state)
{
    visit(run, state, 1);
}

static void thorough_judge(struct ckf_stress_run *run, void *state)
{
    struct thorough *s = state;
    bool visited = s->setups == 1 && s->visits[0] == 2 && s->visits[1] == ckf_stress_copies(run, 1);
    bool copies = s->copies_seen == 3;
    ckf_stress_outcome(run, visited && copies ? "seen" : "actor missed");
    ckf_stress_free(s->block);
}

#define THOROUGH(case_name, id_text, flag_bits)                                                    \
    CKF_STRESS_CASE(case_name) = {                                                                 \
        .id = id_text,                                                                             \
        .collection = "promises",                                                                  \
        .title = "what bodies can rely on",                                                        \
        .operations = ALL_VARIANTS,                                                                \
        .state_size = sizeof(struct thorough),                                                     \
        .setup = thorough_setup,                                                                   \
        .actors = {{.name = "first", .body = visit_first, .copies = 2},                            \
                   {.name = "second", .body = visit_second}},                                      \
        .arbiter = thorough_judge,                                                                 \
        .rounds = 3,                                                                               \
        .flags = flag_bits,                                                                        \
        .outcomes = {{"seen", CKF_STRESS_ACCEPTABLE, "all is as promised"}},                       \
    }

THOROUGH(kept_threads, "promises-kept-threads", 0);
THOROUGH(fresh_threads, "promises-fresh-threads", CKF_STRESS_FRESH_THREADS);

static void set_first(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_result(run, 0, -5);
}

static void set_third(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_result(run, 2, 7);
}

CKF_STRESS_CASE(registers) = {
    .id = "promises-registers",
    .collection = "promises",
    .title = "registers become the outcome",
    .operations = ALL_VARIANTS,
    .actors = {{.name = "first", .body = set_first, .copies = 1},
               {.name = "third", .body = set_third, .copies = 1}},
    .outcomes = {{"-5,0,7", CKF_STRESS_INTERESTING, "the one in the middle was not set"}},
};

/* The worst outcome counts, whoever reported it. */
static void report_twice(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, "odd");
    ckf_stress_outcome(run, "fine");
}

CKF_STRESS_CASE(worst_counts) = {
    .id = "promises-worst",
    .collection = "promises",
    .title = "the worst-graded outcome counts",
    .operations = ALL_VARIANTS,
    .actors = {{.name = "actor", .body = report_twice, .copies = 2}},
    .arbiter = say_fine,
    .outcomes = {FINE, {"odd", CKF_STRESS_INTERESTING, "it \"may\" happen\n"}},
};

/* --- Texts that files must take ---------------------------------------------------------------- */

static void say_odd_things(struct ckf_stress_run *run, void *state)
{
    (void)state;
    fputs("printed <before> it failed\n", stderr);
    ckf_stress_outcome(run, "a <line>\nand \"another\" ]]> \\ \xff \xef\xbf\xbe \x01 \xc3\xa9");
}

CKF_STRESS_CASE(odd_texts) = {
    .id = "odd-texts",
    .collection = "odd \"texts\" & such",
    .title = "what XML and JSON hold only in disguise, or not at all: \xef\xbf\xbf",
    .story = "a\nb ]]> \xfe",
    .operations = {[CKF_STRESS_ATOMIC] = &any},
    .actors = {{.body = say_odd_things, .copies = 1}},
    .outcomes = {FINE},
};
