/* tests/test_explore_cases_programs.c - cases in the case language, compiled for the explore engine. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ck_filter/context.h>
#include <ck_filter/stress.h>

/* Counting. */

struct counter {
    _Atomic(int) hits;
    int plain;
    pthread_mutex_t lock;
};
struct counting {
    void (*hit)(struct counter *);
};

static void hit_load_store(struct counter *counter)
{
    int hits = atomic_load_explicit(&counter->hits, memory_order_relaxed);
    atomic_store_explicit(&counter->hits, hits + 1, memory_order_relaxed);
}

static void hit_locked(struct counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    hit_load_store(counter);
    pthread_mutex_unlock(&counter->lock);
}

static void hit_atomic(struct counter *counter)
{
    atomic_fetch_add_explicit(&counter->hits, 1, memory_order_relaxed);
}

static const struct counting load_store = {hit_load_store}, locked = {hit_locked},
                             atomic = {hit_atomic};

static void hitter(struct ckf_stress_run *run, void *state)
{
    const struct counting *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->hit(state);
}

static void count(struct ckf_stress_run *run, void *state)
{
    struct counter *counter = state;
    int expected = (int)(ckf_stress_rounds(run) * ckf_stress_copies(run, 0));
    ckf_stress_outcome(run, counter->hits == expected ? "exact" : "lost");
}

CKF_STRESS_CASE(hit_counter) = {
    .id = "hit-counter",
    .collection = "example",
    .title = "threads count on one word",
    .operations = {[CKF_STRESS_RACY] = &load_store,
                   [CKF_STRESS_MUTEX] = &locked,
                   [CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct counter),
    .actors = {{.name = "hitter", .body = hitter}},
    .arbiter = count,
    .rounds = 1000,
    .explore_rounds = 2,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every hit was counted"},
                 {"lost", CKF_STRESS_FORBIDDEN, "a hit vanished"}},
};

/* A hand-over whose fixed variant is not fixed: its release is missing. */

struct hand_over {
    _Atomic(int) ready;
    int *value;
};
struct handing {
    memory_order publish;
};
static const struct handing relaxed = {memory_order_relaxed}, release = {memory_order_release};

static void give(struct ckf_stress_run *run, void *state)
{
    const struct handing *handing = ckf_stress_operations(run);
    struct hand_over *over = state;
    over->value = malloc(sizeof *over->value);
    *over->value = 7;
    atomic_store_explicit(&over->ready, 1, handing->publish);
}

static void take(struct ckf_stress_run *run, void *state)
{
    struct hand_over *over = state;
    while (!atomic_load_explicit(&over->ready, memory_order_acquire))
        ckf_stress_spin(run);
    ckf_stress_result(run, 0, *over->value);
    free(over->value);
}

#define HAND_OVER(name_of_case, text, fixed)                                                       \
    CKF_STRESS_CASE(name_of_case) = {                                                              \
        .id = text,                                                                                \
        .collection = "example",                                                                   \
        .title = "one thread hands a block to another",                                            \
        .operations = {[CKF_STRESS_RACY] = &relaxed, [CKF_STRESS_ATOMIC] = fixed},                 \
        .state_size = sizeof(struct hand_over),                                                    \
        .actors = {{.name = "giver", .body = give, .copies = 1},                                   \
                   {.name = "taker", .body = take, .copies = 1}},                                  \
        .outcomes = {{"7", CKF_STRESS_ACCEPTABLE, "the value arrived"}},                           \
    }
/* A block that is forgotten if the other one was too late, and one that is meant to stay. */

struct keeping {
    bool frees_late;
};
static const struct keeping forgets_late = {false}, frees_late = {true};

static void keep(struct ckf_stress_run *run, void *state)
{
    const struct keeping *keeping = ckf_stress_operations(run);
    struct hand_over *over = state;
    int *volatile block = calloc(1, sizeof *block);
    if (keeping->frees_late || atomic_load_explicit(&over->ready, memory_order_acquire))
        free(block);
}
static void get_ready(struct ckf_stress_run *run, void *state)
{
    (void)run;
    atomic_store_explicit(&((struct hand_over *)state)->ready, 1, memory_order_release);
}

CKF_STRESS_CASE(forgotten_block) = {
    .id = "forgotten-block",
    .collection = "example",
    .title = "a block is freed only by who comes late",
    .operations = {[CKF_STRESS_RACY] = &forgets_late, [CKF_STRESS_ATOMIC] = &frees_late},
    .state_size = sizeof(struct hand_over),
    .actors = {{.name = "keeper", .body = keep, .copies = 1},
               {.name = "other", .body = get_ready, .copies = 1}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "it was freed"}},
};

CKF_STRESS_CASE(block_that_stays) = {
    .id = "block-that-stays",
    .collection = "example",
    .title = "a block that is left by design",
    .operations = {[CKF_STRESS_ATOMIC] = &forgets_late},
    .state_size = sizeof(struct hand_over),
    .actors = {{.name = "keeper", .body = keep, .copies = 1},
               {.name = "other", .body = get_ready, .copies = 1}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "it was freed"},
                 {"leak", CKF_STRESS_ACCEPTABLE, "it goes with the process"}},
};

