/* counter_map.c - counter maps against what a program would pick instead, and what is to come out.
 *
 * The keys are there before the clock starts, but where every add makes one. What was counted must
 * all be there afterwards.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "cases/map_orders.h"
#include "cases/map_ours.h"
#include "cases/map_roles.h"
#include "peers/peers.h"
#include "targets/tables.h"
#include "targets/text.h"

/* Ours. */

static void *create(size_t keys_expected, enum ckf_variant variant)
{
    struct ckf_counter_map *map;
    struct ckf_counter_map_options options = {.variant = variant, .expected_keys = keys_expected};
    return ckf_counter_map_create(&map, &options) == CKF_OK ? map : NULL;
}

static void *create_atomic(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)key_len;
    (void)threads;
    return create(keys_expected, CKF_VARIANT_ATOMIC);
}

static void *create_mutex(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)key_len;
    (void)threads;
    return create(keys_expected, CKF_VARIANT_MUTEX);
}

static bool add(void *map, struct table_item item)
{
    return ckf_counter_map_add(map, item.key, item.len, 1) == CKF_OK;
}

static uint64_t remove_key(void *map, struct table_item item)
{
    uint64_t value;
    return ckf_counter_map_remove(map, item.key, item.len, &value) == CKF_OK ? value : 0;
}

static void handle_add(void *handle, uint32_t index, unsigned thread)
{
    (void)index;
    (void)thread;
    ckf_counter_add(handle, 1);
}

TABLE_BODY(count_8, table_count(run, state, add, 8))
TABLE_BODY(count_16, table_count(run, state, add, 16))
TABLE_BODY(count_64, table_count(run, state, add, 64))
TABLE_BODY(make_new, table_new(run, state, add, false))
TABLE_BODY(worst, table_new(run, state, add, true))
TABLE_BODY(handles, table_handle(run, state, handle_add))
TABLE_BODY(snapshots, table_snapshot(run, state, our_snapshot))
TABLE_BODY(adder, table_adder(run, state, add))
TABLE_BODY(watcher, table_watcher(run, state, our_snapshot))
TABLE_BODY(idle_watcher, table_watcher(run, state, NULL))
TABLE_BODY(churn, table_churn(run, state, add, remove_key))
TABLE_BODY(words, table_words(run, state, add))

static const bench_body bodies[TABLE_ROLES] = {
    [TABLE_COUNT_8] = count_8,    [TABLE_COUNT_16] = count_16, [TABLE_COUNT_64] = count_64,
    [TABLE_NEW] = make_new,       [TABLE_WORST] = worst,       [TABLE_HANDLE] = handles,
    [TABLE_SNAPSHOT] = snapshots, [TABLE_ADDER] = adder,       [TABLE_WATCHER] = watcher,
    [TABLE_CHURN] = churn,        [TABLE_WORDS] = words,       [TABLE_FOOTPRINT] = table_measured};
static const bench_body unwatched_bodies[TABLE_ROLES] = {
    [TABLE_ADDER] = adder, [TABLE_WATCHER] = idle_watcher};

static const struct table_face atomic_face = {
    .create = create_atomic, .destroy = our_destroy, .add = add, .snapshot = our_snapshot};
static const struct table_face mutex_face = {
    .create = create_mutex, .destroy = our_destroy, .add = add, .snapshot = our_snapshot};

static const struct bench_contestant atomic = {
    .name = "atomic", .label = "ck_filter, atomic", .bodies = bodies, .face = &atomic_face};
static const struct bench_contestant mutex = {.name = "mutex",
                                              .label = "ck_filter, mutex",
                                              .bodies = bodies,
                                              .face = &mutex_face,
                                              .sleeps = true};
static const struct bench_contestant unwatched = {.name = "atomic-alone",
                                                  .label = "ck_filter, atomic, no snapshots",
                                                  .bodies = unwatched_bodies,
                                                  .face = &atomic_face};

/* Programs in other languages. */

static const struct bench_contestant java = {
    .name = "java-longadder",
    .program = "peers-java",
    .label = "Java, ConcurrentHashMap of LongAdders",
    .note = "in its own process; keys are byte arrays, hashed at each add; adders not exact while "
            "adds go on",
    .sleeps = true};
