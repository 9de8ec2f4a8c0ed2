/* tests/test_counter_map_memory.c - counter maps without memory: a failed allocation leaves no
 * trace, and costs no count. */
#include "support.h"

#include <string.h>

#include <ck_filter/counter_map.h>

static void create_fails_whole(void **state)
{
    struct ckf_counter_map_options options = {
        .name = "counts", .variant = VARIANT(state), .expected_keys = 1000};
    unsigned failures = 0;
    for (unsigned nth = 1;; nth++) {
        struct ckf_counter_map *map = NULL;
        size_t before = live_allocations();
        fail_allocation(nth);
        enum ckf_status status = ckf_counter_map_create(&map, &options);
        fail_allocation(0);
        if (status == CKF_OK) {
            ckf_counter_map_destroy(map);
            assert_int_equal(live_allocations(), before);
            break;
        }
        failures++;
        assert_int_equal(status, CKF_NO_MEMORY);
        assert_null(map);
        assert_int_equal(live_allocations(), before);
    }
    assert_in_range(failures, 2, 1000);
}

static struct ckf_counter_map *make(enum ckf_variant variant)
{
    struct ckf_counter_map_options options = {.variant = variant};
    struct ckf_counter_map *map = NULL;
    assert_int_equal(ckf_counter_map_create(&map, &options), CKF_OK);
    return map;
}

/* An inner node and its leaves, which are kept though the add that had them made finds no memory for
 * the next step. */
enum { GROWN_IN_VAIN = 1 + 64 };

static void an_add_without_memory_counts_in_overflow(void **state)
{
    size_t at_first = live_allocations();
    struct ckf_counter_map *map = make(VARIANT(state));
    uint64_t overflow = 0, total = 0;
    for (uint64_t key = 0; key < 2000; key++) {
        size_t before = live_allocations();
        for (unsigned nth = 1;; nth++) {
            size_t len = ckf_counter_map_len(map);
            fail_allocation(nth);
            enum ckf_status status = ckf_counter_map_add_u64(map, key, 3);
            bool failed = allocation_failed();
            fail_allocation(0);
            total += 3;
            assert_int_equal(ckf_counter_map_total(map) - total, 0);
            if (!failed || status == CKF_OK) { /* what failed was growth ahead of need */
                assert_int_equal(status, CKF_OK);
                break;
            }
            overflow += 3;
            assert_int_equal(status, CKF_OVERFLOWED);
            assert_int_equal(ckf_counter_map_overflow(map), overflow);
            assert_int_equal(ckf_counter_map_len(map), len);
            assert_in_range(live_allocations(), 0, before + GROWN_IN_VAIN);
        }
        if (key > 100)
            key += 50; /* still across growth, but not for ever */
    }
    assert_true(overflow > 0);
    ckf_counter_map_destroy(map);
    assert_int_equal(live_allocations(), at_first);
}

static void a_bounded_map_gives_back_the_room_of_a_failed_key(void **state)
{
    struct ckf_counter_map_options options = {.variant = VARIANT(state), .max_keys = 1};
    struct ckf_counter_map *map = NULL;
    assert_int_equal(ckf_counter_map_create(&map, &options), CKF_OK);
    fail_allocation(1);
    assert_int_equal(ckf_counter_map_add(map, "a", 1, 1), CKF_OVERFLOWED);
    fail_allocation(0);
    assert_int_equal(ckf_counter_map_add(map, "b", 1, 1), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, "a", 1, 1), CKF_OVERFLOWED);
    ckf_counter_map_destroy(map);
}

static void a_handle_without_memory_does_not_exist(void **state)
{
    struct ckf_counter_map *map = make(VARIANT(state));
    struct ckf_counter *counter = NULL;
    unsigned failures = 0;
    for (unsigned nth = 1; counter == NULL; nth++) {
        fail_allocation(nth);
        enum ckf_status status = ckf_counter_map_counter(map, "a", 1, &counter);
        fail_allocation(0);
        if (counter != NULL) {
            assert_int_equal(status, CKF_OK);
            break;
        }
        failures++;
        assert_int_equal(status, CKF_NO_MEMORY);
        assert_int_equal(ckf_counter_map_get(map, "a", 1, NULL), CKF_NOT_FOUND);
        assert_int_equal(ckf_counter_map_total(map), 0);
    }
    assert_in_range(failures, 2, 3);
    ckf_counter_release(counter);
    ckf_counter_map_destroy(map);
}

static void a_handle_whose_key_finds_no_memory_counts_in_overflow(void **state)
{
    struct ckf_counter_map *map = make(VARIANT(state));
    struct ckf_counter *counter = NULL;
    static const char key[500]; /* too long for memory that is there already */
    assert_int_equal(ckf_counter_map_counter(map, key, sizeof key, &counter), CKF_OK);
    assert_int_equal(ckf_counter_map_remove(map, key, sizeof key, NULL), CKF_OK);
    fail_allocation(1);
    ckf_counter_add(counter, 5);
    assert_true(allocation_failed());
    fail_allocation(0);
    assert_int_equal(ckf_counter_map_overflow(map), 5);
    ckf_counter_add(counter, 7);
    assert_int_equal(ckf_counter_get(counter), 7);
    ckf_counter_release(counter);
    ckf_counter_map_destroy(map);
}

struct visited {
    unsigned count;
    uint64_t sum;
};

static bool visit(const void *key, size_t length, uint64_t value, void *arg)
{
    struct visited *visited = arg;
    (void)key;
    (void)length;
    visited->count++;
    visited->sum += value;
    return true;
}

enum { LONG_KEYS = 100, LONG_KEY_BYTES = 500 };

