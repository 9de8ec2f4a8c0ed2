/* tests/test_counter_map.c - what counter maps promise to one thread. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ck_filter/counter_map.h>

#include "misuse.h"

static struct ckf_counter_map *make(const struct ckf_counter_map_options *options)
{
    struct ckf_counter_map *map = NULL;
    assert_int_equal(ckf_counter_map_create(&map, options), CKF_OK);
    assert_non_null(map);
    return map;
}

static struct ckf_counter_map *make_variant(enum ckf_variant variant)
{
    return make(&(struct ckf_counter_map_options){.variant = variant});
}

static enum ckf_status add(struct ckf_counter_map *map, const char *key, uint64_t n)
{
    return ckf_counter_map_add(map, key, strlen(key), n);
}

static uint64_t get(struct ckf_counter_map *map, const char *key)
{
    uint64_t value = 77;
    enum ckf_status status = ckf_counter_map_get(map, key, strlen(key), &value);
    if (status == CKF_NOT_FOUND)
        assert_int_equal(value, 0);
    else
        assert_int_equal(status, CKF_OK);
    return value;
}

static bool has(struct ckf_counter_map *map, const char *key)
{
    return ckf_counter_map_get(map, key, strlen(key), NULL) == CKF_OK;
}

static uint64_t take(struct ckf_counter_map *map, const char *key)
{
    uint64_t value = 77;
    assert_int_equal(ckf_counter_map_take(map, key, strlen(key), &value), CKF_OK);
    return value;
}

static uint64_t take_out(struct ckf_counter_map *map, const char *key)
{
    uint64_t value = 77;
    assert_int_equal(ckf_counter_map_remove(map, key, strlen(key), &value), CKF_OK);
    return value;
}

static struct ckf_counter *hold(struct ckf_counter_map *map, const char *key)
{
    struct ckf_counter *counter = NULL;
    assert_int_equal(ckf_counter_map_counter(map, key, strlen(key), &counter), CKF_OK);
    assert_non_null(counter);
    return counter;
}

/* Collects what visitors and `removed` are told. */
struct told {
    unsigned calls, stop_after; /* 0: never */
    uint64_t sum, last;
    char last_key[32];
};

static bool tell(const void *key, size_t length, uint64_t value, void *arg)
{
    struct told *told = arg;
    snprintf(told->last_key, sizeof told->last_key, "%.*s", (int)length, (const char *)key);
    told->sum += value;
    told->last = value;
    return ++told->calls != told->stop_after;
}

static void tell_removed(const void *key, size_t length, uint64_t value, void *arg)
{
    tell(key, length, value, arg);
}

static struct ckf_counter_map *make_telling(enum ckf_variant variant, struct told *told)
{
    return make(&(struct ckf_counter_map_options){
        .variant = variant, .removed = tell_removed, .removed_arg = told});
}

/* --- keys and values --- */

static void adds_sum_up_by_key(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    assert_int_equal(ckf_counter_map_len(map), 0);
    assert_int_equal(add(map, "apple", 2), CKF_OK);
    assert_int_equal(add(map, "pear", 10), CKF_OK);
    assert_int_equal(add(map, "apple", 3), CKF_OK);
    assert_int_equal(get(map, "apple"), 5);
    assert_int_equal(get(map, "pear"), 10);
    assert_int_equal(get(map, "plum"), 0);
    assert_int_equal(ckf_counter_map_len(map), 2);
    assert_int_equal(ckf_counter_map_total(map), 15);
    assert_int_equal(ckf_counter_map_overflow(map), 0);
    ckf_counter_map_destroy(map);
}

static void defaults_make_a_working_map(void **state)
{
    (void)state;
    struct ckf_counter_map_options zero = {0};
    struct ckf_counter_map *map = make(NULL), *other = make(&zero);
    assert_int_equal(add(map, "a", 1), CKF_OK);
    assert_int_equal(add(other, "a", 2), CKF_OK);
    assert_int_equal(get(map, "a"), 1);
    assert_int_equal(get(other, "a"), 2);
    ckf_counter_map_destroy(map);
    ckf_counter_map_destroy(other);
}

static void adding_zero_makes_the_key(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    assert_false(has(map, "a"));
    assert_int_equal(add(map, "a", 0), CKF_OK);
    assert_true(has(map, "a"));
    assert_int_equal(ckf_counter_map_len(map), 1);
    ckf_counter_map_destroy(map);
}

static void keys_are_any_bytes(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    assert_int_equal(ckf_counter_map_add(map, "a\0b", 3, 1), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, "a\0c", 3, 2), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, "a\0", 2, 3), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, "a", 1, 4), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, "", 0, 5), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, NULL, 0, 6), CKF_OK);
    uint64_t value = 0;
    assert_int_equal(ckf_counter_map_get(map, "a\0c", 3, &value), CKF_OK);
    assert_int_equal(value, 2);
    assert_int_equal(ckf_counter_map_get(map, "a\0", 2, &value), CKF_OK);
    assert_int_equal(value, 3);
    assert_int_equal(ckf_counter_map_get(map, NULL, 0, &value), CKF_OK);
    assert_int_equal(value, 11);
    assert_int_equal(ckf_counter_map_len(map), 5);
    ckf_counter_map_destroy(map);
}

static void keys_may_have_64_kib_and_no_more(void **state)
{
    enum { MAX = CKF_COUNTER_MAP_MAX_KEY_BYTES };
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct ckf_counter *counter = NULL;
    char *key = calloc(1, MAX + 1);
    assert_non_null(key);
    for (int i = 0; i < 100; i++) {
        key[MAX - 1] = (char)i;
        assert_int_equal(ckf_counter_map_add(map, key, MAX, 1), CKF_OK);
    }
    assert_int_equal(ckf_counter_map_len(map), 100);
    struct told told = {0};
    assert_int_equal(ckf_counter_map_for_each(map, tell, &told), CKF_OK);
    assert_int_equal(told.calls, 100);
    assert_int_equal(ckf_counter_map_add(map, key, MAX + 1, 1), CKF_INVALID);
    assert_int_equal(ckf_counter_map_get(map, key, MAX + 1, NULL), CKF_INVALID);
    assert_int_equal(ckf_counter_map_take(map, key, MAX + 1, NULL), CKF_INVALID);
    assert_int_equal(ckf_counter_map_remove(map, key, MAX + 1, NULL), CKF_INVALID);
    assert_int_equal(ckf_counter_map_counter(map, key, MAX + 1, &counter), CKF_INVALID);
    assert_int_equal(ckf_counter_map_add(map, NULL, 1, 1), CKF_INVALID);
    assert_null(counter);
    assert_int_equal(ckf_counter_map_total(map), 100);
    free(key);
    ckf_counter_map_destroy(map);
}

