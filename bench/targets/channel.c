/* channel.c - channels against what a program would pick instead, and what is to come out.
 *
 * Everything is fixed work, timed from the first start to the last end. Costs are two orders of
 * magnitude apart, so each contestant moves as much as fills its time.
 */
#include <ck_filter/select.h>

#include <malloc.h>

#include "cases/channel_cases.h"
#include "cases/channel_ours.h"
#include "peers/channel_peer.h"
#include "peers/peers.h"
#include "targets/tables.h"

/* Ours, with the roles that only these tables have. */

static void *create_promised(size_t capacity)
{
    return our_create(capacity, sizeof(uint64_t), CKF_VARIANT_ATOMIC,
                      CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER);
}

static void *create_wide_atomic(size_t capacity)
{
    return our_create(capacity, sizeof(struct channel_wide), CKF_VARIANT_ATOMIC, 0);
}

static void *create_wide_mutex(size_t capacity)
{
    return our_create(capacity, sizeof(struct channel_wide), CKF_VARIANT_MUTEX, 0);
}

static bool push_wide(void *channel, const struct channel_wide *value)
{
    return ckf_channel_send(channel, value) == CKF_OK;
}

static bool pop_wide(void *channel, struct channel_wide *value)
{
    return ckf_channel_recv(channel, value) == CKF_OK;
}

CHANNEL_PEER_BODIES(narrow_bodies, our_send, our_recv, our_close);

static void producer_wide(struct bench_run *run, void *state)
{
    channel_producer_wide(run, state, push_wide, our_close);
}

static void consumer_wide(struct bench_run *run, void *state)
{
    channel_consumer_wide(run, state, pop_wide);
}

static void spread(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    struct channel_tally sent = {0};
    for (size_t i = 0, share = bench_share(run); i < share; i++) {
        if (!our_send(state->fan[i % CHANNEL_FAN], i))
            channel_refused(run);
        channel_count(&sent, i);
    }
    state->sent[0] = sent;
}

static void select_from_fan(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    struct channel_tally received = {0};
    struct ckf_select_case cases[CHANNEL_FAN];
    uint64_t value = 0;
    for (unsigned i = 0; i < CHANNEL_FAN; i++)
        cases[i] = (struct ckf_select_case){
            .channel = state->fan[i], .direction = CKF_RECV, .elem = &value};
    for (size_t i = 0, share = bench_share(run); i < share; i++) {
        size_t chosen;
        if (ckf_select(cases, CHANNEL_FAN, &chosen, CKF_FOREVER, NULL) != CKF_OK)
            channel_refused(run);
        channel_count(&received, value);
    }
    state->received[0] = received;
}

static const bench_body more_bodies[CHANNEL_ROLES] = {[CHANNEL_PRODUCER_WIDE] = producer_wide,
                                                      [CHANNEL_CONSUMER_WIDE] = consumer_wide,
                                                      [CHANNEL_SPREAD] = spread,
                                                      [CHANNEL_SELECT] = select_from_fan};

static const struct channel_face atomic_face = {.create = our_create_atomic,
                                                .destroy = our_destroy};
static const struct channel_face mutex_face = {.create = our_create_mutex, .destroy = our_destroy};
static const struct channel_face promised_face = {.create = create_promised,
                                                  .destroy = our_destroy};
static const struct channel_face wide_atomic_face = {.create = create_wide_atomic,
                                                     .destroy = our_destroy};
static const struct channel_face wide_mutex_face = {.create = create_wide_mutex,
                                                    .destroy = our_destroy};

#define ATOMIC .name = "atomic", .label = "ck_filter, atomic"
#define MUTEX  .name = "mutex", .label = "ck_filter, mutex", .sleeps = true

static const struct bench_contestant atomic = {ATOMIC, .bodies = narrow_bodies,
                                               .face = &atomic_face};
static const struct bench_contestant mutex = {MUTEX, .bodies = narrow_bodies, .face = &mutex_face};
static const struct bench_contestant promised = {
    ATOMIC, .note = "SINGLE_PRODUCER and SINGLE_CONSUMER promised", .bodies = narrow_bodies,
    .face = &promised_face};
static const struct bench_contestant general = {.name = "atomic-general",
                                                .label = "ck_filter, atomic, nothing promised",
                                                .bodies = narrow_bodies,
                                                .face = &atomic_face};
static const struct bench_contestant wide_atomic = {ATOMIC, .bodies = more_bodies,
                                                    .face = &wide_atomic_face};
static const struct bench_contestant wide_mutex = {MUTEX, .bodies = more_bodies,
                                                   .face = &wide_mutex_face};
