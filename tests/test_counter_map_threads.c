/* tests/test_counter_map_threads.c - what counter maps promise to many threads, and to forks. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ck_filter/counter_map.h>

/* Sanitizers make everything some ten times slower. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { EFFORT = 1 };
#else
enum { EFFORT = 8 };
#endif

static struct ckf_counter_map *make(const struct ckf_counter_map_options *options)
{
    struct ckf_counter_map *map = NULL;
    assert_int_equal(ckf_counter_map_create(&map, options), CKF_OK);
    return map;
}

static struct ckf_counter_map *make_variant(enum ckf_variant variant)
{
    return make(&(struct ckf_counter_map_options){.variant = variant});
}

static uint64_t get_number(struct ckf_counter_map *map, uint64_t key)
{
    uint64_t value = 0;
    (void)!ckf_counter_map_get(map, &key, sizeof key, &value);
    return value;
}

/* One of several threads on a map. */
struct worker {
    struct test_thread thread;
    struct ckf_counter_map *map;
    uint64_t seed;
    uint64_t added, got; /* sums of its adds, and of what it took out in any way */
    atomic_bool *stop;
    atomic_bool *go;
};

enum { MAX_WORKERS = 8 };

static struct worker workers[MAX_WORKERS];
static atomic_bool stop;

static struct worker *start(unsigned i, int (*body)(void *arg), struct ckf_counter_map *map)
{
    workers[i] = (struct worker){.map = map, .seed = i + 1, .stop = &stop};
    thread_start(&workers[i].thread, body, &workers[i]);
    return &workers[i];
}

static uint32_t roll(struct worker *worker, uint32_t bound)
{
    worker->seed = worker->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(((worker->seed >> 32) * bound) >> 32);
}

static bool sum_up(const void *key, size_t length, uint64_t value, void *arg)
{
    (void)key;
    (void)length;
    *(uint64_t *)arg += value;
    return true;
}

static atomic_uint_fast64_t removed_sum;

static void sum_up_removed(const void *key, size_t length, uint64_t value, void *arg)
{
    (void)key;
    (void)length;
    (void)arg;
    atomic_fetch_add(&removed_sum, value);
}

/* --- nothing is lost --- */

enum { FEW_KEYS = 12 };

static int add_numbers(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < 20000 * EFFORT; i++) {
        uint64_t n = roll(worker, 4);
        ckf_counter_map_add_u64(worker->map, roll(worker, FEW_KEYS), n);
        worker->added += n;
    }
    return 0;
}

static int add_by_handle(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < 200 * EFFORT; i++) {
        struct ckf_counter *counter = NULL;
        uint64_t key = roll(worker, FEW_KEYS);
        enum ckf_status status = ckf_counter_map_counter(worker->map, &key, sizeof key, &counter);
        if (status != CKF_OK && status != CKF_OVERFLOWED)
            return 1;
        for (int j = 0; j < 50; j++) {
            ckf_counter_add(counter, 3);
            worker->added += 3;
        }
        (void)ckf_counter_get(counter);
        ckf_counter_release(counter);
    }
    return 0;
}

static int take_numbers(void *arg)
{
    struct worker *worker = arg;
    while (!atomic_load(worker->stop)) {
        uint64_t key = roll(worker, FEW_KEYS), value;
        (void)!ckf_counter_map_take(worker->map, &key, sizeof key, &value);
        worker->got += value;
        ckf_counter_map_take_all(worker->map, sum_up, &worker->got);
        give_way();
    }
    return 0;
}

static int remove_numbers(void *arg)
{
    struct worker *worker = arg;
    while (!atomic_load(worker->stop)) {
        uint64_t key = roll(worker, FEW_KEYS), value;
        if (roll(worker, 2) == 0) {
            (void)!ckf_counter_map_remove(worker->map, &key, sizeof key, &value);
            worker->got += value;
        } else {
            (void)!ckf_counter_map_remove(worker->map, &key, sizeof key, NULL);
        }
        if (roll(worker, 8) == 0)
            ckf_counter_map_expire(worker->map, roll(worker, 3));
        give_way();
    }
    return 0;
}