static const struct bench_contestant go_mutex = {
    .name = "go-mutex",
    .program = "peers-go",
    .label = "Go, map[string]uint64 and a Mutex",
    .note = "in its own process; goroutines instead of threads; growth stops everybody",
    .sleeps = true};
static const struct bench_contestant go_sync = {
    .name = "go-sync.Map",
    .program = "peers-go",
    .label = "Go, sync.Map of atomic counters",
    .note = "in its own process; goroutines instead of threads",
    .sleeps = true};

/* The state. */

enum { WORDS = 16000000, KEY_LISTS = 8 };

static const char long_name[] = "service/checkout/region-eu-central/pod-0000/latency";

static void write_key(unsigned char *key, size_t key_len, size_t index)
{
    char digits[17];
    uint64_t mixed = key_len < 16 ? (uint32_t)(index * UINT32_C(0x9e3779b1))
                                  : index * UINT64_C(0x9e3779b97f4a7c15);
    int count = snprintf(digits, sizeof(digits), key_len < 16 ? "%08llx" : "%016llx",
                         (unsigned long long)mixed);
    memset(key, '/', key_len);
    if (key_len > sizeof(long_name))
        memcpy(key, long_name, sizeof(long_name) - 1);
    memcpy(key + key_len - (size_t)count, digits, (size_t)count);
}

/* Made once for all contestants; NULL: no memory. */
static const unsigned char *keys_of(size_t key_len, size_t count)
{
    static struct {
        size_t key_len, count;
        unsigned char *keys;
    } lists[KEY_LISTS];
    unsigned i = 0;
    while (i < KEY_LISTS && lists[i].keys != NULL) {
        if (lists[i].key_len == key_len && lists[i].count >= count)
            return lists[i].keys;
        i++;
    }
    if (i == KEY_LISTS)
        return NULL;
    lists[i].keys = malloc(key_len * count);
    lists[i].key_len = key_len;
    lists[i].count = count;
    for (size_t k = 0; lists[i].keys != NULL && k < count; k++)
        write_key(lists[i].keys + k * key_len, key_len, k);
    return lists[i].keys;
}

static size_t key_len_of(unsigned role)
{
    if (role == TABLE_WORDS)
        return 0;
    return role == TABLE_COUNT_8 ? 8 : role == TABLE_COUNT_64 ? 64 : 16;
}

static bool make_keys(struct table_state *state, const struct table_face *face, unsigned threads)
{
    state->keys = keys_of(state->key_len, state->key_count);
    if (state->keys == NULL)
        return false;
    for (unsigned thread = 0; thread < (face->per_thread ? threads : 1); thread++)
        for (size_t i = 0; i < state->key_count; i++) {
            if (!face->add(state->map, table_item_at(state, thread, (uint32_t)i, state->key_len)))
                return false;
            state->added_by_setup++;
        }
    return true;
}

static bool make_orders(struct table_state *state, const struct bench_workload *workload)
{
    state->mask = map_order_length(state->key_count) - 1;
    for (unsigned i = 0; i < workload->actors[0].copies; i++) {
        state->sequence[i] = map_order(state->key_count, (enum map_keys)workload->shape, i);
        if (state->sequence[i] == NULL)
            return false;
    }
    return true;
}

/* Each thread's part begins after a word. */
static bool make_text(struct table_state *state, unsigned threads)
{
    const struct text *text = text_of_words(WORDS);
    for (unsigned i = 0; i <= threads && text->len > 0; i++) {
        const char *at = text->data + text->len * i / threads;
        while (at > text->data && at < text->data + text->len && table_in_word(at[-1]))
            at++;
        state->text[i] = at;
    }
    return text->len > 0;
}

static bool make_handles(struct bench_run *run, struct table_state *state)
{
    if (bench_face(run) != &atomic_face && bench_face(run) != &mutex_face)
        return true;
    for (size_t i = 0; i < state->key_count; i++) {
        struct ckf_counter *counter;
        struct table_item item = table_item_at(state, 0, (uint32_t)i, state->key_len);
        if (ckf_counter_map_counter(state->map, item.key, item.len, &counter) != CKF_OK)
            return false;
        state->handles[i] = counter;
    }
    return true;
}