static enum ckf_status run_iteration(int which, struct ckf_counter_map *map,
                                     struct visited *visited)
{
    switch (which) {
    case 0:
        return ckf_counter_map_for_each(map, visit, visited);
    case 1:
        return ckf_counter_map_top(map, SIZE_MAX, visit, visited);
    default:
        return ckf_counter_map_take_all(map, visit, visited);
    }
}

static void iterations_without_memory_lose_nothing(void **state)
{
    struct ckf_counter_map *map = make(VARIANT(state));
    char key[LONG_KEY_BYTES] = {0};
    for (int i = 0; i < LONG_KEYS; i++) {
        key[0] = (char)i;
        assert_int_equal(ckf_counter_map_add(map, key, sizeof key, 1), CKF_OK);
    }
    for (int which = 0; which < 3; which++) {
        unsigned failures = 0;
        uint64_t taken = 0;
        for (unsigned nth = 1;; nth++) {
            struct visited visited = {0};
            size_t before = live_allocations();
            fail_allocation(nth);
            enum ckf_status status = run_iteration(which, map, &visited);
            bool failed = allocation_failed();
            fail_allocation(0);
            /* tables that the adds have replaced may go meanwhile */
            assert_in_range(live_allocations(), 0, before);
            taken += visited.sum;
            if (!failed) {
                assert_int_equal(status, CKF_OK);
                assert_int_equal(which < 2 ? visited.sum : taken, LONG_KEYS);
                break;
            }
            failures++;
            assert_int_equal(status, CKF_NO_MEMORY);
            if (which == 1)
                assert_int_equal(visited.count, 0);
        }
        assert_true(failures >= 2);
    }
    ckf_counter_map_destroy(map);
}

static void removal_needs_no_memory(void **state)
{
    struct ckf_counter_map *map = make(VARIANT(state));
    for (uint64_t key = 0; key < 100; key++)
        assert_int_equal(ckf_counter_map_add_u64(map, key, 1), CKF_OK);
    uint64_t key = 1, final = 0;
    fail_allocation(1);
    assert_int_equal(ckf_counter_map_remove(map, &key, sizeof key, &final), CKF_OK);
    assert_int_equal(ckf_counter_map_expire(map, 0), 99);
    assert_int_equal(ckf_counter_map_total(map), 100);
    ckf_counter_map_destroy(map);
    assert_false(allocation_failed());
    fail_allocation(0);
}

/* What an add copies, when tables grow, it first makes room for: and that is little, however many keys
 * there are. */
static void growth_moves_little_in_any_one_add(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    enum { KEYS = 40000 };
#else
    enum { KEYS = 400000 };
#endif
    enum { MOST_BYTES = 256 << 10 };
    struct ckf_counter_map *map = make(CKF_VARIANT_ATOMIC);
    size_t first = allocated_bytes(), most = 0;
    for (uint64_t key = 0; key < KEYS; key++) {
        size_t before = allocated_bytes();
        assert_int_equal(ckf_counter_map_add_u64(map, key, 1), CKF_OK);
        size_t bytes = allocated_bytes() - before;
        most = bytes > most ? bytes : most;
    }
    assert_in_range(most, sizeof(uint64_t), MOST_BYTES);
    assert_true(allocated_bytes() - first > 16 * MOST_BYTES); /* there was much to move in all */
    ckf_counter_map_destroy(map);
}

static int expire_all(void *map)
{
    return ckf_counter_map_expire(map, 0) > 0 ? 0 : 1;
}

/* With some room for what is on its way back. */
static void keys_that_another_thread_removes_leave_their_memory_to_new_ones(void **state)
{
    enum { ROUNDS = 400, KEYS_AT_ONCE = 1000, MOST_BYTES = 64 * ROUNDS * KEYS_AT_ONCE };
    struct ckf_counter_map *map = make(VARIANT(state));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (uint64_t key = 0; key < KEYS_AT_ONCE; key++)
            assert_int_equal(ckf_counter_map_add_u64(map, round * KEYS_AT_ONCE + key, 1), CKF_OK);
        struct test_thread other;
        thread_start(&other, expire_all, map);
        assert_int_equal(thread_join(&other), 0);
    }
    assert_in_range(live_bytes(), 0, MOST_BYTES);
    ckf_counter_map_destroy(map);
}

static void all_memory_is_given_back(void **state)
{
    size_t before = live_allocations();
    struct ckf_counter_map *map = make(VARIANT(state));
    struct ckf_counter *counter = NULL;
    for (uint64_t key = 0; key < 1000; key++)
        assert_int_equal(ckf_counter_map_add_u64(map, key, 1), CKF_OK);
    assert_int_equal(ckf_counter_map_counter(map, "handle", 6, &counter), CKF_OK);
    assert_int_equal(ckf_counter_map_remove(map, "handle", 6, NULL), CKF_OK);
    ckf_counter_add(counter, 1);
    ckf_counter_release(counter);
    ckf_counter_map_destroy(map);
    assert_int_equal(live_allocations(), before);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(create_fails_whole),
        BOTH_VARIANTS(an_add_without_memory_counts_in_overflow),
        BOTH_VARIANTS(a_bounded_map_gives_back_the_room_of_a_failed_key),
        BOTH_VARIANTS(a_handle_without_memory_does_not_exist),
        BOTH_VARIANTS(a_handle_whose_key_finds_no_memory_counts_in_overflow),
        BOTH_VARIANTS(iterations_without_memory_lose_nothing),
        BOTH_VARIANTS(removal_needs_no_memory),
        cmocka_unit_test(growth_moves_little_in_any_one_add),
        BOTH_VARIANTS(keys_that_another_thread_removes_leave_their_memory_to_new_ones),
        BOTH_VARIANTS(all_memory_is_given_back),
    };
    return cmocka_run_group_tests_name("counter_map_memory", tests, NULL, NULL);
}