static const struct bench_contestant select_atomic = {ATOMIC, .bodies = more_bodies,
                                                      .face = &atomic_face};
static const struct bench_contestant select_mutex = {MUTEX, .bodies = more_bodies,
                                                     .face = &mutex_face};

/* Contestants of the "many" row: the same channel with calls that move one, as producers and
 * consumers of 32. */
static void single_producer(struct bench_run *run, void *state)
{
    channel_producer(run, state, our_send, our_close);
}

static void single_consumer(struct bench_run *run, void *state)
{
    channel_consumer(run, state, our_recv);
}

static const bench_body single_bodies[CHANNEL_ROLES] = {
    [CHANNEL_PRODUCER_MANY] = single_producer, [CHANNEL_CONSUMER_MANY] = single_consumer};
static const struct bench_contestant single = {.name = "atomic-single",
                                               .label = "ck_filter, atomic, an element a call",
                                               .bodies = single_bodies,
                                               .face = &atomic_face};

/* Programs in other languages; in their own processes. */

#define PROGRAM(variable, name_, program_, label_, note_)                                          \
    static const struct bench_contestant variable = {.name = name_,                                \
                                                     .program = program_,                          \
                                                     .label = label_,                              \
                                                     .note = "in its own process; " note_,         \
                                                     .sleeps = true}

PROGRAM(crossbeam, "crossbeam", "peers-rust", "Rust, crossbeam-channel", "threads");
PROGRAM(go_channel, "go", "peers-go", "Go, chan", "goroutines instead of threads");
PROGRAM(java_array, "java-array", "peers-java", "Java, ArrayBlockingQueue",
        "boxed values, cannot be closed");
PROGRAM(java_transfer, "java-transfer", "peers-java", "Java, LinkedTransferQueue",
        "unbounded, boxed values, cannot be closed");
PROGRAM(java_synchronous, "java-synchronous", "peers-java", "Java, SynchronousQueue",
        "boxed values, cannot be closed");

/* The state. */

static void setup_fan(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    const struct channel_face *face = bench_face(run);
    *state = (struct channel_state){0};
    for (unsigned i = 0; i < CHANNEL_FAN; i++) {
        state->fan[i] = face->create(bench_workload(run)->parameter);
        if (state->fan[i] == NULL)
            bench_fail(run, "a channel could not be created");
    }
}

static void teardown_fan(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    const struct channel_face *face = bench_face(run);
    for (unsigned i = 0; i < CHANNEL_FAN; i++)
        if (state->fan[i] != NULL)
            face->destroy(state->fan[i]);
}

static void setup_two_ways(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    const struct channel_face *face = bench_face(run);
    channel_setup(run, state);
    if (state->answers == NULL)
        state->answers = face->create(bench_workload(run)->parameter);
    if (state->answers == NULL)
        bench_fail(run, "the channel back could not be created");
}

static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* What one channel of the capacity takes from malloc. */
static double bytes_of(struct bench_run *run, size_t capacity)
{
    enum { COUNT = 64 };
    const struct channel_face *face = bench_face(run);
    void *channels[COUNT];
    size_t before = bytes_in_use();
    for (unsigned i = 0; i < COUNT; i++) {
        channels[i] = face->create(capacity);
        if (channels[i] == NULL)
            bench_fail(run, "a channel could not be created");
    }
    double bytes = (double)(bytes_in_use() - before) / COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        if (channels[i] != NULL)
            face->destroy(channels[i]);
    return bytes;
}

static void setup_footprint(struct bench_run *run, void *state)
{
    (void)state;
    bench_value(run, bytes_of(run, 2));
}

static void setup_element_footprint(struct bench_run *run, void *state)
{
    (void)state;
    enum { SMALL = 64, LARGE = 4096 };
    bench_value(run, (bytes_of(run, LARGE) - bytes_of(run, SMALL)) / (LARGE - SMALL));
}

static void nothing(struct bench_run *run, void *state)
{
    (void)run;
    (void)state;
}

/* Programs say what they received; senders' values are known. */
static void verify_printed(struct bench_run *run, const struct bench_printed *printed)
{
    const struct bench_workload *workload = bench_workload(run);
    uint64_t work = bench_work(run), count = 0, sum = 0, squares = 0;
    unsigned senders = workload->actors[0].copies;
    for (unsigned sender = 0; sender < senders; sender++) {
        uint64_t share = work / senders + (sender < work % senders);
        uint64_t value = (uint64_t)sender << CHANNEL_SENDER_SHIFT;
        for (uint64_t i = 0; i < share; i++, value++) {
            count++;
            sum += value;
            squares += value * value;
        }
    }
    if (printed->count != count || printed->sum != sum || printed->squares != squares)
        bench_fail(run, "the values received are not those sent");
    if (printed->disorder != 0)
        bench_fail(run, "%llu values came out of order", (unsigned long long)printed->disorder);
}