/* Memory that runs out: one variant copes, the other takes what it gets. */

struct needing {
    bool copes;
};
static const struct needing copes = {true}, hopes = {false};

static void need(struct ckf_stress_run *run, void *state)
{
    const struct needing *needing = ckf_stress_operations(run);
    int *volatile block = calloc(1, sizeof *block);
    (void)state;
    if (block == NULL && !needing->copes)
        ckf_stress_outcome(run, "without memory");
    free(block);
}

CKF_STRESS_CASE(needs_memory) = {
    .id = "needs-memory",
    .collection = "example",
    .title = "actors allocate, and one variant copes when that fails",
    .operations = {[CKF_STRESS_MUTEX] = &copes, [CKF_STRESS_ATOMIC] = &hopes},
    .state_size = 1,
    .actors = {{.name = "needy", .body = need, .copies = 2}},
    .flags = CKF_STRESS_COPES_WITHOUT_MEMORY,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "with memory or without"}},
};

HAND_OVER(hand_over, "hand-over", &release);
HAND_OVER(hand_over_still_broken, "hand-over-still-broken", &relaxed);

/* Threads that never come to anything that others could see: one loops, one waits in a call. */

struct stuck {
    int flag, pipe[2];
};
static const int exists = 1;

static void loop_for_ever(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct stuck *stuck = state;
    while (stuck->flag == 0)
        __asm__ volatile("" ::: "memory");
}

static void open_pipe(struct ckf_stress_run *run, void *state)
{
    struct stuck *stuck = state;
    if (pipe(stuck->pipe) != 0)
        ckf_stress_outcome(run, "no pipe");
}

static void read_from_pipe(struct ckf_stress_run *run, void *state)
{
    struct stuck *stuck = state;
    char byte;
    if (read(stuck->pipe[0], &byte, 1) != 1)
        ckf_stress_outcome(run, "no byte");
}

CKF_STRESS_CASE(loops_for_ever) = {
    .id = "loops-for-ever",
    .collection = "example",
    .title = "a loop without an end or a visible operation",
    .operations = {[CKF_STRESS_RACY] = &exists},
    .state_size = sizeof(struct stuck),
    .actors = {{.name = "looper", .body = loop_for_ever, .copies = 1}},
};

CKF_STRESS_CASE(waits_for_ever) = {
    .id = "waits-for-ever",
    .collection = "example",
    .title = "a call that waits and is not the engine's",
    .operations = {[CKF_STRESS_ATOMIC] = &exists},
    .state_size = sizeof(struct stuck),
    .setup = open_pipe,
    .actors = {{.name = "reader", .body = read_from_pipe, .copies = 1}},
};

/* A racy twin that never fails. */

CKF_STRESS_CASE(not_racy) = {
    .id = "not-racy",
    .collection = "example",
    .title = "a twin that is not racy at all",
    .operations = {[CKF_STRESS_RACY] = &atomic},
    .state_size = sizeof(struct counter),
    .actors = {{.name = "hitter", .body = hitter, .copies = 2}},
    .arbiter = count,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every hit was counted"}},
};

/* --- a case that uses the library, so that there is something to mutate --- */

struct request {
    struct ckf_context *context;
    int answer; /* the canceller's until the context is done */
};

static void open_request(struct ckf_stress_run *run, void *state)
{
    (void)run;
    if (ckf_context_create(&((struct request *)state)->context, NULL, CKF_FOREVER) != CKF_OK)
        abort();
}

static void close_request(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_context_release(((struct request *)state)->context);
}

static void canceller(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct request *request = state;
    request->answer = 1;
    ckf_context_cancel(request->context, 0);
}

static void reader_of_answers(struct ckf_stress_run *run, void *state)
{
    struct request *request = state;
    if (ckf_context_status(request->context) == CKF_CANCELED && request->answer != 1)
        ckf_stress_outcome(run, "no answer");
}

CKF_STRESS_CASE(cancelled_request) = {
    .id = "cancelled-request",
    .collection = "example",
    .title = "who sees that a context is done sees what came before",
    .operations = {[CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct request),
    .setup = open_request,
    .actors = {{.name = "canceller", .body = canceller, .copies = 1},
               {.name = "reader", .body = reader_of_answers, .copies = 1}},
    .teardown = close_request,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "the answer was there"}},
};

/* --- executions that are cut off leave descriptors open --- */

struct polled {
    int fd;
    _Atomic(int) words[2];
};

static void open_descriptor(struct ckf_stress_run *run, void *state)
{
    struct polled *polled = state;
    polled->fd = eventfd(0, EFD_NONBLOCK);
    if (polled->fd < 0 || polled->fd > 100)
        ckf_stress_outcome(run, "left open");
}

static void close_descriptor(struct ckf_stress_run *run, void *state)
{
    (void)run;
    close(((struct polled *)state)->fd);
}