static int read_everything(void *arg)
{
    struct worker *worker = arg;
    uint64_t last_total = 0, last_overflow = 0;
    while (!atomic_load(worker->stop)) {
        uint64_t sum = 0, total = ckf_counter_map_total(worker->map);
        uint64_t overflow = ckf_counter_map_overflow(worker->map);
        if (total < last_total || overflow < last_overflow)
            return 1;
        last_total = total;
        last_overflow = overflow;
        ckf_counter_map_for_each(worker->map, sum_up, &sum);
        ckf_counter_map_top(worker->map, 3, sum_up, &sum);
        give_way();
    }
    return 0;
}

static void every_increment_ends_in_one_place(enum ckf_variant variant, size_t max_keys)
{
    static int (*const bodies[])(void *) = {add_numbers,  add_numbers,    add_by_handle,
                                            take_numbers, remove_numbers, read_everything};
    enum { ADDERS = 3, BODIES = sizeof bodies / sizeof bodies[0] };
    struct ckf_counter_map *map = make(&(struct ckf_counter_map_options){
        .variant = variant, .max_keys = max_keys, .removed = sum_up_removed});
    atomic_store(&stop, false);
    atomic_store(&removed_sum, 0);
    for (unsigned i = 0; i < BODIES; i++)
        start(i, bodies[i], map);
    for (unsigned i = 0; i < BODIES; i++) {
        if (i == ADDERS)
            atomic_store(&stop, true);
        assert_int_equal(thread_join(&workers[i].thread), 0);
    }
    uint64_t added = 0, got = 0, live = 0;
    for (unsigned i = 0; i < BODIES; i++) {
        added += workers[i].added;
        got += workers[i].got;
    }
    ckf_counter_map_for_each(map, sum_up, &live);
    uint64_t overflow = ckf_counter_map_overflow(map);
    assert_int_equal(ckf_counter_map_total(map), added);
    assert_int_equal(live + overflow + got + atomic_load(&removed_sum), added);
    ckf_counter_map_destroy(map);
    assert_int_equal(overflow + got + atomic_load(&removed_sum), added);
}

static void nothing_is_lost(void **state)
{
    every_increment_ends_in_one_place(VARIANT(state), 0);
}

static void nothing_is_lost_in_a_bounded_map(void **state)
{
    every_increment_ends_in_one_place(VARIANT(state), FEW_KEYS / 2);
}

enum { MANY = 50000 * EFFORT };

static int add_to_one_key(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < MANY; i++)
        ckf_counter_map_add_u64(worker->map, 1, 1);
    return 0;
}

static int add_and_take_along(void *arg)
{
    struct worker *worker = arg;
    uint64_t key = 1, value;
    for (int i = 0; i < MANY; i++) {
        ckf_counter_map_add_u64(worker->map, key, 1);
        (void)!ckf_counter_map_take(worker->map, &key, sizeof key, &value);
        worker->got += value;
    }
    return 0;
}

static void each_increment_lands_in_exactly_one_take(void **state)
{
    enum { TAKERS = 3 };
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    uint64_t got = 0;
    for (unsigned i = 0; i < TAKERS; i++)
        start(i, add_and_take_along, map);
    for (unsigned i = 0; i < TAKERS; i++) {
        thread_join(&workers[i].thread);
        got += workers[i].got;
    }
    assert_int_equal(got, (uint64_t)TAKERS * MANY);
    ckf_counter_map_destroy(map);
}

static int add_and_take(void *arg)
{
    struct worker *worker = arg;
    uint64_t key = 1, value;
    for (int i = 0; i < MANY; i++) {
        ckf_counter_map_add_u64(worker->map, key, 1);
        (void)!ckf_counter_map_take(worker->map, &key, sizeof key, &value);
        if (value != 1)
            return 1;
    }
    return 0;
}

static int expect_at_most_one(void *arg)
{
    struct worker *worker = arg;
    while (!atomic_load(worker->stop))
        if (get_number(worker->map, 1) > 1)
            return 1;
    return 0;
}

