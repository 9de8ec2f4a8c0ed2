/* tests/test_base.c - clock, hash, memory and status: the parts that know nothing of the rest. */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "base/atomics.h"
#include "base/clock.h"
#include "base/event_fd.h"
#include "base/futex.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"

static void deadlines_saturate(void **state)
{
    (void)state;
    assert_true(ckf_deadline_after_ns(INT64_MAX) == CKF_FOREVER);
    assert_true(ckf_deadline_after_ns(INT64_MAX - 1) == CKF_FOREVER);
    assert_true(ckf_deadline_after_ns(INT64_MIN) == 1);
    assert_true(ckf_deadline_after_ns(0) >= 1);
    int64_t now = ckf_now_ns();
    int64_t later = ckf_deadline_after_ns(1000);
    assert_true(later >= now + 1000);
}

static void forever_never_passes(void **state)
{
    (void)state;
    assert_false(ckf_deadline_passed(CKF_FOREVER));
    assert_true(ckf_deadline_passed(1));
    assert_false(ckf_deadline_passed(ckf_deadline_after_ns(PATIENCE_NS)));
}

/* Reference vectors of SipHash-1-3 with key 00..0f and input 00..(n-1). */
static void siphash_matches_its_reference(void **state)
{
    (void)state;
    const struct ckf_hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    unsigned char input[64];
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (unsigned char)i;
    assert_true(ckf_siphash13(&key, input, 0) == UINT64_C(0xabac0158050fc4dc));
    assert_true(ckf_siphash13(&key, input, 1) == UINT64_C(0xc9f49bf37d57ca93));
    assert_true(ckf_siphash13(&key, input, 7) == UINT64_C(0xd3927d989bb11140));
    assert_true(ckf_siphash13(&key, input, 15) == UINT64_C(0xd320d86d2a519956));
}

static void keys_of_hashes_differ(void **state)
{
    (void)state;
    struct ckf_hash_key a, b;
    ckf_hash_key_init(&a);
    ckf_hash_key_init(&b);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    unsigned char *block = ckf_alloc_aligned(300, 128);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 128, 0);
    for (int i = 0; i < 300; i++)
        assert_int_equal(block[i], 0);
    ckf_free(block);
    ckf_free(NULL);
}

static void arrays_refuse_to_overflow(void **state)
{
    (void)state;
    assert_null(ckf_alloc_array(SIZE_MAX / 2, 3));
    void *empty = ckf_alloc_array(0, 8);
    assert_non_null(empty);
    ckf_free(empty);
}

static void allocators_are_refused_once_memory_is_in_use(void **state)
{
    (void)state;
    assert_int_equal(ckf_set_allocator(NULL), CKF_BUSY);
    struct ckf_allocator broken = {NULL, NULL, NULL};
    assert_int_equal(ckf_set_allocator(&broken), CKF_INVALID);
}

static void failed_allocations_are_null(void **state)
{
    (void)state;
    char *copy;
    fail_allocation(1);
    errno = 1234;
    assert_null(ckf_alloc(8));
    assert_int_equal(errno, 1234);
    assert_true(allocation_failed());
    fail_allocation(1);
    assert_false(ckf_copy_string("name", &copy));
    assert_true(ckf_copy_string("name", &copy));
    assert_string_equal(copy, "name");
    ckf_free(copy);
    assert_true(ckf_copy_string(NULL, &copy));
    assert_null(copy);
}

static void allocations_leave_errno_alone(void **state)
{
    (void)state;
    errno = 4711;
    fail_allocation(1);
    assert_null(ckf_alloc(8));
    assert_int_equal(errno, 4711);
    ckf_free(ckf_alloc(8));
    assert_int_equal(errno, 4711);
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(ckf_status_name(CKF_CLOSED), "CKF_CLOSED");
    assert_string_equal(ckf_status_name((enum ckf_status)9999), "CKF_UNKNOWN");
    assert_string_equal(strerror(CKF_TIMED_OUT), strerror(ETIMEDOUT));
}

static void futex_waits_end_at_their_deadline(void **state)
{
    (void)state;
    _Atomic(uint32_t) word = 7;
    errno = 0;
    assert_true(ckf_futex_wait(&word, 8, CKF_FOREVER));
    assert_false(ckf_futex_wait(&word, 7, ckf_deadline_after_ns(1000000)));
    assert_int_equal(errno, 0);
}

static void random_numbers_stay_below_their_bound(void **state)
{
    (void)state;
    bool seen[5] = {false};
    for (int i = 0; i < 1000; i++) {
        uint32_t number = ckf_random_below(5);
        assert_true(number < 5);
        seen[number] = true;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i]);
}

static int ask_while_cancelled(void *arg)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_cancel(pthread_self()); /* takes effect at the first cancellation point */
    ckf_random_bytes(arg, sizeof(uint64_t));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return 5;
}

static void asking_for_random_bytes_is_no_cancellation_point(void **state)
{
    (void)state;
    uint64_t bytes;
    struct test_thread thread;
    thread_start(&thread, ask_while_cancelled, &bytes);
    assert_int_equal(thread_join(&thread), 5);
}

static _Atomic(int) closed_fd;

static int open_and_close(void *arg)
{
    (void)arg;
    int fd = ckf_event_fd_open();
    ckf_event_fd_close(fd);
    store_relaxed(&closed_fd, fd); /* orders nothing, as numbers of descriptors do not */
    return fd < 0;
}

static int open_after_that(void *arg)
{
    (void)arg;
    while (load_relaxed(&closed_fd) < 0)
        give_way();
    int fd = ckf_event_fd_open();
    ckf_event_fd_close(fd);
    return fd != load_relaxed(&closed_fd);
}

/* ThreadSanitizer must not take the second for the first, opened again by a thread that knows nothing of it. */
static void a_descriptor_that_was_closed_may_be_opened_by_another_thread(void **state)
{
    (void)state;
    store_relaxed(&closed_fd, -1);
    struct test_thread first, second;
    thread_start(&second, open_after_that, NULL);
    thread_start(&first, open_and_close, NULL);
    assert_int_equal(thread_join(&first), 0);
    assert_int_equal(thread_join(&second), 0);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_saturate),
        cmocka_unit_test(forever_never_passes),
        cmocka_unit_test(siphash_matches_its_reference),
        cmocka_unit_test(keys_of_hashes_differ),
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(arrays_refuse_to_overflow),
        cmocka_unit_test(allocators_are_refused_once_memory_is_in_use),
        cmocka_unit_test(failed_allocations_are_null),
        cmocka_unit_test(allocations_leave_errno_alone),
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(futex_waits_end_at_their_deadline),
        cmocka_unit_test(random_numbers_stay_below_their_bound),
        cmocka_unit_test(asking_for_random_bytes_is_no_cancellation_point),
        cmocka_unit_test(a_descriptor_that_was_closed_may_be_opened_by_another_thread),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