static void the_key_is_copied(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    char key[] = "first";
    assert_int_equal(add(map, key, 1), CKF_OK);
    struct ckf_counter *counter = hold(map, key);
    memcpy(key, "other", sizeof key);
    assert_int_equal(get(map, "first"), 1);
    assert_int_equal(take_out(map, "first"), 1);
    ckf_counter_add(counter, 7);
    assert_int_equal(get(map, "first"), 7);
    assert_false(has(map, "other"));
    ckf_counter_release(counter);
    ckf_counter_map_destroy(map);
}

static void number_keys_have_eight_bytes(void **state)
{
    struct ckf_counter_map *map = make(&(struct ckf_counter_map_options){
        .variant = VARIANT(state), .flags = CKF_COUNTER_MAP_U64_KEYS});
    uint64_t key = UINT64_C(0x0102030405060708), value = 0;
    assert_int_equal(ckf_counter_map_add(map, "1234567", 7, 1), CKF_INVALID);
    assert_int_equal(ckf_counter_map_add(map, NULL, 0, 1), CKF_INVALID);
    assert_int_equal(ckf_counter_map_add(map, NULL, 8, 1), CKF_INVALID);
    assert_int_equal(ckf_counter_map_add_u64(map, key, 1), CKF_OK);
    assert_int_equal(ckf_counter_map_add(map, &key, sizeof key, 2), CKF_OK);
    assert_int_equal(ckf_counter_map_get(map, &key, sizeof key, &value), CKF_OK);
    assert_int_equal(value, 3);
    assert_int_equal(ckf_counter_map_len(map), 1);
    ckf_counter_map_destroy(map);
}

static void a_number_is_its_eight_bytes(void **state)
{
    struct ckf_counter_map *map = make(&(struct ckf_counter_map_options){
        .variant = VARIANT(state), .flags = CKF_COUNTER_MAP_SIPHASH});
    uint64_t key = 5, value = 0;
    assert_int_equal(ckf_counter_map_add_u64(map, key, 9), CKF_OK);
    assert_int_equal(ckf_counter_map_get(map, &key, sizeof key, &value), CKF_OK);
    assert_int_equal(value, 9);
    ckf_counter_map_destroy(map);
}

static void bad_options_are_invalid(void **state)
{
    struct ckf_counter_map *map = NULL;
    struct ckf_counter_map_options options = {.variant = VARIANT(state), .reserved = {0, 0, 0, 1}};
    assert_int_equal(ckf_counter_map_create(&map, &options), CKF_INVALID);
    options = (struct ckf_counter_map_options){.variant = VARIANT(state), .flags = 4};
    assert_int_equal(ckf_counter_map_create(&map, &options), CKF_INVALID);
    options = (struct ckf_counter_map_options){.variant = (enum ckf_variant)2};
    assert_int_equal(ckf_counter_map_create(&map, &options), CKF_INVALID);
    assert_null(map);
}

static void expected_keys_are_a_hint_alone(void **state)
{
    const size_t hints[] = {1, 100, 5000, SIZE_MAX};
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        struct ckf_counter_map *map =
            make(&(struct ckf_counter_map_options){.name = "hinted",
                                                   .variant = VARIANT(state),
                                                   .expected_keys = hints[i],
                                                   .max_keys = i == 3 ? 3000 : 0});
        for (uint64_t key = 0; key < 3000; key++)
            assert_int_equal(ckf_counter_map_add_u64(map, key, key), CKF_OK);
        assert_int_equal(ckf_counter_map_total(map), 3000 * 2999 / 2);
        ckf_counter_map_destroy(map);
    }
}

static void a_growing_map_keeps_every_key(void **state)
{
    enum { KEYS = 20000 };
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    char key[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < KEYS; i++) {
            snprintf(key, sizeof key, "key %d", i);
            assert_int_equal(add(map, key, (uint64_t)i), CKF_OK);
        }
    assert_int_equal(ckf_counter_map_len(map), KEYS);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(get(map, key), 2 * i);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key %d", i * 7);
        assert_int_equal(take_out(map, key), 14 * i);
        assert_false(has(map, key));
    }
    assert_int_equal(ckf_counter_map_len(map), KEYS - 100);
    ckf_counter_map_destroy(map);
}

/* --- take --- */

static void a_take_returns_what_was_added_and_keeps_the_key(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    uint64_t value = 77;
    assert_int_equal(ckf_counter_map_take(map, "a", 1, &value), CKF_NOT_FOUND);
    assert_int_equal(value, 0);
    add(map, "a", 5);
    assert_int_equal(take(map, "a"), 5);
    assert_true(has(map, "a"));
    assert_int_equal(get(map, "a"), 0);
    assert_int_equal(take(map, "a"), 0);
    add(map, "a", 2);
    assert_int_equal(get(map, "a"), 2);
    assert_int_equal(ckf_counter_map_take(map, "a", 1, NULL), CKF_OK);
    assert_int_equal(get(map, "a"), 0);
    assert_int_equal(ckf_counter_map_total(map), 7);
    ckf_counter_map_destroy(map);
}

static void counts_go_on_across_the_wrap(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    add(map, "a", UINT64_MAX - 1);
    assert_true(take(map, "a") == UINT64_MAX - 1);
    add(map, "a", 5);
    assert_int_equal(get(map, "a"), 5);
    assert_int_equal(take(map, "a"), 5);
    add(map, "a", UINT64_MAX);
    assert_true(get(map, "a") == UINT64_MAX);
    add(map, "a", 3);
    assert_int_equal(get(map, "a"), 2);
    assert_int_equal(take_out(map, "a"), 2);
    assert_int_equal(ckf_counter_map_total(map), 5); /* modulo 2^64 */
    ckf_counter_map_destroy(map);
}