static void no_read_shows_a_value_that_never_was(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    atomic_store(&stop, false);
    start(0, expect_at_most_one, map);
    start(1, add_and_take, map);
    assert_int_equal(thread_join(&workers[1].thread), 0);
    atomic_store(&stop, true);
    assert_int_equal(thread_join(&workers[0].thread), 0);
    ckf_counter_map_destroy(map);
}

static int watch_one_key(void *arg)
{
    struct worker *worker = arg;
    uint64_t last = 0;
    while (!atomic_load(worker->stop)) {
        uint64_t value = get_number(worker->map, 1), seen = 0;
        ckf_counter_map_for_each(worker->map, sum_up, &seen); /* there is one key */
        if (value < last || seen < value)
            return 1;
        last = seen;
    }
    return 0;
}

static void values_never_go_backwards(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    atomic_store(&stop, false);
    start(0, watch_one_key, map);
    start(1, add_to_one_key, map);
    start(2, add_to_one_key, map);
    thread_join(&workers[1].thread);
    thread_join(&workers[2].thread);
    atomic_store(&stop, true);
    assert_int_equal(thread_join(&workers[0].thread), 0);
    ckf_counter_map_destroy(map);
}

/* --- keys made by several threads --- */

enum { BOUND = 5 };

static int make_the_same_keys(void *arg)
{
    struct worker *worker = arg;
    int overflowed = 0;
    while (!atomic_load(worker->go))
        give_way();
    for (uint64_t key = 0; key < BOUND; key++)
        overflowed += ckf_counter_map_add_u64(worker->map, key, 1) != CKF_OK;
    return overflowed;
}

static void keys_that_fit_are_never_refused(void **state)
{
    for (int round = 0; round < 100 * EFFORT; round++) {
        atomic_bool go = false;
        struct ckf_counter_map *map =
            make(&(struct ckf_counter_map_options){.variant = VARIANT(state), .max_keys = BOUND});
        for (unsigned i = 0; i < 3; i++) {
            workers[i] = (struct worker){.map = map, .go = &go};
            thread_start(&workers[i].thread, make_the_same_keys, &workers[i]);
        }
        atomic_store(&go, true);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(thread_join(&workers[i].thread), 0);
        assert_int_equal(ckf_counter_map_len(map), BOUND);
        assert_int_equal(ckf_counter_map_overflow(map), 0);
        for (uint64_t key = 0; key < BOUND; key++)
            assert_int_equal(get_number(map, key), 3);
        ckf_counter_map_destroy(map);
    }
}

static bool count_visits(const void *key, size_t length, uint64_t value, void *arg)
{
    (void)key;
    (void)length;
    (void)value;
    ++*(size_t *)arg;
    return true;
}

/* Fills the map, and makes room for all whenever it is full. */
static int flood(void *arg)
{
    struct worker *worker = arg;
    for (int fillings = 0; fillings < 100 * EFFORT;) {
        bool full = ckf_counter_map_add_u64(worker->map, roll(worker, 100000), 1) != CKF_OK;
        worker->added++;
        if (ckf_counter_map_len(worker->map) > BOUND)
            return 1;
        if (full) {
            ckf_counter_map_expire(worker->map, 0);
            fillings++;
        }
    }
    return 0;
}

static void a_flood_never_exceeds_the_bound(void **state)
{
    enum { FLOODERS = 3 };
    struct ckf_counter_map *map =
        make(&(struct ckf_counter_map_options){.variant = VARIANT(state), .max_keys = BOUND});
    uint64_t added = 0;
    int excess = 0;
    for (unsigned i = 0; i < FLOODERS; i++)
        start(i, flood, map);
    for (unsigned i = 0; i < FLOODERS; i++) {
        excess |= thread_join(&workers[i].thread);
        added += workers[i].added;
    }
    assert_int_equal(excess, 0);
    assert_int_equal(ckf_counter_map_total(map), added);
    for (uint64_t key = 0; ckf_counter_map_len(map) < BOUND; key++)
        assert_int_equal(ckf_counter_map_add_u64(map, UINT64_C(1) << 32 | key, 1), CKF_OK);
    assert_int_equal(ckf_counter_map_add_u64(map, UINT64_MAX, 1), CKF_OVERFLOWED);
    ckf_counter_map_destroy(map);
}

