/* bench_counter_map.c - what counting by key costs.
 *
 * The keys are there before the clock starts, except in "new keys", where every add makes one and
 * the map has to grow. After each run the map must hold exactly what was added to it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cases/map_cases.h"
#include "cases/map_ours.h"
#include "cases/suites.h"
#include "peers/peers.h"

static void *create(size_t keys_expected, bool u64_keys, enum ckf_variant variant)
{
    struct ckf_counter_map *map;
    struct ckf_counter_map_options options = {
        .variant = variant,
        .expected_keys = keys_expected,
        .flags = u64_keys ? CKF_COUNTER_MAP_U64_KEYS : 0,
    };
    return ckf_counter_map_create(&map, &options) == CKF_OK ? map : NULL;
}

static void *create_atomic(size_t keys_expected, bool u64_keys)
{
    return create(keys_expected, u64_keys, CKF_VARIANT_ATOMIC);
}

static void *create_mutex(size_t keys_expected, bool u64_keys)
{
    return create(keys_expected, u64_keys, CKF_VARIANT_MUTEX);
}

static bool add(void *map, const struct map_key *key)
{
    return ckf_counter_map_add(map, key, sizeof(*key), 1) == CKF_OK;
}

static bool add_u64(void *map, uint64_t key)
{
    return ckf_counter_map_add_u64(map, key, 1) == CKF_OK;
}

static bool get(void *map, const struct map_key *key, uint64_t *value)
{
    return ckf_counter_map_get(map, key, sizeof(*key), value) == CKF_OK;
}

static void *counter(void *map, const struct map_key *key)
{
    struct ckf_counter *counter;
    return ckf_counter_map_counter(map, key, sizeof(*key), &counter) == CKF_OK ? counter : NULL;
}

static void counter_add(void *counter)
{
    ckf_counter_add(counter, 1);
}

static void counter_release(void *counter)
{
    ckf_counter_release(counter);
}

static void add_body(struct bench_run *run, void *state)
{
    map_add(run, state, add);
}

static void add_u64_body(struct bench_run *run, void *state)
{
    map_add_u64(run, state, add_u64);
}

static void get_body(struct bench_run *run, void *state)
{
    map_get(run, state, get);
}

static void add_new_body(struct bench_run *run, void *state)
{
    map_add_new(run, state, add);
}

static void handle_body(struct bench_run *run, void *state)
{
    map_handle(run, state, counter_add);
}

static void snapshot_body(struct bench_run *run, void *state)
{
    map_snapshot(run, state, our_snapshot);
}

static void snapshots_beside_body(struct bench_run *run, void *state)
{
    map_snapshots_beside(run, state, our_snapshot);
}

static void adds_beside_body(struct bench_run *run, void *state)
{
    map_adds_beside(run, state, add);
}

static const bench_body bodies[MAP_ROLES] = {
    [MAP_ADD] = add_body,
    [MAP_ADD_U64] = add_u64_body,
    [MAP_GET] = get_body,
    [MAP_ADD_NEW] = add_new_body,
    [MAP_HANDLE] = handle_body,
    [MAP_SNAPSHOT] = snapshot_body,
    [MAP_SNAPSHOTS_BESIDE] = snapshots_beside_body,
    [MAP_ADDS_BESIDE] = adds_beside_body,
};

#define CKF_FACE(maker)                                                                            \
    {                                                                                              \
        .create = maker, .destroy = our_destroy, .add = add, .add_u64 = add_u64, .get = get,       \
        .snapshot = our_snapshot, .counter = counter, .counter_add = counter_add,                  \
        .counter_release = counter_release                                                         \
    }

static const struct map_face atomic_face = CKF_FACE(create_atomic);
static const struct map_face mutex_face = CKF_FACE(create_mutex);

const struct bench_contestant map_atomic = {
    .name = "atomic", .label = "ck_filter, atomic", .bodies = bodies, .face = &atomic_face};
static const struct bench_contestant mutex_contestant = {.name = "mutex",
                                                         .label = "ck_filter, mutex",
                                                         .bodies = bodies,
                                                         .face = &mutex_face,
                                                         .sleeps = true};

/* Orders of keys, drawn once for all contestants and kept to the end of the program. */

enum { SHORT_SEQUENCE = 1 << 16, LONG_SEQUENCE = 1 << 20 };
static const double zipf_exponent = 0.99, steep_exponent = 1.25;

struct order {
    size_t keys;
    enum map_keys kind;
    unsigned thread;
    uint32_t *sequence;
    struct order *next;
};

size_t map_order_length(size_t keys)
{
    return keys > SHORT_SEQUENCE ? LONG_SEQUENCE : SHORT_SEQUENCE;
}

