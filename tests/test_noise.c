/* tests/test_noise.c - the noise runtime does what the machine does: values, orders and 16-byte words are
 * those of the operations asked for, whether threads are held up or not.
 *
 * This file is compiled as cases are: every atomic operation in it goes through noise/abi.c. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/runtime.h"

enum { THREADS = 4, ROUNDS = 20000 };

static int make_noise(void **state)
{
    (void)state;
    assert_string_equal(ckf_stress_runtime->name, "noise");
    ckf_stress_runtime->actors_begin(7, 1);
    return 0;
}

static int end_noise(void **state)
{
    (void)state;
    ckf_stress_runtime->actors_ended();
    return 0;
}

#define OPERATIONS(type)                                                                           \
    do {                                                                                           \
        _Atomic(type) word = 1;                                                                    \
        type expected = 1;                                                                         \
        assert_true(atomic_load_explicit(&word, memory_order_acquire) == 1);                       \
        atomic_store_explicit(&word, 5, memory_order_relaxed);                                     \
        assert_true(atomic_exchange_explicit(&word, 6, memory_order_acq_rel) == 5);                \
        assert_true(atomic_fetch_add_explicit(&word, 3, memory_order_relaxed) == 6);               \
        assert_true(atomic_fetch_sub_explicit(&word, 1, memory_order_release) == 9);               \
        assert_true(atomic_fetch_or_explicit(&word, 3, memory_order_seq_cst) == 8);                \
        assert_true(atomic_fetch_and_explicit(&word, 10, memory_order_seq_cst) == 11);             \
        assert_true(atomic_fetch_xor_explicit(&word, 3, memory_order_acquire) == 10);              \
        assert_false(atomic_compare_exchange_strong_explicit(                                      \
            &word, &expected, 2, memory_order_release, memory_order_acquire));                     \
        assert_true(expected == 9);                                                                \
        assert_true(atomic_compare_exchange_strong(&word, &expected, 2));                          \
        assert_true(atomic_load(&word) == 2);                                                      \
        expected = 2;                                                                              \
        while (!atomic_compare_exchange_weak_explicit(&word, &expected, (type)-1,                  \
                                                      memory_order_relaxed, memory_order_relaxed)) \
            assert_true(expected == 2);                                                            \
        assert_true(atomic_fetch_add(&word, 1) == (type)-1);                                       \
        assert_true(atomic_load(&word) == 0);                                                      \
    } while (0)

static void operations_of_every_size_give_the_values_they_should(void **state)
{
    (void)state;
    OPERATIONS(uint8_t);
    OPERATIONS(uint16_t);
    OPERATIONS(uint32_t);
    OPERATIONS(uint64_t);
}

/* Counters that are only right if nothing is lost, and plain memory that a lock guards. */

static struct {
    _Atomic(uint32_t) sum;
    _Atomic(bool) locked;
    uint64_t plain;
} counters;

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add_explicit(&counters.sum, 1, memory_order_relaxed);
        while (atomic_exchange_explicit(&counters.locked, true, memory_order_acquire))
            ;
        counters.plain++;
        atomic_store_explicit(&counters.locked, false, memory_order_release);
    }
    return NULL;
}

static void on_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void nothing_is_lost_among_threads(void **state)
{
    (void)state;
    on_threads(count);
    assert_true(counters.sum == THREADS * ROUNDS);
    assert_true(counters.plain == THREADS * ROUNDS);
}

#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
__extension__ typedef unsigned __int128 wide;

static _Alignas(16) volatile wide pair;
static _Atomic(uint32_t) torn;

static wide both(uint64_t value)
{
    return (wide)~value << 64 | value;
}

/* The high half is always the complement of the low one, unless somebody sees half a store. */
static void *step_pair(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        wide seen = both(0);
        for (;;) {
            wide found = __sync_val_compare_and_swap(&pair, seen, both((uint64_t)seen + 1));
            if ((uint64_t)(found >> 64) != ~(uint64_t)found)
                atomic_fetch_add(&torn, 1);
            if (found == seen)
                break;
            seen = found;
        }
    }
    return NULL;
}

static void sixteen_bytes_change_at_once(void **state)
{
    (void)state;
    pair = both(0);
    on_threads(step_pair);
    assert_true(torn == 0);
    assert_true(pair == both(THREADS * ROUNDS));
}
#else
static void sixteen_bytes_change_at_once(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(operations_of_every_size_give_the_values_they_should,
                                        make_noise, end_noise),
        cmocka_unit_test_setup_teardown(nothing_is_lost_among_threads, make_noise, end_noise),
        cmocka_unit_test_setup_teardown(sixteen_bytes_change_at_once, make_noise, end_noise),
    };
    return cmocka_run_group_tests_name("noise", tests, NULL, NULL);
}