static void setup(struct bench_run *run, void *argument)
{
    struct table_state *state = argument;
    const struct table_face *face = bench_face(run);
    const struct bench_workload *workload = bench_workload(run);
    unsigned role = workload->actors[0].role, threads = workload->actors[0].copies;
    memset(state, 0, sizeof(*state));
    state->key_count = workload->parameter;
    state->key_len = key_len_of(role);
    state->adders_left = threads;
    state->map = face->create(state->key_count, state->key_len, threads);
    bool made = state->map != NULL;
    if (role == TABLE_WORDS)
        made = made && make_text(state, threads);
    else if (role != TABLE_NEW && role != TABLE_WORST)
        made = made && make_keys(state, face, threads) && make_orders(state, workload);
    if (role == TABLE_HANDLE)
        made = made && make_handles(run, state);
    if (!made)
        bench_fail(run, "the map could not be made");
}

static void teardown(struct bench_run *run, void *argument)
{
    struct table_state *state = argument;
    const struct table_face *face = bench_face(run);
    for (size_t i = 0; i < TABLE_MAX_HANDLES; i++)
        if (state->handles[i] != NULL)
            ckf_counter_release(state->handles[i]);
    face->destroy(state->map);
}

static void verify(struct bench_run *run, void *argument)
{
    const struct table_state *state = argument;
    const struct table_face *face = bench_face(run);
    unsigned role = bench_workload(run)->actors[0].role;
    uint64_t adds = 0, removed = 0, held = 0;
    for (unsigned i = 0; i < BENCH_MAX_THREADS; i++) {
        adds += state->thread[i].adds;
        removed += state->thread[i].removed;
    }
    if (role != TABLE_CHURN && role != TABLE_SNAPSHOT && adds != bench_work(run))
        bench_fail(run, "%llu adds were due and %llu succeeded",
                   (unsigned long long)bench_work(run), (unsigned long long)adds);
    size_t seen = face->snapshot(state->map, &held), due = state->key_count;
    if (role == TABLE_NEW || role == TABLE_WORST)
        due = bench_work(run);
    bool known = role != TABLE_CHURN && role != TABLE_WORDS && !face->per_thread;
    if (held + removed != state->added_by_setup + adds || (known && seen != due))
        bench_fail(run, "%zu keys with a sum of %llu were due, the map holds %zu with %llu", due,
                   (unsigned long long)(state->added_by_setup + adds - removed), seen,
                   (unsigned long long)held);
}

/* Programs print the sum of all values, setup's included, and as sum the number of keys. */
static void verify_printed(struct bench_run *run, const struct bench_printed *printed)
{
    const struct bench_workload *workload = bench_workload(run);
    bool new_keys = workload->actors[0].role == TABLE_NEW;
    uint64_t keys = new_keys ? bench_work(run) : workload->parameter;
    uint64_t due = bench_work(run) + (new_keys ? 0 : keys);
    if (printed->count != due || printed->sum != keys)
        bench_fail(run, "%llu keys with a sum of %llu were due, the map holds %llu with %llu",
                   (unsigned long long)keys, (unsigned long long)due,
                   (unsigned long long)printed->sum, (unsigned long long)printed->count);
}

static void setup_footprint(struct bench_run *run, void *argument)
{
    struct table_state *state = argument;
    const struct table_face *face = bench_face(run);
    memset(state, 0, sizeof(*state));
    state->key_count = bench_workload(run)->parameter;
    state->key_len = 16;
    state->keys = keys_of(state->key_len, state->key_count);
    struct mallinfo2 before = mallinfo2();
    state->map = face->create(0, state->key_len, 1);
    if (state->keys == NULL || state->map == NULL || !make_keys(state, face, 1)) {
        bench_fail(run, "the map could not be made");
        return;
    }
    struct mallinfo2 after = mallinfo2();
    size_t bytes = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    bench_value(run, (double)bytes / (double)state->key_count);
}

static void nothing(struct bench_run *run, void *state)
{
    (void)run;
    (void)state;
}

/* The workloads. */

#define MAPS                                                                                       \
    &atomic, &mutex, &peer_absl_private, &peer_absl_mutex, &peer_absl_sharded, &peer_lfht_table,   \
        &peer_ck_ht, &peer_tbb_map, &peer_cuckoo_map