static void take_all_takes_each_key_and_skips_zeros(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct told told = {0};
    add(map, "a", 1);
    add(map, "b", 0);
    add(map, "c", 10);
    add(map, "d", 100);
    take(map, "c");
    assert_int_equal(ckf_counter_map_take_all(map, tell, &told), CKF_OK);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.sum, 101);
    assert_int_equal(ckf_counter_map_len(map), 4);
    assert_int_equal(get(map, "d"), 0);
    assert_int_equal(ckf_counter_map_total(map), 111);
    ckf_counter_map_destroy(map);
}

static void the_value_at_which_take_all_stops_is_taken(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct told told = {.stop_after = 2};
    add(map, "a", 1);
    add(map, "b", 10);
    add(map, "c", 100);
    assert_int_equal(ckf_counter_map_take_all(map, tell, &told), CKF_OK);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.sum + get(map, "a") + get(map, "b") + get(map, "c"), 111);
    assert_int_equal(get(map, told.last_key), 0);
    ckf_counter_map_destroy(map);
}

/* --- remove and destroy --- */

static void a_removed_key_is_made_anew(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    uint64_t final = 77;
    assert_int_equal(ckf_counter_map_remove(map, "a", 1, &final), CKF_NOT_FOUND);
    assert_int_equal(final, 0);
    add(map, "a", 4);
    take(map, "a");
    add(map, "a", 3);
    assert_int_equal(take_out(map, "a"), 3);
    assert_false(has(map, "a"));
    assert_int_equal(ckf_counter_map_len(map), 0);
    add(map, "a", 1);
    assert_int_equal(get(map, "a"), 1);
    assert_int_equal(ckf_counter_map_total(map), 8);
    ckf_counter_map_destroy(map);
}

static void removed_is_told_what_is_returned_nowhere_else(void **state)
{
    struct told told = {0};
    struct ckf_counter_map *map = make_telling(VARIANT(state), &told);
    add(map, "a", 1);
    add(map, "b", 10);
    add(map, "c", 100);
    add(map, "d", 1000);
    assert_int_equal(take_out(map, "a"), 1);
    assert_int_equal(told.calls, 0);
    assert_int_equal(ckf_counter_map_remove(map, "b", 1, NULL), CKF_OK);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.last, 10);
    assert_string_equal(told.last_key, "b");
    assert_int_equal(ckf_counter_map_remove(map, "b", 1, NULL), CKF_NOT_FOUND);
    assert_int_equal(told.calls, 1);
    take(map, "c");
    ckf_counter_map_destroy(map);
    assert_int_equal(told.calls, 3);
    assert_int_equal(told.sum, 1010);
}

static struct ckf_counter_map *current_map; /* for callbacks that call back */
static unsigned callbacks;

static void add_again(const void *key, size_t length, uint64_t value, void *arg)
{
    uint64_t found = 0;
    const enum ckf_status *expected = arg;
    callbacks++;
    assert_int_equal(ckf_counter_map_get(current_map, key, length, &found), CKF_NOT_FOUND);
    assert_int_equal(ckf_counter_map_add(current_map, key, length, value), *expected);
}

static void a_removed_callback_may_make_the_key_anew(void **state)
{
    enum ckf_status expected = CKF_OK;
    current_map = make(&(struct ckf_counter_map_options){
        .variant = VARIANT(state), .max_keys = 3, .removed = add_again, .removed_arg = &expected});
    callbacks = 0;
    for (uint64_t key = 0; key < 3; key++)
        ckf_counter_map_add_u64(current_map, key, 5);
    assert_int_equal(ckf_counter_map_expire(current_map, 0), 3);
    assert_int_equal(callbacks, 3);
    assert_int_equal(ckf_counter_map_len(current_map), 3);
    uint64_t key = 1;
    assert_int_equal(ckf_counter_map_remove(current_map, &key, sizeof key, NULL), CKF_OK);
    assert_int_equal(ckf_counter_map_len(current_map), 3);
    assert_int_equal(ckf_counter_map_overflow(current_map), 0);
    expected = CKF_OVERFLOWED;
    ckf_counter_map_destroy(current_map);
    assert_int_equal(callbacks, 7);
}

/* --- iteration --- */

static bool mark_number(const void *key, size_t length, uint64_t value, void *arg)
{
    unsigned *seen = arg;
    uint64_t number;
    assert_int_equal(length, sizeof number);
    memcpy(&number, key, sizeof number);
    assert_int_equal(value, number + 1);
    seen[number]++;
    return true;
}

static void an_iteration_visits_each_key_once(void **state)
{
    enum { KEYS = 3000 };
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    unsigned *seen = calloc(KEYS, sizeof *seen);
    assert_int_equal(ckf_counter_map_for_each(map, mark_number, seen), CKF_OK);
    for (uint64_t key = 0; key < KEYS; key++)
        ckf_counter_map_add_u64(map, key, key + 1);
    assert_int_equal(ckf_counter_map_for_each(map, mark_number, seen), CKF_OK);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
    ckf_counter_map_destroy(map);
}

/* What a visitor does to the map while it is iterated over, and how often it saw each key. */
struct upheaval {
    struct ckf_counter_map *map;
    bool takes, grows, removes, expires;
    uint32_t random;
    unsigned newcomers, visits, *seen;
};

enum { LASTING = 2000, UPHEAVED = 4000 };

/* Of those from LASTING on, which come and go. */
static void remove_and_add(struct upheaval *upheaval, uint64_t number)
{
    uint64_t value;
    if (ckf_counter_map_remove(upheaval->map, &number, sizeof number, &value) == CKF_OK)
        ckf_counter_map_add_u64(upheaval->map, number, 1);
}

static void add_newcomers(struct upheaval *upheaval, unsigned count)
{
    for (; count > 0; count--)
        ckf_counter_map_add_u64(upheaval->map, UPHEAVED + upheaval->newcomers++, 1);
}