/* The first key whose share of the sum reaches the draw. */
static uint32_t search(const double *cumulated, size_t keys, double draw)
{
    size_t low = 0, high = keys - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (cumulated[middle] < draw)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static bool draw_zipf(struct order *order, size_t length, uint64_t seed)
{
    double *cumulated = malloc(order->keys * sizeof(*cumulated));
    if (cumulated == NULL)
        return false;
    double sum = 0, exponent = order->kind == MAP_ZIPF ? zipf_exponent : steep_exponent;
    for (size_t i = 0; i < order->keys; i++)
        cumulated[i] = sum += pow((double)(i + 1), -exponent);
    for (size_t i = 0; i < length; i++) {
        double unit = (double)(bench_mix(seed + i) >> 11) * 0x1p-53;
        order->sequence[i] = search(cumulated, order->keys, unit * sum);
    }
    free(cumulated);
    return true;
}

const uint32_t *map_order(size_t keys, enum map_keys kind, unsigned thread)
{
    static struct order *orders;
    for (struct order *order = orders; order != NULL; order = order->next)
        if (order->keys == keys && order->kind == kind && order->thread == thread)
            return order->sequence;

    size_t length = map_order_length(keys);
    uint64_t seed = (uint64_t)(thread + 1) << 32;
    struct order *order = malloc(sizeof(*order));
    if (order == NULL)
        return NULL;
    *order = (struct order){.keys = keys, .kind = kind, .thread = thread, .next = orders};
    order->sequence = malloc(length * sizeof(*order->sequence));
    bool drawn = order->sequence != NULL;
    if (drawn && (kind == MAP_ZIPF || kind == MAP_ZIPF_STEEP))
        drawn = draw_zipf(order, length, seed);
    else if (drawn)
        for (size_t i = 0; i < length; i++)
            order->sequence[i] = (uint32_t)(bench_mix(seed + i) % keys);
    if (!drawn) {
        free(order->sequence);
        free(order);
        return NULL;
    }
    orders = order;
    return order->sequence;
}

/* The state. */

static bool make_keys(struct map_state *state, const struct map_face *face, bool u64_keys)
{
    for (size_t i = 0; i < state->keys; i++) {
        struct map_key key = map_key_of(i);
        bool made =
            u64_keys ? face->add_u64(state->map, key.words[0]) : face->add(state->map, &key);
        if (!made)
            return false;
        state->added_by_setup++;
    }
    return true;
}

static bool make_handles(struct map_state *state, const struct map_face *face)
{
    for (size_t i = 0; i < state->keys; i++) {
        struct map_key key = map_key_of(i);
        state->handles[i] = face->counter(state->map, &key);
        if (state->handles[i] == NULL)
            return false;
    }
    return true;
}

void map_setup(struct bench_run *run, void *argument)
{
    struct map_state *state = argument;
    const struct map_face *face = bench_face(run);
    const struct bench_workload *workload = bench_workload(run);
    unsigned role = workload->actors[0].role;
    bool u64_keys = role == MAP_ADD_U64, new_keys = role == MAP_ADD_NEW;
    memset(state, 0, sizeof(*state));
    state->keys = workload->parameter;
    state->map = face->create(state->keys, u64_keys);
    bool made = state->map != NULL;
    for (unsigned i = 0; made && !new_keys && i < bench_threads(run); i++) {
        state->sequence[i] = map_order(state->keys, workload->shape, i);
        state->mask = map_order_length(state->keys) - 1;
        made = state->sequence[i] != NULL;
    }
    if (made && !new_keys)
        made = make_keys(state, face, u64_keys);
    if (made && role == MAP_HANDLE)
        made = make_handles(state, face);
    if (!made)
        bench_fail(run, "the map could not be made");
}

void map_teardown(struct bench_run *run, void *argument)
{
    struct map_state *state = argument;
    const struct map_face *face = bench_face(run);
    for (size_t i = 0; i < MAP_MAX_HANDLES; i++)
        if (state->handles[i] != NULL)
            face->counter_release(state->handles[i]);
    face->destroy(state->map);
}

void map_verify(struct bench_run *run, void *argument)
{
    const struct map_state *state = argument;
    const struct map_face *face = bench_face(run);
    unsigned role = bench_workload(run)->actors[0].role;
    uint64_t asked = bench_iterations(run), done = 0, held = 0;
    size_t keys = state->keys;
    for (unsigned i = 0; i < BENCH_MAX_THREADS; i++)
        done += state->thread[i].adds;
    if (role == MAP_ADD_NEW)
        asked = keys = bench_work(run);
    else if (role == MAP_GET || role == MAP_SNAPSHOT)
        asked = 0;
    if (done != asked)
        bench_fail(run, "%llu adds were due and %llu succeeded", (unsigned long long)asked,
                   (unsigned long long)done);
    size_t seen = face->snapshot(state->map, &held);
    uint64_t due = state->added_by_setup + state->added_beside + done;
    if (seen != keys || held != due)
        bench_fail(run, "%zu keys with a sum of %llu were due, the map holds %zu with %llu", keys,
                   (unsigned long long)due, seen, (unsigned long long)held);
}

/* The workloads. */

#define CONTESTANTS(list) .contestants = list, .contestant_count = sizeof(list) / sizeof(list[0])

static const struct bench_contestant *const alone[] = {
    &map_atomic, &mutex_contestant, &peer_pthread_map, &peer_lfht, &peer_alone_map};
static const struct bench_contestant *const shared[] = {&map_atomic, &mutex_contestant,
                                                        &peer_pthread_map, &peer_lfht};
static const struct bench_contestant *const ours[] = {&map_atomic, &mutex_contestant};
static const struct bench_contestant *const words[] = {&map_atomic, &mutex_contestant,
                                                       &peer_fetch_add};

#define COMMON                                                                                     \
    .collection = "counter map", .state_size = sizeof(struct map_state), .setup = map_setup,       \
    .verify = map_verify, .teardown = map_teardown

#define PER_OP(id_, family_, title_, unit_, role, keys, kind_, threads, contestants_)              \
    {                                                                                              \
        COMMON, .id = "counter-map-" id_, .family = family_, .title = title_, .unit = unit_,       \
                .kind = BENCH_PER_OP, .parameter = keys, .shape = kind_,                           \
                .actors = {{role, threads}}, CONTESTANTS(contestants_)                             \
    }

#define THREE(id, family, title, role, keys, kind, contestants_1, contestants_n)                   \
    PER_OP(id "-1t", family, title ", 1 thread", "ns/call", role, keys, kind, 1, contestants_1),   \
        PER_OP(id "-2t", family, title ", 2 threads", "ns/call", role, keys, kind, 2,              \
               contestants_n),                                                                     \
        PER_OP(id "-4t", family, title ", 4 threads", "ns/call", role, keys, kind, 4,              \
               contestants_n)

#define ADD(id, title, keys, kind)                                                                 \
    THREE("add-" id, "add to a key that is there", title, MAP_ADD, keys, kind, alone, shared)

#define NEW_KEYS(id_, title_, threads)                                                             \
    {                                                                                              \
        COMMON, .id = "counter-map-new-" id_, .family = "add that makes a key, growth included",   \
                .title = title_, .unit = "ns/key", .kind = BENCH_FIXED_WORK, .max_work = 1000000,  \
                .actors = {{MAP_ADD_NEW, threads}}, CONTESTANTS(shared)                            \
    }

#define BESIDE(id_, title_, threads)                                                               \
    {                                                                                              \
        COMMON, .id = "counter-map-add-beside-snapshots-" id_,                                     \
                .family = "add while a snapshot is taken every 10 ms", .title = title_,            \
                .unit = "ns/call", .kind = BENCH_PER_OP, .parameter = 10000, .shape = MAP_ZIPF,    \
                .actors = {{MAP_ADD, threads}}, .background = {MAP_SNAPSHOTS_BESIDE, 1},           \
                CONTESTANTS(shared)                                                                \
    }

#define SNAPSHOT(id_, title_, background_copies)                                                   \
    {                                                                                              \
        COMMON, .id = "counter-map-snapshot-" id_, .family = "visit all of 10k keys",              \
                .title = title_, .unit = "ns/key", .kind = BENCH_PER_OP, .batch = 1,               \
                .units = 10000, .parameter = 10000, .shape = MAP_ZIPF,                             \
                .actors = {{MAP_SNAPSHOT, 1}}, .background = {MAP_ADDS_BESIDE, background_copies}, \
                CONTESTANTS(shared)                                                                \
    }

static const struct bench_workload workloads[] = {
    ADD("hot", "1 key", 1, MAP_ONE_KEY),
    ADD("100", "100 keys", 100, MAP_UNIFORM),
    ADD("10k-zipf", "10k keys, Zipf 0.99", 10000, MAP_ZIPF),
    THREE("add-u64-10k-zipf", "add to an 8-byte key", "10k keys, Zipf 0.99", MAP_ADD_U64, 10000,
          MAP_ZIPF, ours, ours),
    THREE("handle-hot", "add through a handle", "1 key", MAP_HANDLE, 1, MAP_ONE_KEY, words, words),
    THREE("handle-100", "add through a handle", "100 keys", MAP_HANDLE, 100, MAP_UNIFORM, words,
          words),
    THREE("get-10k-zipf", "get", "10k keys, Zipf 0.99", MAP_GET, 10000, MAP_ZIPF, shared, shared),
    NEW_KEYS("1t", "1 thread", 1),
    NEW_KEYS("2t", "2 threads", 2),
    NEW_KEYS("4t", "4 threads", 4),
    BESIDE("1t", "10k keys, Zipf 0.99, 1 thread", 1),
    BESIDE("2t", "10k keys, Zipf 0.99, 2 threads", 2),
    SNAPSHOT("quiet", "nobody adds", 0),
    SNAPSHOT("adds", "while a thread adds", 1),
};

static const struct bench_workload large_workloads[] = {
    THREE("add-1m", "add, more keys than the caches hold", "1M keys, uniform", MAP_ADD, 1000000,
          MAP_UNIFORM, alone, shared),
};

const struct bench_suite counter_map_suite = {workloads, sizeof(workloads) / sizeof(workloads[0])};
const struct bench_suite counter_map_large_suite = {
    large_workloads, sizeof(large_workloads) / sizeof(large_workloads[0])};