static const struct bench_contestant *const counting[] = {MAPS, &peer_array_private, &java,
                                                          &go_mutex, &go_sync};
static const struct bench_contestant *const in_process[] = {MAPS, &peer_array_private};
static const struct bench_contestant *const making[] = {MAPS, &java};
/* What takes long is asked of few. */
static const struct bench_contestant *const growing[] = {&atomic, &mutex, &peer_absl_mutex,
                                                         &peer_absl_sharded};
static const struct bench_contestant *const large[] = {
    &atomic, &mutex, &peer_absl_private, &peer_absl_mutex, &peer_absl_sharded, &peer_lfht_table};
static const struct bench_contestant *const huge[] = {&atomic, &peer_absl_private,
                                                      &peer_absl_sharded};
static const struct bench_contestant *const handle_contestants[] = {
    &atomic, &mutex, &peer_array_private, &peer_shared_words};
static const struct bench_contestant *const walkable[] = {
    &atomic,          &mutex,      &peer_absl_mutex, &peer_absl_sharded,
    &peer_lfht_table, &peer_ck_ht, &peer_tbb_map,    &peer_cuckoo_map};
static const struct bench_contestant *const watched[] = {&atomic, &unwatched, &mutex,
                                                         &peer_absl_sharded, &peer_lfht_table};
static const struct bench_contestant *const removing[] = {
    &atomic, &mutex, &peer_absl_mutex, &peer_absl_sharded, &peer_tbb_map, &peer_cuckoo_map};
static const struct bench_contestant *const wordy[] = {
    &atomic, &mutex, &peer_absl_private, &peer_absl_mutex, &peer_absl_sharded, &peer_tbb_map};
static const struct bench_contestant *const footprints[] = {
    &atomic,          &mutex,      &peer_absl_mutex, &peer_absl_sharded,
    &peer_lfht_table, &peer_ck_ht, &peer_cuckoo_map};

static const struct bench_contestant *const huge_footprints[] = {&atomic, &peer_absl_sharded};

#define PLACE                                                                                      \
    .collection = "counter map", .state_size = sizeof(struct table_state),                         \
    .kind = BENCH_FIXED_WORK, .teardown = teardown
#define COMMON PLACE, .setup = setup, .verify = verify, .verify_printed = verify_printed

#define COUNT(id_, title_, role, script_, keys, kind, threads, list)                               \
    {                                                                                              \
        COMMON, .id = "counter-map-" id_, .family = "add to a key that is there", .title = title_, \
                .unit = "ns/add", .script = script_, .parameter = keys, .shape = kind,             \
                .own_work = true, .actors = {{role, threads}}, CONTESTANTS(list)                   \
    }

#define THREADS(id, title, keys, kind)                                                             \
    COUNT(id "-1t", title ", 1 thread", TABLE_COUNT_16, "count", keys, kind, 1, counting),         \
        COUNT(id "-2t", title ", 2 threads", TABLE_COUNT_16, "count", keys, kind, 2, counting),    \
        COUNT(id "-4t", title ", 4 threads", TABLE_COUNT_16, "count", keys, kind, 4, in_process),  \
        COUNT(id "-8t", title ", 8 threads", TABLE_COUNT_16, "count", keys, kind, 8, in_process)

#define NEW_KEYS(id_, title_, threads)                                                             \
    {                                                                                              \
        COMMON, .id = "counter-map-new-" id_, .family = "add that makes a key, growth included",   \
                .title = title_, .unit = "ns/key", .script = "new", .exact_work = 200000,          \
                .actors = {{TABLE_NEW, threads}}, CONTESTANTS(making)                              \
    }

#define HANDLE(id_, title_, keys, kind, threads)                                                   \
    {                                                                                              \
        COMMON, .id = "counter-map-handle-" id_, .family = "add through a handle",                 \
                .title = title_, .unit = "ns/add", .parameter = keys, .shape = kind,               \
                .own_work = true, .actors = {{TABLE_HANDLE, threads}},                             \
                CONTESTANTS(handle_contestants)                                                    \
    }