static bool upheave(const void *key, size_t length, uint64_t value, void *arg)
{
    struct upheaval *upheaval = arg;
    uint64_t number;
    assert_int_equal(length, sizeof number);
    memcpy(&number, key, length);
    if (number < UPHEAVED)
        upheaval->seen[number]++;
    assert_int_equal(value, 1);
    upheaval->random = upheaval->random * 1664525 + 1013904223;
    if (upheaval->visits++ % 7 != 0)
        return true;
    if (upheaval->removes && number >= LASTING && number < UPHEAVED)
        remove_and_add(upheaval, number);
    if (upheaval->removes)
        remove_and_add(upheaval, LASTING + (upheaval->random >> 8) % (UPHEAVED - LASTING));
    if (upheaval->grows && upheaval->newcomers < 20000)
        add_newcomers(upheaval, 50);
    if (upheaval->expires)
        ckf_counter_map_expire(upheaval->map, 1000);
    return true;
}

static void upheave_with(void **state, struct upheaval upheaval)
{
    upheaval.map = make_variant(VARIANT(state));
    upheaval.seen = calloc(UPHEAVED, sizeof *upheaval.seen);
    for (uint64_t i = 0; i < UPHEAVED; i++)
        ckf_counter_map_add_u64(upheaval.map, i, 1);
    assert_int_equal((upheaval.takes ? ckf_counter_map_take_all
                                     : ckf_counter_map_for_each)(upheaval.map, upheave, &upheaval),
                     CKF_OK);
    for (unsigned i = 0; i < UPHEAVED; i++) {
        assert_true(upheaval.seen[i] <= 1);
        if (i < LASTING || !upheaval.removes)
            assert_int_equal(upheaval.seen[i], 1);
    }
    free(upheaval.seen);
    ckf_counter_map_destroy(upheaval.map);
}

static void an_iteration_that_makes_keys_visits_each_once(void **state)
{
    upheave_with(state, (struct upheaval){.grows = true});
    upheave_with(state, (struct upheaval){.grows = true, .takes = true});
}

static void an_iteration_that_removes_keys_visits_each_once(void **state)
{
    upheave_with(state, (struct upheaval){.removes = true});
    upheave_with(state, (struct upheaval){.removes = true, .grows = true});
    upheave_with(state, (struct upheaval){.removes = true, .grows = true, .takes = true});
}

static void an_iteration_that_sweeps_visits_each_once(void **state)
{
    upheave_with(state, (struct upheaval){.expires = true});
}

static void a_stopped_iteration_is_ok(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct told told = {.stop_after = 2};
    add(map, "a", 1);
    add(map, "b", 1);
    add(map, "c", 1);
    assert_int_equal(ckf_counter_map_for_each(map, tell, &told), CKF_OK);
    assert_int_equal(told.calls, 2);
    ckf_counter_map_destroy(map);
}

/* Makes keys, removes others, iterates and expires, all of it while being visited. */
static bool meddle(const void *key, size_t length, uint64_t value, void *arg)
{
    struct told inner = {0};
    uint64_t number;
    memcpy(&number, key, sizeof number);
    (void)arg;
    callbacks++;
    assert_int_equal(ckf_counter_map_add(current_map, key, length, 1), CKF_OK);
    uint64_t found = 0;
    assert_int_equal(ckf_counter_map_get(current_map, key, length, &found), CKF_OK);
    assert_int_equal(found, value + 1);
    assert_int_equal(ckf_counter_map_add_u64(current_map, number + 1000000 + value, 1), CKF_OK);
    assert_int_equal(ckf_counter_map_for_each(current_map, tell, &inner), CKF_OK);
    assert_int_equal(inner.calls, ckf_counter_map_len(current_map));
    uint64_t own_neighbour = number + 1;
    (void)!ckf_counter_map_remove(current_map, &own_neighbour, sizeof own_neighbour, NULL);
    assert_int_equal(ckf_counter_map_top(current_map, 1, tell, &inner), CKF_OK);
    if (callbacks == 20)
        ckf_counter_map_expire(current_map, 0);
    return callbacks < 30;
}

static void a_visitor_may_call_back_into_the_map(void **state)
{
    struct told told = {0};
    current_map = make_telling(VARIANT(state), &told);
    callbacks = 0;
    for (uint64_t key = 0; key < 200; key++)
        ckf_counter_map_add_u64(current_map, key, 1);
    assert_int_equal(ckf_counter_map_for_each(current_map, meddle, NULL), CKF_OK);
    assert_in_range(callbacks, 20, 30);
    uint64_t total = ckf_counter_map_total(current_map);
    ckf_counter_map_destroy(current_map);
    assert_int_equal(told.sum, total);
}

static bool expect_descending(const void *key, size_t length, uint64_t value, void *arg)
{
    struct told *told = arg;
    if (told->calls > 0)
        assert_in_range(value, 0, told->last);
    return tell(key, length, value, arg);
}

static void top_visits_the_largest_in_descending_order(void **state)
{
    enum { KEYS = 1000 };
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct told none = {0};
    assert_int_equal(ckf_counter_map_top(map, 3, tell, &none), CKF_OK);
    for (uint64_t key = 0; key < KEYS; key++)
        ckf_counter_map_add_u64(map, key * 7919 % KEYS, key);
    assert_int_equal(ckf_counter_map_top(map, 0, tell, &none), CKF_OK);
    assert_int_equal(none.calls, 0);
    const size_t wanted[] = {1, 2, 10, KEYS - 1, KEYS, KEYS + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct told told = {0};
        uint64_t expected = wanted[i] < KEYS ? wanted[i] : KEYS;
        assert_int_equal(ckf_counter_map_top(map, wanted[i], expect_descending, &told), CKF_OK);
        assert_int_equal(told.calls, expected);
        assert_int_equal(told.sum, expected * (2 * KEYS - 1 - expected) / 2);
    }
    struct told stopped = {.stop_after = 5};
    assert_int_equal(ckf_counter_map_top(map, 50, expect_descending, &stopped), CKF_OK);
    assert_int_equal(stopped.calls, 5);
    ckf_counter_map_destroy(map);
}