/* --- iteration while keys come and go --- */

enum { LASTING_KEYS = 500, FLEETING_KEYS = 500 };

static int come_and_go(void *arg)
{
    struct worker *worker = arg;
    for (uint64_t growing = 1000000; !atomic_load(worker->stop); growing++) {
        uint64_t key = LASTING_KEYS + roll(worker, FLEETING_KEYS);
        ckf_counter_map_add_u64(worker->map, key, 1);
        if (growing < 1050000)
            ckf_counter_map_add_u64(worker->map, growing, 1);
        key = LASTING_KEYS + roll(worker, FLEETING_KEYS);
        (void)!ckf_counter_map_remove(worker->map, &key, sizeof key, NULL);
    }
    return 0;
}

static bool mark(const void *key, size_t length, uint64_t value, void *arg)
{
    uint64_t number;
    memcpy(&number, key, length);
    (void)value;
    if (number < LASTING_KEYS + FLEETING_KEYS)
        ++((unsigned char *)arg)[number];
    return true;
}

static void iterations_meet_lasting_keys_once_and_no_key_twice(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    for (uint64_t key = 0; key < LASTING_KEYS; key++)
        ckf_counter_map_add_u64(map, key, 1);
    atomic_store(&stop, false);
    start(0, come_and_go, map);
    start(1, come_and_go, map);
    for (int round = 0; round < 16 + 4 * EFFORT; round++) {
        unsigned char seen[LASTING_KEYS + FLEETING_KEYS] = {0};
        if (round % 4 != 3)
            assert_int_equal(ckf_counter_map_for_each(map, mark, seen), CKF_OK);
        else
            assert_int_equal(ckf_counter_map_top(map, SIZE_MAX, mark, seen), CKF_OK);
        for (int i = 0; i < LASTING_KEYS; i++)
            assert_int_equal(seen[i], 1);
        for (int i = LASTING_KEYS; i < LASTING_KEYS + FLEETING_KEYS; i++)
            assert_in_range(seen[i], 0, 1);
    }
    atomic_store(&stop, true);
    thread_join(&workers[0].thread);
    thread_join(&workers[1].thread);
    ckf_counter_map_destroy(map);
}

/* --- handles shared by threads --- */

static struct ckf_counter *shared_handle;

static int add_by_shared_handle(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < 20000 * EFFORT; i++) {
        ckf_counter_add(shared_handle, 1);
        worker->added++;
    }
    return 0;
}

static int remove_one_key(void *arg)
{
    struct worker *worker = arg;
    while (!atomic_load(worker->stop)) {
        uint64_t value;
        (void)!ckf_counter_map_remove(worker->map, "k", 1, &value);
        worker->got += value;
        give_way();
    }
    return 0;
}

static void a_handle_survives_removals_of_its_key(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    atomic_store(&stop, false);
    assert_int_equal(ckf_counter_map_counter(map, "k", 1, &shared_handle), CKF_OK);
    start(0, remove_one_key, map);
    start(1, add_by_shared_handle, map);
    start(2, add_by_shared_handle, map);
    thread_join(&workers[1].thread);
    thread_join(&workers[2].thread);
    atomic_store(&stop, true);
    thread_join(&workers[0].thread);
    uint64_t left = ckf_counter_get(shared_handle);
    ckf_counter_release(shared_handle);
    assert_int_equal(workers[0].got + left, 40000 * EFFORT);
    ckf_counter_map_destroy(map);
}

/* --- threads that come and go --- */

static int add_a_little(void *arg)
{
    for (uint64_t key = 0; key < 10; key++)
        ckf_counter_map_add_u64(arg, key, 1);
    return 0;
}

