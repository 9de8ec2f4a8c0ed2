/* bench_channel.c - what a message costs.
 *
 * Per operation: each thread sends one value and receives one, on one channel, so that every call
 * finds room and a value: the cost of the calls themselves. Fixed work: producers and consumers
 * move a number of messages and the last producer closes; the time runs until the last consumer has
 * seen the close.
 */
#include "cases/channel_cases.h"
#include "cases/channel_ours.h"
#include "cases/suites.h"
#include "peers/peers.h"

static bool try_send(void *channel, uint64_t value)
{
    return ckf_channel_try_send(channel, &value) == CKF_OK;
}

static bool try_recv(void *channel, uint64_t *value)
{
    return ckf_channel_try_recv(channel, value) == CKF_OK;
}

static size_t send_many(void *channel, const uint64_t *values, size_t count)
{
    size_t done = 0;
    return ckf_channel_send_many(channel, values, count, &done, CKF_FOREVER, NULL) == CKF_OK ? done
                                                                                             : 0;
}

static size_t recv_many(void *channel, uint64_t *values, size_t count)
{
    size_t done = 0;
    return ckf_channel_recv_many(channel, values, count, &done, CKF_FOREVER, NULL) == CKF_OK ? done
                                                                                             : 0;
}

#define CKF_FACE(maker)                                                                            \
    {                                                                                              \
        .create = maker, .destroy = our_destroy, .send = our_send, .recv = our_recv,               \
        .try_send = try_send, .try_recv = try_recv, .send_many = send_many,                        \
        .recv_many = recv_many, .close = our_close                                                 \
    }

/* Both variants are reached through the same calls, so they share the bodies. */
static const struct channel_face atomic_face = CKF_FACE(our_create_atomic);
static const struct channel_face mutex_face = CKF_FACE(our_create_mutex);
CHANNEL_BODIES(ckf, atomic_face);

const struct bench_contestant channel_atomic = {
    .name = "atomic", .label = "ck_filter, atomic", .bodies = ckf_bodies, .face = &atomic_face};
const struct bench_contestant channel_mutex = {.name = "mutex",
                                               .label = "ck_filter, mutex",
                                               .bodies = ckf_bodies,
                                               .face = &mutex_face,
                                               .sleeps = true};

/* The state. */

void channel_setup(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    const struct channel_face *face = bench_face(run);
    const struct bench_workload *workload = bench_workload(run);
    *state = (struct channel_state){.channel = face->create(workload->parameter)};
    bool two_way = workload->actors[0].role == CHANNEL_PING;
    if (two_way)
        state->answers = face->create(workload->parameter);
    if (state->channel == NULL || (two_way && state->answers == NULL))
        bench_fail(run, "the channel could not be created");
    state->senders_left = bench_copies(run, 0);
}

void channel_teardown(struct bench_run *run, void *argument)
{
    struct channel_state *state = argument;
    const struct channel_face *face = bench_face(run);
    face->destroy(state->channel);
    if (state->answers != NULL)
        face->destroy(state->answers);
}

static struct channel_tally total(const struct channel_tally *tallies)
{
    struct channel_tally sum = {0};
    for (unsigned i = 0; i < BENCH_MAX_THREADS; i++) {
        sum.count += tallies[i].count;
        sum.sum += tallies[i].sum;
        sum.squares += tallies[i].squares;
        sum.disorder += tallies[i].disorder;
    }
    return sum;
}

void channel_verify(struct bench_run *run, void *argument)
{
    const struct channel_state *state = argument;
    struct channel_tally sent = total(state->sent), received = total(state->received);
    uint64_t due = sent.count;
    if (bench_workload(run)->kind == BENCH_FIXED_WORK)
        due = bench_work(run);
    else if (bench_workload(run)->actors[0].role != CHANNEL_TRY_EMPTY)
        due = bench_iterations(run);
    if (sent.count != due || received.count != due)
        bench_fail(run, "%llu values were due, %llu were sent and %llu received",
                   (unsigned long long)due, (unsigned long long)sent.count,
                   (unsigned long long)received.count);
    if (sent.sum != received.sum || sent.squares != received.squares)
        bench_fail(run, "the values received are not those sent");
    if (received.disorder != 0)
        bench_fail(run, "%llu values came out of order", (unsigned long long)received.disorder);
}

/* The workloads. */

#define CONTESTANTS(list) .contestants = list, .contestant_count = sizeof(list) / sizeof(list[0])

static const struct bench_contestant *const bounded[] = {&channel_atomic, &channel_mutex,
                                                         &peer_pthread_ring, &peer_pipe};
static const struct bench_contestant *const bounded_1p1c[] = {
    &channel_atomic, &channel_mutex, &peer_pthread_ring, &peer_pipe, &peer_ck_ring};
static const struct bench_contestant *const bounded_any[] = {&channel_atomic, &channel_mutex,
                                                             &peer_pthread_ring};
static const struct bench_contestant *const ours[] = {&channel_atomic, &channel_mutex};
static const struct bench_contestant *const unbounded_1p1c[] = {&channel_atomic, &channel_mutex,
                                                                &peer_wfcqueue};

#define COMMON                                                                                     \
    .collection = "channel", .state_size = sizeof(struct channel_state), .setup = channel_setup,   \
    .verify = channel_verify, .teardown = channel_teardown

#define PAIR(id_, title_, capacity, threads, contestants_)                                         \
    {                                                                                              \
        COMMON, .id = "channel-pair-" id_, .family = "send and receive by each thread",            \
                .title = title_, .unit = "ns/pair", .kind = BENCH_PER_OP, .waits = (threads) > 1,  \
                .parameter = capacity, .actors = {{CHANNEL_PAIR, threads}},                        \
                CONTESTANTS(contestants_)                                                          \
    }