static void top_visits_equal_values_in_any_order(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct told told = {0};
    for (uint64_t key = 0; key < 100; key++)
        ckf_counter_map_add_u64(map, key, key < 50 ? 7 : 3);
    assert_int_equal(ckf_counter_map_top(map, 60, expect_descending, &told), CKF_OK);
    assert_int_equal(told.calls, 60);
    assert_int_equal(told.sum, 50 * 7 + 10 * 3);
    ckf_counter_map_destroy(map);
}

/* --- expiry --- */

static void keys_without_an_add_in_n_sweeps_expire(void **state)
{
    struct told told = {0};
    struct ckf_counter_map *map = make_telling(VARIANT(state), &told);
    add(map, "a", 1);
    add(map, "b", 2);
    assert_int_equal(ckf_counter_map_expire(map, 2), 0); /* both had an add before it */
    add(map, "a", 1);
    assert_int_equal(ckf_counter_map_expire(map, 2), 0); /* b: idle for one */
    assert_int_equal(ckf_counter_map_expire(map, 2), 1); /* b: idle for two */
    assert_int_equal(told.calls, 1);
    assert_string_equal(told.last_key, "b");
    assert_int_equal(told.last, 2);
    assert_false(has(map, "b"));
    assert_int_equal(ckf_counter_map_expire(map, 2), 1);
    assert_string_equal(told.last_key, "a");
    assert_int_equal(ckf_counter_map_len(map), 0);
    assert_int_equal(ckf_counter_map_total(map), 4);
    ckf_counter_map_destroy(map);
}

static void sweeps_have_one_clock_whatever_their_limit(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    add(map, "a", 1);
    assert_int_equal(ckf_counter_map_expire(map, 100), 0);
    assert_int_equal(ckf_counter_map_expire(map, 100), 0);
    assert_int_equal(ckf_counter_map_expire(map, 100), 0);
    add(map, "b", 1);
    assert_int_equal(ckf_counter_map_expire(map, 3), 1);
    assert_true(has(map, "b"));
    assert_int_equal(ckf_counter_map_expire(map, 1), 1);
    ckf_counter_map_destroy(map);
}

static void expiring_with_zero_takes_every_key(void **state)
{
    struct told told = {0};
    struct ckf_counter_map *map = make_telling(VARIANT(state), &told);
    assert_int_equal(ckf_counter_map_expire(map, 0), 0);
    for (uint64_t key = 0; key < 500; key++)
        ckf_counter_map_add_u64(map, key, 2);
    assert_int_equal(ckf_counter_map_expire(map, 0), 500);
    assert_int_equal(told.calls, 500);
    assert_int_equal(told.sum, 1000);
    assert_int_equal(ckf_counter_map_len(map), 0);
    ckf_counter_map_destroy(map);
}

static void adds_keep_a_key_whatever_their_sum(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    add(map, "zero", 5);
    add(map, "wrapping", 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ckf_counter_map_expire(map, 1), 0);
        add(map, "zero", 0);
        add(map, "wrapping", UINT64_C(1) << 63);
        add(map, "wrapping", UINT64_C(1) << 63);
    }
    assert_int_equal(ckf_counter_map_expire(map, 1), 0);
    assert_int_equal(ckf_counter_map_expire(map, 1), 2);
    ckf_counter_map_destroy(map);
}

static void takes_and_reads_keep_no_key(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    add(map, "a", 5);
    assert_int_equal(ckf_counter_map_expire(map, 1), 0);
    assert_int_equal(get(map, "a"), 5);
    assert_int_equal(take(map, "a"), 5);
    assert_int_equal(ckf_counter_map_expire(map, 1), 1);
    ckf_counter_map_destroy(map);
}

static void a_key_made_anew_starts_its_idle_time_anew(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    add(map, "a", 5);
    ckf_counter_map_expire(map, 10);
    ckf_counter_map_expire(map, 10);
    take_out(map, "a");
    add(map, "a", 0);
    assert_int_equal(ckf_counter_map_expire(map, 1), 0);
    assert_int_equal(ckf_counter_map_expire(map, 1), 1);
    ckf_counter_map_destroy(map);
}

/* --- the bound --- */

static void at_max_keys_new_keys_count_in_overflow(void **state)
{
    struct ckf_counter_map *map =
        make(&(struct ckf_counter_map_options){.variant = VARIANT(state), .max_keys = 2});
    assert_int_equal(add(map, "a", 1), CKF_OK);
    assert_int_equal(add(map, "b", 2), CKF_OK);
    assert_int_equal(add(map, "c", 4), CKF_OVERFLOWED);
    assert_int_equal(add(map, "d", 8), CKF_OVERFLOWED);
    assert_int_equal(add(map, "a", 16), CKF_OK);
    assert_int_equal(ckf_counter_map_overflow(map), 12);
    assert_int_equal(ckf_counter_map_total(map), 31);
    assert_int_equal(ckf_counter_map_len(map), 2);
    assert_false(has(map, "c"));
    assert_int_equal(take_out(map, "a"), 17);
    assert_int_equal(add(map, "c", 32), CKF_OK);
    assert_int_equal(add(map, "a", 64), CKF_OVERFLOWED);
    assert_int_equal(ckf_counter_map_expire(map, 0), 2);
    assert_int_equal(add(map, "a", 128), CKF_OK);
    assert_int_equal(ckf_counter_map_total(map), 255);
    ckf_counter_map_destroy(map);
}

static void a_flood_of_keys_does_not_grow_a_bounded_map(void **state)
{
    enum { MAX = 100, KEYS = 20000 };
    struct ckf_counter_map *map =
        make(&(struct ckf_counter_map_options){.variant = VARIANT(state), .max_keys = MAX});
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(ckf_counter_map_add_u64(map, key, 1), key < MAX ? CKF_OK : CKF_OVERFLOWED);
    assert_int_equal(ckf_counter_map_len(map), MAX);
    assert_int_equal(ckf_counter_map_overflow(map), KEYS - MAX);
    ckf_counter_map_destroy(map);
}

/* --- handles --- */

