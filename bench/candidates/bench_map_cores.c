/* bench_map_cores.c - the bake-off of counter maps: where an add may count, and in what it is looked up.
 *
 * `atomic` is the library's whole map: a keyed hash, keys of any length, removal, a bound. The
 * candidates are less (see candidates/map_candidate.h); `cds_lfht` is how the library's map began.
 */
#include "candidates/suites.h"
#include "cases/map_cases.h"
#include "peers/peers.h"

static const struct bench_contestant *const contestants[] = {
    &map_atomic,      &candidate_front, &candidate_rseq, &candidate_stripes,
    &candidate_table, &peer_lfht,       &peer_alone_map};

/* Without a lock only alone, so `no-sync` comes last. */
#define CONTESTANTS(threads)                                                                       \
    .contestants = contestants,                                                                    \
    .contestant_count = sizeof(contestants) / sizeof(contestants[0]) - ((threads) > 1)

#define COMMON                                                                                     \
    .collection = "map core", .state_size = sizeof(struct map_state), .setup = map_setup,          \
    .verify = map_verify, .teardown = map_teardown

#define ADD(id_, title_, keys, order, threads)                                                     \
    {                                                                                              \
        COMMON, CONTESTANTS(threads),                                                              \
            .id = "map-core-" id_, .family = "map cores: add to a key that is there",              \
            .title = title_, .unit = "ns/add", .kind = BENCH_PER_OP, .parameter = keys,            \
            .shape = order, .actors = {                                                            \
                {MAP_ADD, threads}                                                                 \
            }                                                                                      \
    }

#define THREADS(id, title, keys, order)                                                            \
    ADD(id "-1t", title ", 1 thread", keys, order, 1),                                             \
        ADD(id "-2t", title ", 2 threads", keys, order, 2),                                        \
        ADD(id "-4t", title ", 4 threads", keys, order, 4)

#define NEW_KEYS(id_, title_, threads)                                                             \
    {                                                                                              \
        COMMON, CONTESTANTS(threads),                                                              \
            .id = "map-core-new-" id_,                                                             \
            .family = "map cores: add that makes a key, growth included", .title = title_,         \
            .unit = "ns/key", .kind = BENCH_FIXED_WORK, .exact_work = 200000, .actors = {          \
                {MAP_ADD_NEW, threads}                                                             \
            }                                                                                      \
    }

static const struct bench_workload workloads[] = {
    THREADS("hot", "1 key", 1, MAP_ONE_KEY),
    THREADS("100", "100 keys", 100, MAP_UNIFORM),
    THREADS("10k", "10k keys, Zipf 0.99", 10000, MAP_ZIPF),
    {COMMON, CONTESTANTS(1), .id = "map-core-get", .family = "map cores: get",
     .title = "10k keys, Zipf 0.99", .unit = "ns/get", .kind = BENCH_PER_OP, .parameter = 10000,
     .shape = MAP_ZIPF, .actors = {{MAP_GET, 1}}},
    {COMMON, CONTESTANTS(1), .id = "map-core-snapshot",
     .family = "map cores: visit all of 10k keys", .title = "while a thread adds", .unit = "ns/key",
     .kind = BENCH_PER_OP, .batch = 1, .units = 10000, .parameter = 10000, .shape = MAP_ZIPF,
     .actors = {{MAP_SNAPSHOT, 1}}, .background = {MAP_ADDS_BESIDE, 1}},
    NEW_KEYS("1t", "1 thread, 200k keys", 1),
    NEW_KEYS("2t", "2 threads, 200k keys", 2),
    ADD("1m-1t", "1M keys, uniform, 1 thread", 1000000, MAP_UNIFORM, 1),
    ADD("1m-2t", "1M keys, uniform, 2 threads", 1000000, MAP_UNIFORM, 2),
};

const struct bench_suite map_cores = {.workloads = workloads,
                                      .count = sizeof(workloads) / sizeof(workloads[0])};