static void counts_outlive_their_threads(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    for (int round = 0; round < 50; round++) {
        struct test_thread threads[4];
        for (int i = 0; i < 4; i++)
            thread_start(&threads[i], add_a_little, map);
        for (int i = 0; i < 4; i++)
            thread_join(&threads[i]);
    }
    for (uint64_t key = 0; key < 10; key++)
        assert_int_equal(get_number(map, key), 200);
    assert_int_equal(ckf_counter_map_total(map), 2000);
    ckf_counter_map_destroy(map);
}

enum { HOT_KEYS = 3, HOT_ADDS = 500 };

static int add_to_hot_keys(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < HOT_ADDS; i++)
        ckf_counter_map_add_u64(worker->map, (uint64_t)i % HOT_KEYS, 1);
    return 0;
}

/* Hot keys have words of each thread's own, which later threads inherit; a key that is made anew gets
 * other ones, or the same once more. */
static void hot_keys_outlive_their_threads_takes_and_removals(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    uint64_t added = 0, got = 0, value;
    for (int round = 0; round < 20 * EFFORT; round++) {
        for (unsigned i = 0; i < 3; i++)
            start(i, add_to_hot_keys, map);
        for (uint64_t key = 0; key < HOT_KEYS; key++) {
            (void)!ckf_counter_map_take(map, &key, sizeof key, &value);
            got += value;
        }
        if (round % 4 == 3) {
            uint64_t key = (uint64_t)round / 4 % HOT_KEYS;
            (void)!ckf_counter_map_remove(map, &key, sizeof key, &value);
            got += value;
        }
        for (unsigned i = 0; i < 3; i++)
            thread_join(&workers[i].thread);
        added += 3 * HOT_ADDS;
        assert_int_equal(ckf_counter_map_total(map), added);
    }
    for (uint64_t key = 0; key < HOT_KEYS; key++)
        got += get_number(map, key);
    assert_int_equal(got, added);
    ckf_counter_map_destroy(map);
}

static pthread_key_t at_exit;

static void add_at_exit(void *map)
{
    static _Thread_local int rounds;
    ckf_counter_map_add(map, "exit", 4, 1);
    if (++rounds < 2) /* a third one could come after the sanitizer's own destructor */
        pthread_setspecific(at_exit, map);
}

static int leave_an_add_behind(void *arg)
{
    return pthread_setspecific(at_exit, arg);
}

static void destructors_of_thread_local_data_may_add(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    uint64_t value = 0;
    assert_int_equal(pthread_key_create(&at_exit, add_at_exit), 0);
    for (int i = 0; i < 20; i++) {
        struct test_thread thread;
        thread_start(&thread, leave_an_add_behind, map);
        assert_int_equal(thread_join(&thread), 0);
    }
    pthread_key_delete(at_exit);
    assert_int_equal(ckf_counter_map_get(map, "exit", 4, &value), CKF_OK);
    assert_int_equal(value, 40);
    ckf_counter_map_destroy(map);
}

/* --- forks --- */

/* Where threads may not allocate during forks, those come when nobody does. */
enum { KNOWN_KEYS = 50, ADDS_TO_SETTLE = 20000 };
static _Atomic(int) settled; /* workers that have all the memory that they need for known keys */

static int churn(void *arg)
{
    struct worker *worker = arg;
    for (uint64_t i = 0; !atomic_load(worker->stop); i++) {
        if (i == ADDS_TO_SETTLE)
            atomic_fetch_add(&settled, 1);
        ckf_counter_map_add_u64(worker->map, roll(worker, KNOWN_KEYS), 3);
        if (MAY_ALLOCATE_DURING_FORKS && i % 16 == 0)
            ckf_counter_map_add_u64(worker->map, roll(worker, 100000), 3);
    }
    return 0;
}

static int churn_and_remove(void *arg)
{
    struct worker *worker = arg;
    while (!atomic_load(worker->stop)) {
        uint64_t key = roll(worker, KNOWN_KEYS);
        ckf_counter_map_add_u64(worker->map, key, 3);
        (void)!ckf_counter_map_remove(worker->map, &key, sizeof key, NULL);
    }
    return 0;
}

enum { CHILD_BOUND = 2000 };