static void an_add_is_the_same_inlined_and_called(void **state)
{
    enum { ROUNDS = 4 }; /* the key is claimed, the handle learns the word, the rest need no call */
    const uint64_t large = UINT64_C(1) << 40;
    void (*volatile called)(struct ckf_counter *, uint64_t) = ckf_counter_add;
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    for (int incarnation = 0; incarnation < 3; incarnation++) {
        struct ckf_counter *counter = hold(map, "a"), *other = hold(map, "b");
        uint64_t due = 0, value;
        for (int round = 0; round < ROUNDS; round++) {
            for (uint64_t n = 0; n < 3; n++) {
                ckf_counter_add(counter, n);
                called(counter, n);
                ckf_counter_add_in_full(counter, n);
                due += 3 * n;
            }
            ckf_counter_add(counter, large);
            ckf_counter_add(other, 1);
            due += large;
            assert_int_equal(ckf_counter_get(counter), due);
        }
        assert_int_equal(ckf_counter_map_remove(map, "a", 1, &value), CKF_OK);
        assert_int_equal(value, due);
        ckf_counter_add(counter, 7);
        assert_int_equal(take_out(map, "a"), 7);
        assert_int_equal(take_out(map, "b"), ROUNDS);
        ckf_counter_release(other);
        ckf_counter_release(counter);
    }
    ckf_counter_map_destroy(map);
}

static void a_handle_adds_to_its_key(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    add(map, "a", 1);
    struct ckf_counter *counter = hold(map, "a"), *made = hold(map, "b"), *empty = NULL;
    assert_int_equal(ckf_counter_map_counter(map, NULL, 0, &empty), CKF_OK);
    ckf_counter_add(counter, 2);
    ckf_counter_add(made, 10);
    ckf_counter_add(empty, 100);
    add(map, "a", 3);
    assert_int_equal(ckf_counter_get(counter), 6);
    assert_int_equal(get(map, "a"), 6);
    assert_int_equal(take(map, "a"), 6);
    assert_int_equal(ckf_counter_get(counter), 0);
    assert_int_equal(get(map, "b"), 10);
    assert_int_equal(get(map, ""), 100);
    assert_int_equal(ckf_counter_map_len(map), 3);
    ckf_counter_release(counter);
    ckf_counter_release(made);
    ckf_counter_release(empty);
    ckf_counter_map_destroy(map);
}

static void a_handle_pins_its_key_against_expire(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct ckf_counter *first = hold(map, "a"), *second = hold(map, "a");
    for (int i = 0; i < 4; i++)
        assert_int_equal(ckf_counter_map_expire(map, (unsigned)i % 2), 0);
    ckf_counter_release(first);
    assert_int_equal(ckf_counter_map_expire(map, 0), 0);
    ckf_counter_add(second, 1);
    assert_int_equal(get(map, "a"), 1);
    ckf_counter_release(second);
    assert_int_equal(ckf_counter_map_expire(map, 0), 1);
    ckf_counter_map_destroy(map);
}

static void after_a_remove_a_handle_makes_its_key_anew(void **state)
{
    struct told told = {0};
    struct ckf_counter_map *map = make_telling(VARIANT(state), &told);
    struct ckf_counter *first = hold(map, "a"), *second = hold(map, "a");
    ckf_counter_add(first, 1);
    assert_int_equal(take_out(map, "a"), 1);
    assert_int_equal(ckf_counter_get(first), 0);
    assert_false(has(map, "a"));
    ckf_counter_add(first, 2);
    assert_int_equal(ckf_counter_get(second), 2);
    ckf_counter_add(second, 3);
    assert_int_equal(get(map, "a"), 5);
    assert_int_equal(ckf_counter_map_len(map), 1);
    ckf_counter_release(first);
    assert_int_equal(ckf_counter_map_expire(map, 0), 0); /* pinned by the second */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ckf_counter_map_remove(map, "a", 1, NULL), CKF_OK);
        ckf_counter_add(second, 7);
    }
    assert_int_equal(ckf_counter_get(second), 7);
    assert_int_equal(ckf_counter_map_remove(map, "a", 1, NULL), CKF_OK);
    add(map, "a", 9); /* another one makes the key */
    assert_int_equal(ckf_counter_get(second), 9);
    ckf_counter_add(second, 1);
    assert_int_equal(get(map, "a"), 10);
    take_out(map, "a");
    ckf_counter_release(second); /* of a key that is gone */
    assert_int_equal(ckf_counter_map_total(map), 1 + 5 + 3 * 7 + 10);
    assert_int_equal(told.sum, 5 + 3 * 7);
    ckf_counter_map_destroy(map);
}

static void a_handle_without_room_counts_in_overflow(void **state)
{
    struct ckf_counter_map *map =
        make(&(struct ckf_counter_map_options){.variant = VARIANT(state), .max_keys = 1});
    struct ckf_counter *counter = NULL;
    add(map, "a", 1);
    assert_int_equal(ckf_counter_map_counter(map, "b", 1, &counter), CKF_OVERFLOWED);
    assert_non_null(counter);
    ckf_counter_add(counter, 2);
    assert_int_equal(ckf_counter_get(counter), 0);
    assert_int_equal(ckf_counter_map_overflow(map), 2);
    take_out(map, "a");
    ckf_counter_add(counter, 4); /* now there is room */
    assert_int_equal(ckf_counter_get(counter), 4);
    assert_int_equal(get(map, "b"), 4);
    assert_int_equal(ckf_counter_map_expire(map, 0), 0);
    take_out(map, "b");
    add(map, "a", 8);
    ckf_counter_add(counter, 16);
    assert_int_equal(ckf_counter_map_overflow(map), 18);
    ckf_counter_release(counter);
    assert_int_equal(ckf_counter_map_total(map), 31);
    ckf_counter_map_destroy(map);
}

/* --- all operations against a model --- */

enum { MODEL_KEYS = 24, MODEL_MAX = 16, MODEL_STEPS = 20000, MODEL_HANDLES = 4 };

struct model_key {
    bool lives;
    uint64_t value, idle;
    unsigned pins;
};

struct model {
    struct ckf_counter_map *map;
    struct model_key keys[MODEL_KEYS];
    struct {
        struct ckf_counter *counter; /* NULL: none */
        unsigned key;
        bool is_bound; /* pins the key's living incarnation */
    } handles[MODEL_HANDLES];
    size_t len;
    uint64_t total, overflow, removed; /* what `removed` should be told in all */
    uint32_t seed;
};

