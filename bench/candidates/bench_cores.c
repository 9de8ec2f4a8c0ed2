/* bench_cores.c - the bake-offs. Here: what channels are made of beside what they could have been made of;
 * bench_map_cores.c does the same for counter maps.
 *
 * `atomic` is the whole channel, with all that its calls do beside moving an element; the candidates
 * are cores alone (see candidates/). Vyukov's queue, which is not lock-free, is the measure of both.
 */
#include "candidates/candidates.h"
#include "candidates/suites.h"
#include "cases/channel_cases.h"
#include "harness/contents.h"
#include "peers/peers.h"

#include <ck_filter/channel.h>

static const struct bench_contestant *const bounded[] = {
    &channel_atomic, &candidate_cells, &candidate_tickets, &candidate_indices, &peer_vyukov};
static const struct bench_contestant *const unbounded[] = {&channel_atomic, &candidate_nodes,
                                                           &candidate_arrays};

#define CONTESTANTS(list) .contestants = list, .contestant_count = sizeof(list) / sizeof(list[0])

#define COMMON                                                                                     \
    .collection = "core", .state_size = sizeof(struct channel_state), .setup = channel_setup,      \
    .verify = channel_verify, .teardown = channel_teardown

#define PAIR(id_, title_, capacity, threads, list)                                                 \
    {                                                                                              \
        COMMON, .id = "core-pair-" id_, .family = "cores: send and receive by each thread",        \
                .title = title_, .unit = "ns/pair", .kind = BENCH_PER_OP, .waits = (threads) > 1,  \
                .parameter = capacity, .actors = {{CHANNEL_PAIR, threads}}, CONTESTANTS(list)      \
    }

#define FLOW(id_, title_, capacity, producers, consumers, list)                                    \
    {                                                                                              \
        COMMON, .id = "core-" id_, .family = "cores: producers and consumers, to the close",       \
                .title = title_, .unit = "ns/message", .kind = BENCH_FIXED_WORK, .waits = true,    \
                .parameter = capacity,                                                             \
                .actors = {{CHANNEL_PRODUCER, producers}, {CHANNEL_CONSUMER, consumers}},          \
                CONTESTANTS(list)                                                                  \
    }

#define SHAPES(name, title, capacity, list)                                                        \
    PAIR(name "-1t", title ", 1 thread", capacity, 1, list),                                       \
        PAIR(name "-4t", title ", 4 threads", capacity, 4, list),                                  \
        FLOW("1p1c-" name, "1P1C, " title, capacity, 1, 1, list),                                  \
        FLOW("2p2c-" name, "2P2C, " title, capacity, 2, 2, list),                                  \
        FLOW("4p4c-" name, "4P4C, " title, capacity, 4, 4, list),                                  \
        FLOW("8p1c-" name, "8P1C, " title, capacity, 8, 1, list),                                  \
        FLOW("1p8c-" name, "1P8C, " title, capacity, 1, 8, list)

static const struct bench_workload workloads[] = {
    SHAPES("64", "capacity 64", 64, bounded),
    SHAPES("1024", "capacity 1024", 1024, bounded),
    SHAPES("unbounded", "unbounded", CKF_UNBOUNDED, unbounded),
};

static const struct bench_suite suite = {workloads, sizeof(workloads) / sizeof(workloads[0])};
static const struct bench_suite *const suites[] = {&suite, &map_cores};

const struct bench_contents bench_contents = {
    .suites = suites, .suite_count = 2, .default_budget_seconds = 120};