/* What takes long whatever the budget comes first, so that it gets its turn; then what has targets. */
static const struct bench_workload workloads[] = {
    {COMMON, .id = "counter-map-worst", .family = "add that makes a key, growth included",
     .title = "the longest of 2M adds, 1 thread", .unit = "us", .exact_work = 2000000,
     .actors = {{TABLE_WORST, 1}}, CONTESTANTS(growing)},
    COUNT("1m-2t", "1M keys, uniform, 2 threads", TABLE_COUNT_16, "count", 1000000, MAP_UNIFORM, 2,
          large),
    {COMMON, .id = "counter-map-words", .family = "count the words of a text of 100 MB",
     .title = "2 threads", .unit = "ns/word", .exact_work = WORDS, .actors = {{TABLE_WORDS, 2}},
     CONTESTANTS(wordy)},
    THREADS("hot", "1 key", 1, MAP_ONE_KEY),
    THREADS("100", "100 keys", 100, MAP_UNIFORM),
    THREADS("10k", "10k keys, Zipf 0.99", 10000, MAP_ZIPF),
    HANDLE("hot-2t", "1 key, 2 threads", 1, MAP_ONE_KEY, 2),
    HANDLE("100-1t", "100 keys, 1 thread", 100, MAP_UNIFORM, 1),
    HANDLE("100-2t", "100 keys, 2 threads", 100, MAP_UNIFORM, 2),
    HANDLE("100-4t", "100 keys, 4 threads", 100, MAP_UNIFORM, 4),
    {COMMON, .id = "counter-map-snapshot", .family = "visit all of 10k keys",
     .title = "nobody adds", .unit = "us", .exact_work = 30, .parameter = 10000,
     .actors = {{TABLE_SNAPSHOT, 1}}, CONTESTANTS(walkable)},
    {COMMON, .id = "counter-map-beside-snapshots",
     .family = "add, while a third thread visits all keys every 100 ms",
     .title = "10k keys, Zipf 0.99, 2 threads", .unit = "ns/add", .exact_work = 16000000,
     .parameter = 10000, .shape = MAP_ZIPF, .waits = true,
     .actors = {{TABLE_ADDER, 2}, {TABLE_WATCHER, 1}}, CONTESTANTS(watched)},
    {COMMON, .id = "counter-map-churn", .family = "add, and each 16th time remove a key",
     .title = "10k keys, Zipf 0.99, 2 threads", .unit = "ns/operation", .parameter = 10000,
     .shape = MAP_ZIPF, .own_work = true, .actors = {{TABLE_CHURN, 2}}, CONTESTANTS(removing)},
    NEW_KEYS("1t", "1 thread, 200k keys", 1),
    NEW_KEYS("2t", "2 threads, 200k keys", 2),
    {PLACE, .id = "counter-map-memory", .family = "memory", .title = "a key of 16 bytes, of 100k",
     .unit = "bytes", .exact_work = 1, .parameter = 100000, .setup = setup_footprint,
     .verify = nothing, .actors = {{TABLE_FOOTPRINT, 1}}, CONTESTANTS(footprints)},
    COUNT("10k-steep-2t", "10k keys, Zipf 1.25, 2 threads", TABLE_COUNT_16, "count", 10000,
          MAP_ZIPF_STEEP, 2, in_process),
    COUNT("10k-uniform-2t", "10k keys, uniform, 2 threads", TABLE_COUNT_16, "count", 10000,
          MAP_UNIFORM, 2, in_process),
    COUNT("10k-short-2t", "10k keys of 8 bytes, Zipf 0.99, 2 threads", TABLE_COUNT_8, NULL, 10000,
          MAP_ZIPF, 2, in_process),
    COUNT("10k-long-2t", "10k keys of 64 bytes, Zipf 0.99, 2 threads", TABLE_COUNT_64, NULL, 10000,
          MAP_ZIPF, 2, in_process),
    COUNT("1m-1t", "1M keys, uniform, 1 thread", TABLE_COUNT_16, NULL, 1000000, MAP_UNIFORM, 1,
          in_process),
    /* Setting up takes minutes, and two gigabytes. */
    {COMMON, .id = "counter-map-10m-2t", .family = "add to a key that is there",
     .title = "10M keys, uniform, 2 threads", .unit = "ns/add", .parameter = 10000000,
     .shape = MAP_UNIFORM, .own_work = true, .actors = {{TABLE_COUNT_16, 2}}, .least_seconds = 90,
     CONTESTANTS(huge)},
    {PLACE, .id = "counter-map-10m-memory", .family = "memory",
     .title = "a key of 16 bytes, of 10M", .unit = "bytes", .exact_work = 1, .parameter = 10000000,
     .setup = setup_footprint, .verify = nothing, .actors = {{TABLE_FOOTPRINT, 1}},
     .least_seconds = 90, CONTESTANTS(huge_footprints)},
};