static uint32_t roll(struct model *model, uint32_t bound)
{
    model->seed = model->seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)model->seed * bound) >> 32);
}

/* Keys of different lengths, the empty one among them. */
static size_t model_name(unsigned key, char name[32])
{
    memset(name, 'a' + (int)key % 3, 32);
    name[0] = (char)key;
    return key == 0 ? 0 : 1 + key % 30;
}

static bool model_add(struct model *model, unsigned key, uint64_t n)
{
    struct model_key *k = &model->keys[key];
    model->total += n;
    if (!k->lives && model->len == MODEL_MAX) {
        model->overflow += n;
        return false;
    }
    if (!k->lives) {
        *k = (struct model_key){.lives = true};
        model->len++;
    }
    k->value += n;
    k->idle = 0;
    return true;
}

static void model_remove(struct model *model, unsigned key)
{
    model->keys[key].lives = false;
    model->len--;
    for (int i = 0; i < MODEL_HANDLES; i++)
        if (model->handles[i].key == key)
            model->handles[i].is_bound = false;
}

static unsigned model_expire(struct model *model, unsigned n)
{
    unsigned expired = 0;
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        struct model_key *k = &model->keys[key];
        if (k->lives && k->idle++ >= n && k->pins == 0) {
            model->removed += k->value;
            model_remove(model, key);
            expired++;
        }
    }
    return expired;
}

static void model_bind(struct model *model, unsigned handle)
{
    if (!model->handles[handle].is_bound) {
        model->handles[handle].is_bound = true;
        model->keys[model->handles[handle].key].pins++;
    }
}

static void step_handle(struct model *model, unsigned handle)
{
    struct ckf_counter **counter = &model->handles[handle].counter;
    char name[32];
    unsigned key = model->handles[handle].key;
    if (*counter == NULL) {
        key = roll(model, MODEL_KEYS);
        model->handles[handle].key = key;
        model->handles[handle].is_bound = false;
        bool made = model_add(model, key, 0);
        assert_int_equal(ckf_counter_map_counter(model->map, name, model_name(key, name), counter),
                         made ? CKF_OK : CKF_OVERFLOWED);
        if (made)
            model_bind(model, handle);
    } else if (roll(model, 3) == 0) {
        ckf_counter_release(*counter);
        *counter = NULL;
        if (model->handles[handle].is_bound)
            model->keys[key].pins--;
        model->handles[handle].key = MODEL_KEYS;
    } else {
        uint64_t n = roll(model, 5);
        if (model_add(model, key, n))
            model_bind(model, handle);
        ckf_counter_add(*counter, n);
        assert_int_equal(ckf_counter_get(*counter),
                         model->keys[key].lives ? model->keys[key].value : 0);
    }
}

static void step_key(struct model *model, unsigned key)
{
    char name[32];
    size_t length = model_name(key, name);
    struct model_key *k = &model->keys[key];
    uint64_t value = 99, expected = k->lives ? k->value : 0;
    enum ckf_status known = k->lives ? CKF_OK : CKF_NOT_FOUND;
    switch (roll(model, 8)) {
    case 0:
        assert_int_equal(ckf_counter_map_get(model->map, name, length, &value), known);
        assert_int_equal(value, expected);
        break;
    case 1:
        assert_int_equal(ckf_counter_map_take(model->map, name, length, &value), known);
        assert_int_equal(value, expected);
        k->value = 0;
        break;
    case 2:
        if (roll(model, 2) == 0) {
            assert_int_equal(ckf_counter_map_remove(model->map, name, length, &value), known);
            assert_int_equal(value, expected);
        } else {
            assert_int_equal(ckf_counter_map_remove(model->map, name, length, NULL), known);
            model->removed += expected;
        }
        if (k->lives)
            model_remove(model, key);
        break;
    default:
        value = roll(model, 4) == 0 ? UINT64_MAX - roll(model, 9) : roll(model, 9);
        assert_int_equal(ckf_counter_map_add(model->map, name, length, value),
                         model_add(model, key, value) ? CKF_OK : CKF_OVERFLOWED);
    }
}

static void check_model(struct model *model)
{
    struct told told = {0};
    uint64_t live = 0;
    for (unsigned key = 0; key < MODEL_KEYS; key++)
        live += model->keys[key].lives ? model->keys[key].value : 0;
    assert_int_equal(ckf_counter_map_len(model->map), model->len);
    assert_true(ckf_counter_map_total(model->map) == model->total);
    assert_true(ckf_counter_map_overflow(model->map) == model->overflow);
    assert_int_equal(ckf_counter_map_for_each(model->map, tell, &told), CKF_OK);
    assert_int_equal(told.calls, model->len);
    assert_true(told.sum == live);
}

static void it_behaves_like_a_simple_model(void **state)
{
    struct told told = {0};
    struct model model = {.seed = 12345};
    model.map = make(&(struct ckf_counter_map_options){.variant = VARIANT(state),
                                                       .max_keys = MODEL_MAX,
                                                       .removed = tell_removed,
                                                       .removed_arg = &told});
    for (int i = 0; i < MODEL_HANDLES; i++)
        model.handles[i].key = MODEL_KEYS;
    for (int step = 0; step < MODEL_STEPS; step++) {
        uint32_t dice = roll(&model, 100);
        if (dice < 2) {
            unsigned n = dice == 0 ? roll(&model, 30) == 0 ? 0 : 40 : 1 + roll(&model, 50);
            assert_int_equal(ckf_counter_map_expire(model.map, n), model_expire(&model, n));
        } else if (dice < 12) {
            step_handle(&model, roll(&model, MODEL_HANDLES));
        } else {
            step_key(&model, roll(&model, MODEL_KEYS));
        }
        if (step % 64 == 0)
            check_model(&model);
        assert_true(told.sum == model.removed);
    }
    for (int i = 0; i < MODEL_HANDLES; i++)
        if (model.handles[i].counter != NULL)
            ckf_counter_release(model.handles[i].counter);
    check_model(&model);
    ckf_counter_map_destroy(model.map);
}