/* The workloads. */

static const struct bench_contestant *const one_thread[] = {
    &atomic,      &mutex,          &peer_pthread_ring, &peer_rte_ring,
    &peer_vyukov, &peer_spsc_ring, &peer_tbb_queue,    &peer_boost_queue,
    &crossbeam,   &go_channel,     &java_array};
static const struct bench_contestant *const bounded[] = {
    &atomic,      &mutex,          &peer_pthread_ring, &peer_rte_ring,
    &peer_vyukov, &peer_tbb_queue, &peer_boost_queue,  &crossbeam,
    &go_channel,  &java_array};
static const struct bench_contestant *const unbounded[] = {
    &atomic,    &mutex,        &peer_moodycamel, &peer_moodycamel_blocking, &peer_wfcqueue_locked,
    &crossbeam, &java_transfer};
static const struct bench_contestant *const unbounded_one_consumer[] = {
    &atomic,        &mutex,     &peer_moodycamel, &peer_moodycamel_blocking,
    &peer_wfcqueue, &crossbeam, &java_transfer};
static const struct bench_contestant *const single_ends[] = {&promised, &general, &peer_spsc_ring,
                                                             &peer_ck_ring, &peer_rte_ring_single};
static const struct bench_contestant *const wide[] = {
    &wide_atomic,         &wide_mutex, &peer_moodycamel_wide,
    &peer_tbb_queue_wide, &crossbeam,  &go_channel};
static const struct bench_contestant *const there_and_back[] = {
    &atomic,         &mutex,     &peer_pthread_ring, &peer_vyukov, &peer_spsc_ring,
    &peer_tbb_queue, &crossbeam, &go_channel,        &java_array};
static const struct bench_contestant *const asleep[] = {
    &atomic, &mutex, &peer_futex_cell, &peer_pthread_ring, &peer_tbb_queue, &crossbeam};
static const struct bench_contestant *const rendezvous[] = {&atomic, &mutex, &crossbeam,
                                                            &go_channel, &java_synchronous};
static const struct bench_contestant *const select_contestants[] = {&select_atomic, &select_mutex,
                                                                    &crossbeam, &go_channel};
static const struct bench_contestant *const many[] = {&channel_atomic, &channel_mutex, &single};
static const struct bench_contestant *const sleepers[] = {
    &atomic, &mutex, &peer_pthread_ring, &peer_tbb_queue, &peer_moodycamel_blocking, &crossbeam};
static const struct bench_contestant *const pinned[] = {
    &atomic, &mutex, &peer_pthread_ring, &peer_vyukov, &peer_tbb_queue, &crossbeam, &go_channel};
/* oneTBB has an allocator of its own. */
static const struct bench_contestant *const footprints[] = {
    &atomic,         &mutex,         &peer_pthread_ring, &peer_vyukov,
    &peer_spsc_ring, &peer_rte_ring, &peer_boost_queue};

#define COMMON                                                                                     \
    .collection = "channel", .state_size = sizeof(struct channel_state), .kind = BENCH_FIXED_WORK, \
    .waits = true

#define MOVES                                                                                      \
    COMMON, .setup = channel_setup, .verify = channel_verify, .teardown = channel_teardown,        \
            .verify_printed = verify_printed, .own_work = true

#define FLOW(id_, title_, capacity, producers, consumers, list)                                    \
    {                                                                                              \
        MOVES, .id = "channel-" id_, .family = "producers and consumers, to the close",            \
               .title = title_, .unit = "ns/message", .script = "flow", .parameter = capacity,     \
               .actors = {{CHANNEL_PRODUCER, producers}, {CHANNEL_CONSUMER, consumers}},           \
               CONTESTANTS(list)                                                                   \
    }

#define FLOWS(name, title, capacity, one_consumer, list)                                           \
    FLOW("1p1c-" name, "1P1C, " title, capacity, 1, 1, one_consumer),                              \
        FLOW("2p2c-" name, "2P2C, " title, capacity, 2, 2, list),                                  \
        FLOW("4p4c-" name, "4P4C, " title, capacity, 4, 4, list),                                  \
        FLOW("8p1c-" name, "8P1C, " title, capacity, 8, 1, one_consumer),                          \
        FLOW("1p8c-" name, "1P8C, " title, capacity, 1, 8, list)

