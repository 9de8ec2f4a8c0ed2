/* tests/test_counter_map_oracle.c - counter maps against a second implementation: the same adds go to a map
 * and to liburcu's hash table (bench/peers/lfht.h), which is how the library's own began. Threads also take
 * values and remove keys, from the map alone, and keep what they got: for every key, what is left of it
 * and what was got of it must be what the table has.
 */
#include "support.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <ck_filter/counter_map.h>

#include "peers/lfht.h"

enum { WORKERS = 4, ROUNDS = 200000, KEYS = 3000, LONGEST_RUN = 8 };

struct oracle {
    struct ckf_counter_map *map;
    void *table;
    _Atomic(uint64_t) got[KEYS]; /* what takes and removals returned */
};

struct worker {
    struct test_thread thread;
    struct oracle *oracle;
    uint64_t random;
};

/* Few keys are frequent, so that some are promoted, and most are not. */
static unsigned next_key(struct worker *worker)
{
    worker->random = bench_mix(worker->random + UINT64_C(0x9e3779b97f4a7c15));
    unsigned range = (worker->random >> 60) < 8 ? 10 : KEYS;
    return (unsigned)(worker->random % range);
}

static void name_key(unsigned number, char key[LFHT_KEY_BYTES + 1])
{
    snprintf(key, LFHT_KEY_BYTES + 1, "key-%012u", number);
}

/* These tell whether all calls did what they should. */

static bool add_to_both(struct worker *worker, const char *key)
{
    bool good = true;
    unsigned times = 1 + (unsigned)(worker->random >> 32) % LONGEST_RUN;
    for (unsigned i = 0; good && i < times; i++)
        good = lfht_increment(worker->oracle->table, key) &&
               ckf_counter_map_add(worker->oracle->map, key, LFHT_KEY_BYTES, 1) == CKF_OK;
    return good;
}

static bool add_by_handle(struct worker *worker, const char *key)
{
    struct ckf_counter *counter;
    if (ckf_counter_map_counter(worker->oracle->map, key, LFHT_KEY_BYTES, &counter) != CKF_OK)
        return false;
    bool good = true;
    for (unsigned i = 0; good && i < LONGEST_RUN; i++) {
        good = lfht_increment(worker->oracle->table, key);
        ckf_counter_add(counter, 1);
    }
    ckf_counter_release(counter);
    return good;
}

static bool take_out(struct worker *worker, unsigned number, const char *key)
{
    uint64_t value = 0;
    bool whole = (worker->random >> 40 & 1) != 0;
    enum ckf_status status =
        whole ? ckf_counter_map_remove(worker->oracle->map, key, LFHT_KEY_BYTES, &value)
              : ckf_counter_map_take(worker->oracle->map, key, LFHT_KEY_BYTES, &value);
    if (status == CKF_OK)
        atomic_fetch_add(&worker->oracle->got[number], value);
    return status == CKF_OK || status == CKF_NOT_FOUND;
}

static int work(void *arg)
{
    struct worker *worker = arg;
    bool good = true;
    for (unsigned i = 0; good && i < ROUNDS; i++) {
        char key[LFHT_KEY_BYTES + 1];
        unsigned number = next_key(worker), what = worker->random >> 56 & 15;
        name_key(number, key);
        good = what == 0   ? take_out(worker, number, key)
               : what == 1 ? add_by_handle(worker, key)
                           : add_to_both(worker, key);
    }
    return good ? 0 : 1;
}

static void compare(struct oracle *oracle)
{
    for (unsigned number = 0; number < KEYS; number++) {
        char key[LFHT_KEY_BYTES + 1];
        name_key(number, key);
        uint64_t expected = 0, left = 0;
        (void)lfht_read(oracle->table, key, &expected);
        (void)!ckf_counter_map_get(oracle->map, key, LFHT_KEY_BYTES, &left);
        if (left + oracle->got[number] != expected)
            fail_msg("%s: %ju are left and %ju were got, of %ju", key, (uintmax_t)left,
                     (uintmax_t)oracle->got[number], (uintmax_t)expected);
    }
    uint64_t sum;
    assert_true(lfht_snapshot(oracle->table, &sum) <= KEYS);
    assert_int_equal(ckf_counter_map_total(oracle->map), sum);
    assert_int_equal(ckf_counter_map_overflow(oracle->map), 0);
}

static void both_count_alike(enum ckf_variant variant)
{
    static struct oracle oracle;
    static struct worker workers[WORKERS];
    memset(&oracle, 0, sizeof oracle);
    oracle.table = lfht_create(64);
    assert_non_null(oracle.table);
    assert_int_equal(
        ckf_counter_map_create(&oracle.map, &(struct ckf_counter_map_options){.variant = variant}),
        CKF_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.oracle = &oracle, .random = i + 1};
        thread_start(&workers[i].thread, work, &workers[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(thread_join(&workers[i].thread), 0);
    compare(&oracle);
    ckf_counter_map_destroy(oracle.map);
    lfht_destroy(oracle.table);
}

static void the_map_counts_as_the_hash_table_of_liburcu_does(void **state)
{
    both_count_alike(VARIANT(state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(the_map_counts_as_the_hash_table_of_liburcu_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