/* --- manners --- */

static void errno_is_left_alone(void **state)
{
    errno = 4321;
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    struct told told = {0};
    add(map, "a", 1);
    struct ckf_counter *counter = hold(map, "b");
    ckf_counter_map_for_each(map, tell, &told);
    take_out(map, "b");
    ckf_counter_add(counter, 1);
    ckf_counter_release(counter);
    ckf_counter_map_expire(map, 0);
    ckf_counter_map_destroy(map);
    assert_int_equal(errno, 4321);
}

static int call_while_cancelled(void *arg)
{
    struct ckf_counter_map *map = NULL;
    struct told told = {0};
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_cancel(pthread_self()); /* takes effect at the first cancellation point */
    (void)!ckf_counter_map_create(&map, arg);
    ckf_counter_map_add(map, "a", 1, 1);
    struct ckf_counter *counter = NULL;
    (void)!ckf_counter_map_counter(map, "b", 1, &counter);
    (void)!ckf_counter_map_remove(map, "b", 1, NULL);
    ckf_counter_add(counter, 1);
    ckf_counter_release(counter);
    ckf_counter_map_for_each(map, tell, &told);
    ckf_counter_map_expire(map, 0);
    ckf_counter_map_destroy(map);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return 5;
}

static void no_call_is_a_cancellation_point(void **state)
{
    struct ckf_counter_map_options options = {.variant = VARIANT(state)};
    struct test_thread thread;
    thread_start(&thread, call_while_cancelled, &options);
    assert_int_equal(thread_join(&thread), 5);
}

static void add_to_nothing(void *arg)
{
    (void)arg;
    ckf_counter_map_add(NULL, "a", 1, 1);
}

static void create_nowhere(void *arg)
{
    (void)!ckf_counter_map_create(NULL, arg);
}

static void visit_with_nothing(void *arg)
{
    ckf_counter_map_for_each(arg, NULL, NULL);
}

static void release_nothing(void *arg)
{
    (void)arg;
    ckf_counter_release(NULL);
}

static void destroy_under_a_handle(void *arg)
{
    hold(arg, "a");
    ckf_counter_map_destroy(arg);
}

static void misuse_aborts_with_a_sentence(void **state)
{
    struct ckf_counter_map *map = make_variant(VARIANT(state));
    assert_true(aborts_in("ckf_counter_map_add", add_to_nothing, NULL));
    assert_true(aborts_in("ckf_counter_map_create", create_nowhere, NULL));
    assert_true(aborts_in("ckf_counter_map_for_each", visit_with_nothing, map));
    assert_true(aborts_in("ckf_counter_release", release_nothing, NULL));
    assert_true(aborts_in("ckf_counter_map_destroy", destroy_under_a_handle, map));
    ckf_counter_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(adds_sum_up_by_key),
        cmocka_unit_test(defaults_make_a_working_map),
        BOTH_VARIANTS(adding_zero_makes_the_key),
        BOTH_VARIANTS(keys_are_any_bytes),
        BOTH_VARIANTS(keys_may_have_64_kib_and_no_more),
        BOTH_VARIANTS(the_key_is_copied),
        BOTH_VARIANTS(number_keys_have_eight_bytes),
        BOTH_VARIANTS(a_number_is_its_eight_bytes),
        BOTH_VARIANTS(bad_options_are_invalid),
        BOTH_VARIANTS(expected_keys_are_a_hint_alone),
        BOTH_VARIANTS(a_growing_map_keeps_every_key),
        BOTH_VARIANTS(a_take_returns_what_was_added_and_keeps_the_key),
        BOTH_VARIANTS(counts_go_on_across_the_wrap),
        BOTH_VARIANTS(take_all_takes_each_key_and_skips_zeros),
        BOTH_VARIANTS(the_value_at_which_take_all_stops_is_taken),
        BOTH_VARIANTS(a_removed_key_is_made_anew),
        BOTH_VARIANTS(removed_is_told_what_is_returned_nowhere_else),
        BOTH_VARIANTS(a_removed_callback_may_make_the_key_anew),
        BOTH_VARIANTS(an_iteration_visits_each_key_once),
        BOTH_VARIANTS(an_iteration_that_makes_keys_visits_each_once),
        BOTH_VARIANTS(an_iteration_that_removes_keys_visits_each_once),
        BOTH_VARIANTS(an_iteration_that_sweeps_visits_each_once),
        BOTH_VARIANTS(a_stopped_iteration_is_ok),
        BOTH_VARIANTS(a_visitor_may_call_back_into_the_map),
        BOTH_VARIANTS(top_visits_the_largest_in_descending_order),
        BOTH_VARIANTS(top_visits_equal_values_in_any_order),
        BOTH_VARIANTS(keys_without_an_add_in_n_sweeps_expire),
        BOTH_VARIANTS(sweeps_have_one_clock_whatever_their_limit),
        BOTH_VARIANTS(expiring_with_zero_takes_every_key),
        BOTH_VARIANTS(adds_keep_a_key_whatever_their_sum),
        BOTH_VARIANTS(takes_and_reads_keep_no_key),
        BOTH_VARIANTS(a_key_made_anew_starts_its_idle_time_anew),
        BOTH_VARIANTS(at_max_keys_new_keys_count_in_overflow),
        BOTH_VARIANTS(a_flood_of_keys_does_not_grow_a_bounded_map),
        BOTH_VARIANTS(an_add_is_the_same_inlined_and_called),
        BOTH_VARIANTS(a_handle_adds_to_its_key),
        BOTH_VARIANTS(a_handle_pins_its_key_against_expire),
        BOTH_VARIANTS(after_a_remove_a_handle_makes_its_key_anew),
        BOTH_VARIANTS(a_handle_without_room_counts_in_overflow),
        BOTH_VARIANTS(it_behaves_like_a_simple_model),
        BOTH_VARIANTS(errno_is_left_alone),
        BOTH_VARIANTS(no_call_is_a_cancellation_point),
        BOTH_VARIANTS(misuse_aborts_with_a_sentence),
    };
    return cmocka_run_group_tests_name("counter_map", tests, NULL, NULL);
}