/* In the child: 0 if the map is whole and works. Values in it are multiples of 3. */
static int use_inherited(struct ckf_counter_map *map, bool check_sum)
{
    uint64_t live = 0, overflow = ckf_counter_map_overflow(map), total = ckf_counter_map_total(map);
    size_t visited = 0, len = ckf_counter_map_len(map);
    ckf_counter_map_for_each(map, count_visits, &visited);
    ckf_counter_map_for_each(map, sum_up, &live);
    if (total % 3 != 0 || visited != len)
        return 1;
    if (check_sum && live + overflow != total)
        return 2;
    if (ckf_counter_map_add(map, "child", 5, 3) == CKF_INVALID)
        return 3;
    uint64_t key = 1, value;
    (void)!ckf_counter_map_remove(map, &key, sizeof key, &value);
    if (ckf_counter_map_total(map) != total + 3)
        return 4;
    atomic_store(&removed_sum, 0);
    overflow = ckf_counter_map_overflow(map);
    ckf_counter_map_expire(map, 0);
    if (check_sum && atomic_load(&removed_sum) + overflow + value != total + 3)
        return 5;
    for (key = 0; key < CHILD_BOUND; key++)
        if (ckf_counter_map_add_u64(map, key, 1) != CKF_OK)
            return 6;
    if (ckf_counter_map_add_u64(map, key, 1) != CKF_OVERFLOWED)
        return 7;
    ckf_counter_map_destroy(map);
    return 0;
}

static void fork_while(enum ckf_variant variant, int (*body)(void *arg), bool check_sum)
{
    struct ckf_counter_map *map = make(&(struct ckf_counter_map_options){
        .variant = variant, .max_keys = CHILD_BOUND, .removed = sum_up_removed});
    for (uint64_t key = 0; key < KNOWN_KEYS; key++)
        ckf_counter_map_add_u64(map, key, 3);
    atomic_store(&stop, false);
    atomic_store(&settled, 0);
    start(0, body, map);
    start(1, body, map);
    while (!MAY_ALLOCATE_DURING_FORKS && atomic_load(&settled) < 2)
        sched_yield();
    int status = 0;
    for (int round = 0; round < 8 + 2 * EFFORT && status == 0; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(CAN_WORK_AFTER_BUSY_FORK ? use_inherited(map, check_sum) : 0);
        }
        waitpid(child, &status, 0);
    }
    atomic_store(&stop, true);
    thread_join(&workers[0].thread);
    thread_join(&workers[1].thread);
    assert_int_equal(status, 0);
    ckf_counter_map_destroy(map);
}

static void an_interrupted_add_is_counted_wholly_or_not_at_all_in_a_child(void **state)
{
    fork_while(VARIANT(state), churn, true);
}

static void a_child_can_use_a_map_whose_keys_were_being_removed(void **state)
{
    if (!MAY_ALLOCATE_DURING_FORKS)
        skip();
    fork_while(VARIANT(state), churn_and_remove, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(nothing_is_lost),
        BOTH_VARIANTS(nothing_is_lost_in_a_bounded_map),
        BOTH_VARIANTS(each_increment_lands_in_exactly_one_take),
        BOTH_VARIANTS(no_read_shows_a_value_that_never_was),
        BOTH_VARIANTS(values_never_go_backwards),
        BOTH_VARIANTS(keys_that_fit_are_never_refused),
        BOTH_VARIANTS(a_flood_never_exceeds_the_bound),
        BOTH_VARIANTS(iterations_meet_lasting_keys_once_and_no_key_twice),
        BOTH_VARIANTS(a_handle_survives_removals_of_its_key),
        BOTH_VARIANTS(counts_outlive_their_threads),
        BOTH_VARIANTS(hot_keys_outlive_their_threads_takes_and_removals),
        BOTH_VARIANTS(destructors_of_thread_local_data_may_add),
        BOTH_VARIANTS(an_interrupted_add_is_counted_wholly_or_not_at_all_in_a_child),
        BOTH_VARIANTS(a_child_can_use_a_map_whose_keys_were_being_removed),
    };
    return cmocka_run_group_tests_name("counter_map_threads", tests, NULL, NULL);
}