/* What is to come out. */

#define BEST                                                                                       \
    {                                                                                              \
        "absl-mutex", "absl-sharded", "cds_lfht", "ck_ht", "tbb", "libcuckoo"                      \
    }

#define AGAINST(id, title_, private_bound, best_bound)                                             \
    {.title = title_,                                                                              \
     .workload = "counter-map-" id,                                                                \
     .at_most = private_bound,                                                                     \
     .peers = {"absl-private"}},                                                                   \
    {                                                                                              \
        .title = title_, .workload = "counter-map-" id, .at_most = best_bound, .peers = BEST,      \
        .peers_name = "the best C/C++ map"                                                         \
    }

static const struct bench_target targets[] = {
    AGAINST("hot-2t", "one hot key, 2 threads", 1.2, 0.3),
    AGAINST("hot-4t", "one hot key, 4 threads", 1.2, 0.3),
    AGAINST("hot-8t", "one hot key, 8 threads", 1.2, 0.3),
    AGAINST("100-2t", "100 keys, 2 threads", 1.2, 0.4),
    AGAINST("100-4t", "100 keys, 4 threads", 1.2, 0.4),
    AGAINST("100-8t", "100 keys, 8 threads", 1.2, 0.4),
    AGAINST("10k-2t", "10k keys, Zipf 0.99, 2 threads", 1.3, 0.5),
    {.title = "100 keys, 1 thread",
     .workload = "counter-map-100-1t",
     .at_most = 0.9,
     .peers = {"absl-mutex"}},
    AGAINST("1m-2t", "1M keys, uniform, 2 threads", 1.2, 1.0),
    {.title = "new keys, 1 thread",
     .workload = "counter-map-new-1t",
     .at_most = 1.0,
     .peers = BEST,
     .peers_name = "the best C/C++ map"},
    {.title = "new keys, 2 threads",
     .workload = "counter-map-new-2t",
     .at_most = 1.0,
     .peers = BEST,
     .peers_name = "the best C/C++ map"},
    {.title = "the longest of 2M adds", .workload = "counter-map-worst", .at_most = 1000},
    {.title = "handle, 1 key, 2 threads",
     .workload = "counter-map-handle-hot-2t",
     .at_most = 1.5,
     .peers = {"array-private"}},
    {.title = "handle, 100 keys, 2 threads",
     .workload = "counter-map-handle-100-2t",
     .at_most = 1.5,
     .peers = {"array-private"}},
    {.title = "handle, 100 keys, 4 threads",
     .workload = "counter-map-handle-100-4t",
     .at_most = 1.5,
     .peers = {"array-private"}},
    {.title = "snapshot of 10k keys", .workload = "counter-map-snapshot", .at_most = 50},
    {.title = "adds beside snapshots",
     .workload = "counter-map-beside-snapshots",
     .at_most = 1.05,
     .peers = {"atomic-alone"}},
    {.title = "one hot key, 2 threads: Java",
     .workload = "counter-map-hot-2t",
     .at_most = 1.0,
     .peers = {"java-longadder"}},
    {.title = "100 keys, 2 threads: Java",
     .workload = "counter-map-100-2t",
     .at_most = 1.0,
     .peers = {"java-longadder"}},
    {.title = "10k keys, Zipf 0.99, 2 threads: Java",
     .workload = "counter-map-10k-2t",
     .at_most = 1.0,
     .peers = {"java-longadder"}},
};

const struct bench_suite counter_map_table = {workloads, sizeof(workloads) / sizeof(workloads[0]),
                                              targets, sizeof(targets) / sizeof(targets[0])};