#define WIDE(id_, title_, producers, consumers)                                                    \
    {                                                                                              \
        MOVES, .id = "channel-wide-" id_, .family = "elements of 64 bytes, to the close",          \
               .title = title_, .unit = "ns/message", .script = "wide", .parameter = 1024,         \
               .actors = {{CHANNEL_PRODUCER_WIDE, producers}, {CHANNEL_CONSUMER_WIDE, consumers}}, \
               CONTESTANTS(wide)                                                                   \
    }

#define FOOTPRINT(id_, title_, unit_, setup_)                                                      \
    {                                                                                              \
        COMMON, .id = "channel-memory-" id_, .family = "memory, elements of 8 bytes",              \
                .title = title_, .unit = unit_, .exact_work = 1, .setup = setup_,                  \
                .verify = nothing, .teardown = nothing, .actors = {{CHANNEL_MAKE, 1}},             \
                CONTESTANTS(footprints)                                                            \
    }

static const struct bench_workload workloads[] = {
    {MOVES, .id = "channel-pairs", .family = "send and receive by turns", .unit = "ns/pair",
     .title = "one thread, capacity 1024", .script = "pairs", .parameter = 1024,
     .actors = {{CHANNEL_PAIRS, 1}}, CONTESTANTS(one_thread)},
    FLOWS("64", "capacity 64", 64, bounded, bounded),
    FLOWS("1024", "capacity 1024", 1024, bounded, bounded),
    FLOWS("unbounded", "unbounded", CKF_UNBOUNDED, unbounded_one_consumer, unbounded),
    FLOW("promised", "1P1C promised, capacity 1024", 1024, 1, 1, single_ends),
    WIDE("1p1c", "1P1C, capacity 1024", 1, 1),
    WIDE("4p4c", "4P4C, capacity 1024", 4, 4),
    {MOVES, .id = "channel-ping-pong", .family = "one there, one back, two channels of capacity 1",
     .title = "awake", .unit = "ns/round trip", .script = "ping", .parameter = 1,
     .actors = {{CHANNEL_PING, 1}, {CHANNEL_PONG, 1}}, CONTESTANTS(there_and_back)},
    {COMMON, .id = "channel-ping-pong-asleep",
     .family = "one there, one back, two channels of capacity 1",
     .title = "each send finds the other asleep", .unit = "ns/round trip", .script = "ping-asleep",
     .parameter = 1, .exact_work = 60, .setup = setup_two_ways, .verify = channel_verify,
     .teardown = channel_teardown, .verify_printed = verify_printed,
     .actors = {{CHANNEL_PING_ASLEEP, 1}, {CHANNEL_PONG_ASLEEP, 1}}, CONTESTANTS(asleep)},
    FLOW("rendezvous", "rendezvous, 1P1C", 0, 1, 1, rendezvous),
    {COMMON, .id = "channel-select", .family = "select over 8 channels of capacity 64",
     .title = "1P1C", .unit = "ns/message", .script = "select", .parameter = 64, .setup = setup_fan,
     .verify = channel_verify, .teardown = teardown_fan, .verify_printed = verify_printed,
     .own_work = true, .actors = {{CHANNEL_SPREAD, 1}, {CHANNEL_SELECT, 1}},
     CONTESTANTS(select_contestants)},
    {MOVES, .id = "channel-many", .family = "32 a call, to the close",
     .title = "1P1C, capacity 1024", .unit = "ns/message", .parameter = 1024,
     .actors = {{CHANNEL_PRODUCER_MANY, 1}, {CHANNEL_CONSUMER_MANY, 1}}, CONTESTANTS(many)},
    {MOVES, .id = "channel-pinned", .family = "all threads on one CPU",
     .title = "4P4C, capacity 1024", .unit = "ns/message", .script = "flow", .parameter = 1024,
     .one_cpu = true, .actors = {{CHANNEL_PRODUCER, 4}, {CHANNEL_CONSUMER, 4}},
     CONTESTANTS(pinned)},
    {COMMON, .id = "channel-blocked", .family = "a receiver blocked for a second",
     .title = "its CPU time", .unit = "us", .script = "blocked", .parameter = 1, .exact_work = 1,
     .setup = channel_setup, .verify = channel_verify, .teardown = channel_teardown,
     .actors = {{CHANNEL_LATE, 1}, {CHANNEL_WAITER, 1}}, CONTESTANTS(sleepers)},
    FOOTPRINT("channel", "a channel of capacity 2", "bytes", setup_footprint),
    FOOTPRINT("element", "an element of capacity more", "bytes", setup_element_footprint),
};

/* What is to come out. */

#define BLOCKING                                                                                   \
    {                                                                                              \
        "crossbeam", "go", "pthread-ring"                                                          \
    }