#define TRY(id_, title_, role, unit_, threads)                                                     \
    {                                                                                              \
        COMMON, .id = "channel-try-" id_, .family = "calls that never wait, capacity 1024",        \
                .title = title_, .unit = unit_, .kind = BENCH_PER_OP, .parameter = 1024,           \
                .actors = {{role, threads}}, CONTESTANTS(ours)                                     \
    }

#define FLOW(id_, title_, capacity, producers, consumers, contestants_)                            \
    {                                                                                              \
        COMMON, .id = "channel-" id_, .family = "producers and consumers, to the close",           \
                .title = title_, .unit = "ns/message", .kind = BENCH_FIXED_WORK, .waits = true,    \
                .parameter = capacity,                                                             \
                .actors = {{CHANNEL_PRODUCER, producers}, {CHANNEL_CONSUMER, consumers}},          \
                CONTESTANTS(contestants_)                                                          \
    }

#define FLOWS(name, title, capacity, contestants_1p1c, contestants_)                               \
    FLOW("1p1c-" name, "1P1C, " title, capacity, 1, 1, contestants_1p1c),                          \
        FLOW("2p2c-" name, "2P2C, " title, capacity, 2, 2, contestants_),                          \
        FLOW("4p4c-" name, "4P4C, " title, capacity, 4, 4, contestants_),                          \
        FLOW("8p1c-" name, "8P1C, " title, capacity, 8, 1, contestants_),                          \
        FLOW("1p8c-" name, "1P8C, " title, capacity, 1, 8, contestants_)

static const struct bench_workload workloads[] = {
    PAIR("1-1t", "capacity 1, 1 thread", 1, 1, bounded_any),
    PAIR("64-1t", "capacity 64, 1 thread", 64, 1, bounded_any),
    PAIR("1024-1t", "capacity 1024, 1 thread", 1024, 1, bounded),
    PAIR("1024-2t", "capacity 1024, 2 threads", 1024, 2, bounded),
    PAIR("1024-4t", "capacity 1024, 4 threads", 1024, 4, bounded),
    PAIR("unbounded-1t", "unbounded, 1 thread", CKF_UNBOUNDED, 1, ours),
    PAIR("unbounded-2t", "unbounded, 2 threads", CKF_UNBOUNDED, 2, ours),
    PAIR("unbounded-4t", "unbounded, 4 threads", CKF_UNBOUNDED, 4, ours),
    TRY("pair-1t", "try_send and try_recv, 1 thread", CHANNEL_TRY_PAIR, "ns/pair", 1),
    TRY("pair-2t", "try_send and try_recv, 2 threads", CHANNEL_TRY_PAIR, "ns/pair", 2),
    TRY("pair-4t", "try_send and try_recv, 4 threads", CHANNEL_TRY_PAIR, "ns/pair", 4),
    TRY("empty-1t", "try_recv, nothing there, 1 thread", CHANNEL_TRY_EMPTY, "ns/call", 1),
    TRY("empty-2t", "try_recv, nothing there, 2 threads", CHANNEL_TRY_EMPTY, "ns/call", 2),
    FLOWS("64", "capacity 64", 64, bounded_1p1c, bounded_any),
    FLOWS("1024", "capacity 1024", 1024, bounded_1p1c, bounded),
    FLOWS("unbounded", "unbounded", CKF_UNBOUNDED, unbounded_1p1c, ours),
    {COMMON, .id = "channel-many-1p1c", .family = "32 at a time, to the close",
     .title = "1P1C, capacity 1024", .unit = "ns/message", .kind = BENCH_FIXED_WORK, .waits = true,
     .parameter = 1024, .actors = {{CHANNEL_PRODUCER_MANY, 1}, {CHANNEL_CONSUMER_MANY, 1}},
     CONTESTANTS(ours)},
    {COMMON, .id = "channel-many-2p2c", .family = "32 at a time, to the close",
     .title = "2P2C, capacity 1024", .unit = "ns/message", .kind = BENCH_FIXED_WORK, .waits = true,
     .parameter = 1024, .actors = {{CHANNEL_PRODUCER_MANY, 2}, {CHANNEL_CONSUMER_MANY, 2}},
     CONTESTANTS(ours)},
    {COMMON, .id = "channel-ping-pong", .family = "one message there, one back",
     .title = "two channels of capacity 1", .unit = "ns/round trip", .kind = BENCH_FIXED_WORK,
     .waits = true, .parameter = 1, .actors = {{CHANNEL_PING, 1}, {CHANNEL_PONG, 1}},
     CONTESTANTS(bounded_any)},
    {COMMON, .id = "channel-rendezvous-1p1c", .family = "rendezvous, to the close", .title = "1P1C",
     .unit = "ns/message", .kind = BENCH_FIXED_WORK, .waits = true, .parameter = 0,
     .actors = {{CHANNEL_PRODUCER, 1}, {CHANNEL_CONSUMER, 1}}, CONTESTANTS(ours)},
    {COMMON, .id = "channel-rendezvous-4p4c", .family = "rendezvous, to the close", .title = "4P4C",
     .unit = "ns/message", .kind = BENCH_FIXED_WORK, .waits = true, .parameter = 0,
     .actors = {{CHANNEL_PRODUCER, 4}, {CHANNEL_CONSUMER, 4}}, CONTESTANTS(ours)},
};

const struct bench_suite channel_suite = {workloads, sizeof(workloads) / sizeof(workloads[0])};
