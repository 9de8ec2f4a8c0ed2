/* tests/package/stress_user.c - cases of a program outside: built against the installed packages
 * alone, for each of the runtimes. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <ck_filter/ck_filter.h>
#include <ck_filter/stress.h>

/* Counting with plain C: the racy twin loads and stores. */

struct counter {
    pthread_mutex_t lock;
    _Atomic(int) hits;
};
struct counting {
    void (*hit)(struct counter *counter);
};

static void hit_racily(struct counter *counter)
{
    int hits = atomic_load_explicit(&counter->hits, memory_order_relaxed);
    ckf_stress_pause(NULL);
    atomic_store_explicit(&counter->hits, hits + 1, memory_order_relaxed);
}

static void hit_under_lock(struct counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    hit_racily(counter);
    pthread_mutex_unlock(&counter->lock);
}

static void hit_at_once(struct counter *counter)
{
    atomic_fetch_add_explicit(&counter->hits, 1, memory_order_relaxed);
}

static const struct counting racy = {hit_racily}, locked = {hit_under_lock}, atomic = {hit_at_once};

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

CKF_STRESS_CASE(user_hits) = {
    .id = "user-hits",
    .collection = "user",
    .title = "threads count on one word",
    .operations =
        {[CKF_STRESS_RACY] = &racy, [CKF_STRESS_MUTEX] = &locked, [CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct counter),
    .actors = {{.name = "hitter", .body = hitter, .copies = 2}},
    .arbiter = count,
    .rounds = 100,
    .explore_rounds = 2,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every hit was counted"},
                 {"lost", CKF_STRESS_FORBIDDEN, "a hit vanished"}},
};

/* The library in the middle: a channel hands over what its receiver reads as plain memory. */

struct hand_over {
    struct ckf_channel *channel;
    int value;
};
static const enum ckf_variant mutex_variant = CKF_VARIANT_MUTEX,
                              atomic_variant = CKF_VARIANT_ATOMIC;

static void open_channel(struct ckf_stress_run *run, void *state)
{
    struct hand_over *over = state;
    const enum ckf_variant *variant = ckf_stress_operations(run);
    struct ckf_channel_options options = {
        .variant = *variant, .capacity = 1, .elem_size = sizeof(int *)};
    if (ckf_channel_create(&over->channel, &options) != CKF_OK)
        ckf_stress_outcome(run, "no channel");
}

static void give(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct hand_over *over = state;
    int *value = &over->value;
    *value = 7;
    if (ckf_channel_send(over->channel, &value) == CKF_OK)
        ckf_channel_close(over->channel);
}

static void take(struct ckf_stress_run *run, void *state)
{
    struct hand_over *over = state;
    int *value;
    if (ckf_channel_recv(over->channel, &value) == CKF_OK)
        ckf_stress_result(run, 0, *value);
}

static void close_channel(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct hand_over *over = state;
    ckf_channel_destroy(over->channel);
}

CKF_STRESS_CASE(user_channel) = {
    .id = "user-channel",
    .collection = "user",
    .title = "a channel hands a pointer over",
    .operations = {[CKF_STRESS_MUTEX] = &mutex_variant, [CKF_STRESS_ATOMIC] = &atomic_variant},
    .state_size = sizeof(struct hand_over),
    .setup = open_channel,
    .actors = {{.name = "giver", .body = give, .copies = 1},
               {.name = "taker", .body = take, .copies = 1}},
    .teardown = close_channel,
    .outcomes = {{"7", CKF_STRESS_ACCEPTABLE, "what was written arrived"}},
};

/* Outcomes are texts of the program's choice. */

static void say_two_lines(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, "two\nlines");
}
static const int exists = 1;

CKF_STRESS_CASE(user_text) = {
    .id = "user-text",
    .collection = "user",
    .title = "an outcome with an end of a line in it",
    .operations = {[CKF_STRESS_RACY] = &exists},
    .actors = {{.name = "speaker", .body = say_two_lines, .copies = 1}},
    .outcomes = {{"two\nlines", CKF_STRESS_FORBIDDEN, "it was said"}},
};

/* What the explore engine cannot follow, and must say so. */

struct gate {
    sem_t semaphore;
};

static void make_gate(struct ckf_stress_run *run, void *state)
{
    (void)run;
    sem_init(&((struct gate *)state)->semaphore, 0, 0);
}

static void open_gate(struct ckf_stress_run *run, void *state)
{
    (void)run;
    sem_post(&((struct gate *)state)->semaphore);
}

static void pass_gate(struct ckf_stress_run *run, void *state)
{
    (void)run;
    sem_wait(&((struct gate *)state)->semaphore);
}

CKF_STRESS_CASE(user_semaphore) = {
    .id = "user-semaphore",
    .collection = "user",
    .title = "a semaphore, which not every engine models",
    .operations = {[CKF_STRESS_ATOMIC] = &exists},
    .state_size = sizeof(struct gate),
    .setup = make_gate,
    .actors = {{.name = "opener", .body = open_gate, .copies = 1},
               {.name = "passer", .body = pass_gate, .copies = 1}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "the gate opened"}},
};