#define VARIANTS(id, title_)                                                                       \
    {                                                                                              \
        .title = title_ ": against MUTEX", .workload = "channel-" id, .at_most = 0.5, .peers = {   \
            "mutex"                                                                                \
        }                                                                                          \
    }

#define BOUNDED(id, title_, vyukov)                                                                \
    {.title = title_, .workload = "channel-" id, .at_most = 0.4, .peers = BLOCKING},               \
        {.title = title_, .workload = "channel-" id, .at_most = vyukov, .peers = {"vyukov"}},      \
        VARIANTS(id, title_)

#define UNBOUNDED(id, title_)                                                                      \
    {.title = title_,                                                                              \
     .workload = "channel-" id "-unbounded",                                                       \
     .at_most = 0.6,                                                                               \
     .peers = {"crossbeam", "moodycamel", "wfcqueue"}},                                            \
        VARIANTS(id "-unbounded", title_)

static const struct bench_target targets[] = {
    {.title = "one thread, pair, capacity 1024",
     .workload = "channel-pairs",
     .at_most = 1.3,
     .peers = {"rte_ring"}},
    {.title = "one thread, pair, capacity 1024",
     .workload = "channel-pairs",
     .at_most = 0.5,
     .peers = {"crossbeam"}},
    BOUNDED("1p1c-64", "1P1C, 64", 1.3),
    BOUNDED("1p1c-1024", "1P1C, 1024", 1.3),
    BOUNDED("2p2c-1024", "2P2C, 1024", 1.5),
    BOUNDED("4p4c-1024", "4P4C, 1024", 1.5),
    BOUNDED("8p1c-1024", "8P1C, 1024", 1.5),
    BOUNDED("1p8c-1024", "1P8C, 1024", 1.5),
    VARIANTS("2p2c-64", "2P2C, 64"),
    VARIANTS("4p4c-64", "4P4C, 64"),
    VARIANTS("8p1c-64", "8P1C, 64"),
    VARIANTS("1p8c-64", "1P8C, 64"),
    UNBOUNDED("1p1c", "1P1C, unbounded"),
    UNBOUNDED("2p2c", "2P2C, unbounded"),
    UNBOUNDED("4p4c", "4P4C, unbounded"),
    UNBOUNDED("8p1c", "8P1C, unbounded"),
    UNBOUNDED("1p8c", "1P8C, unbounded"),
    {.title = "1P1C promised, 1024",
     .workload = "channel-promised",
     .at_most = 1.2,
     .peers = {"spsc-ring"}},
    {.title = "64-byte elements, 1P1C",
     .workload = "channel-wide-1p1c",
     .at_most = 0.6,
     .peers = {"crossbeam"}},
    VARIANTS("wide-1p1c", "64-byte elements, 1P1C"),
    {.title = "64-byte elements, 4P4C",
     .workload = "channel-wide-4p4c",
     .at_most = 0.6,
     .peers = {"crossbeam"}},
    VARIANTS("wide-4p4c", "64-byte elements, 4P4C"),
    {.title = "ping-pong, capacity 1, awake",
     .workload = "channel-ping-pong",
     .at_most = 1.0,
     .peers = {"crossbeam"}},
    VARIANTS("ping-pong", "ping-pong, capacity 1, awake"),
    {.title = "ping-pong, capacity 1, asleep",
     .workload = "channel-ping-pong-asleep",
     .at_most = 1.1,
     .peers = {"futex"}},
    {.title = "rendezvous, 1P1C",
     .workload = "channel-rendezvous",
     .at_most = 0.8,
     .peers = {"crossbeam"}},
    {.title = "rendezvous, 1P1C: the stretch",
     .workload = "channel-rendezvous",
     .at_most = 1.0,
     .peers = {"go"}},
    VARIANTS("rendezvous", "rendezvous, 1P1C"),
    {.title = "select over 8",
     .workload = "channel-select",
     .at_most = 0.8,
     .peers = {"crossbeam"}},
    VARIANTS("select", "select over 8"),
    {.title = "32 a call", .workload = "channel-many", .at_most = 0.4, .peers = {"atomic-single"}},
    VARIANTS("many", "32 a call"),
    {.title = "blocked for a second, CPU time",
     .workload = "channel-blocked",
     .at_most = 1.0,
     .peers = {"mutex"}},
    {.title = "pinned to one CPU, 4P4C",
     .workload = "channel-pinned",
     .at_most = 1.0,
     .peers = {"mutex"}},
};

const struct bench_suite channel_table = {workloads, sizeof(workloads) / sizeof(workloads[0]),
                                          targets, sizeof(targets) / sizeof(targets[0])};