static void meddler(struct ckf_stress_run *run, void *state)
{
    struct polled *polled = state;
    for (unsigned i = 0; i < 4; i++)
        atomic_fetch_add(&polled->words[(ckf_stress_copy(run) + i) % 2], 1);
}

CKF_STRESS_CASE(open_descriptors) = {
    .id = "open-descriptors",
    .collection = "example",
    .title = "every execution opens a descriptor",
    .operations = {[CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct polled),
    .setup = open_descriptor,
    .actors = {{.name = "meddler", .body = meddler, .copies = 2}},
    .teardown = close_descriptor,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "there was room for it"}},
};

/* --- a descriptor is told to another thread with, or without, what it was opened by --- */

struct told {
    _Atomic(int) fd_plus_one;
};

static void opener(struct ckf_stress_run *run, void *state)
{
    struct told *told = state;
    atomic_store_explicit(&told->fd_plus_one, eventfd(0, EFD_NONBLOCK) + 1,
                          ckf_stress_operations(run) == &load_store ? memory_order_relaxed
                                                                    : memory_order_release);
}

static void looker(struct ckf_stress_run *run, void *state)
{
    struct told *told = state;
    (void)run;
    struct pollfd polled = {.fd = atomic_load(&told->fd_plus_one) - 1, .events = POLLIN};
    if (polled.fd >= 0)
        poll(&polled, 1, 0);
}

static void close_told(struct ckf_stress_run *run, void *state)
{
    (void)run;
    close(((struct told *)state)->fd_plus_one - 1);
}

CKF_STRESS_CASE(told_descriptor) = {
    .id = "told-descriptor",
    .collection = "example",
    .title = "a descriptor is told to another thread",
    .operations = {[CKF_STRESS_RACY] = &load_store, [CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct told),
    .actors = {{.name = "opener", .body = opener, .copies = 1},
               {.name = "looker", .body = looker, .copies = 1}},
    .teardown = close_told,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "it was told"}},
};

/* --- Bodies that do what programs outside do --- */

#define LONE_ACTOR(case_name, id_text, actor)                                                      \
    CKF_STRESS_CASE(case_name) = {                                                                 \
        .id = id_text,                                                                             \
        .collection = "example",                                                                   \
        .title = "an actor of its own",                                                            \
        .operations = {[CKF_STRESS_ATOMIC] = &atomic},                                             \
        .state_size = sizeof(void *),                                                              \
        .actors = {{.name = "actor", .body = actor, .copies = 1}},                                 \
        .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "nothing was wrong"}},                          \
    }

static void call_exit(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    exit(0);
}
LONE_ACTOR(exits, "calls-exit", call_exit);

static void call_exit_at_once(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    _exit(0);
}
LONE_ACTOR(exits_at_once, "calls-exit-at-once", call_exit_at_once);

static void raise_signal(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    raise(SIGUSR1);
}
LONE_ACTOR(raises, "raises-a-signal", raise_signal);

/* Arrays grow by realloc, and the end of them that is copied has not been written yet. */
static void grow_arrays(struct ckf_stress_run *run, void *state)
{
    (void)state;
    volatile size_t all = 64;
    char *array = malloc(all), *copy = malloc(all);
    if (array == NULL || copy == NULL)
        abort();
    array[0] = copy[0] = 1;
    array = realloc(array, 2 * all);
    memcpy(copy, array, all);
    if (array[0] != 1 || copy[0] != 1)
        ckf_stress_outcome(run, "lost");
    free(array);
    free(copy);
}
LONE_ACTOR(grows, "grows-arrays", grow_arrays);

/* What the C library has allocated is its own, also when it grows. */
static void grow_text(struct ckf_stress_run *run, void *state)
{
    (void)state;
    char *text = realloc(strdup("text"), 100);
    if (text == NULL || strcmp(text, "text") != 0)
        ckf_stress_outcome(run, "lost");
    free(text);
}
LONE_ACTOR(grows_text, "grows-text-of-the-library", grow_text);

static void set_register_beyond(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_result(run, 8, 1);
}
LONE_ACTOR(sets_beyond, "sets-a-register-too-many", set_register_beyond);

static void count_copies(struct ckf_stress_run *run, void *state)
{
    (void)state;
    if (ckf_stress_copies(run, 0) != 1 || ckf_stress_copies(run, 1) != 0 ||
        ckf_stress_copies(run, 1000) != 0)
        ckf_stress_outcome(run, "miscounted");
}
LONE_ACTOR(counts_copies, "counts-copies", count_copies);

static void say_two_lines(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, "two\nlines with a \\");
}
LONE_ACTOR(two_lines, "says-two-lines", say_two_lines);

static void say_much(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(
        run, "this is an outcome of so many words that none of the tables and files in which it is "
             "kept has room for all of them, which is no reason to take it for another one when it "
             "comes again, as it does in every execution of this case");
}
LONE_ACTOR(much, "says-much", say_much);
