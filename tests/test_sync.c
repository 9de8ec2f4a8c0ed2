/* tests/test_sync.c - parking, reclamation, thread numbers and striped counters. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sync/parking.h"
#include "sync/per_thread.h"
#include "sync/reclaim.h"
#include "sync/sharded_counter.h"

static int park_for_ever(void *arg)
{
    return ckf_park(arg, CKF_FOREVER);
}

static void firing_wakes_a_sleeper(void **state)
{
    (void)state;
    struct ckf_parker parker;
    struct test_thread sleeper;
    ckf_parker_init(&parker);
    thread_start(&sleeper, park_for_ever, &parker);
    await_sleep(&sleeper);
    ckf_unpark(&parker);
    assert_true(thread_join(&sleeper));
}

static void firing_before_the_wait_is_kept(void **state)
{
    (void)state;
    struct ckf_parker parker;
    ckf_parker_init(&parker);
    ckf_unpark(&parker);
    assert_true(ckf_park(&parker, CKF_FOREVER));
}

static void parking_ends_at_its_deadline_and_can_go_on(void **state)
{
    (void)state;
    struct ckf_parker parker;
    ckf_parker_init(&parker);
    assert_false(ckf_park(&parker, 1));
    assert_false(ckf_park(&parker, ckf_deadline_after_ns(1000000)));
    ckf_unpark(&parker);
    assert_true(ckf_park(&parker, 1));
}

struct object {
    struct ckf_retired retired;
    _Atomic(bool) *reclaimed;
};

static void reclaim_object(struct ckf_retired *retired)
{
    struct object *object = (struct object *)(void *)retired;
    atomic_store(object->reclaimed, true);
    ckf_free(object);
}

static void retire_one(_Atomic(bool) *reclaimed)
{
    struct object *object = ckf_alloc(sizeof *object);
    assert_non_null(object);
    object->reclaimed = reclaimed;
    ckf_retire(&object->retired, reclaim_object);
}

static void retired_objects_are_reclaimed(void **state)
{
    (void)state;
    _Atomic(bool) reclaimed = false;
    retire_one(&reclaimed);
    ckf_wait_for_reclaim();
    assert_true(reclaimed);
}

struct reader {
    _Atomic(bool) inside, leave;
};

static int read_until_told(void *arg)
{
    struct reader *reader = arg;
    ckf_read_begin();
    ckf_read_begin(); /* sections nest */
    ckf_read_end();
    atomic_store(&reader->inside, true);
    while (!atomic_load(&reader->leave))
        give_way();
    ckf_read_end();
    return 0;
}

static int wait_for_reclaim(void *arg)
{
    (void)arg;
    ckf_wait_for_reclaim();
    return 0;
}

static void an_open_section_delays_reclamation(void **state)
{
    (void)state;
    struct reader reader = {false, false};
    struct test_thread reading, waiting;
    _Atomic(bool) reclaimed = false;
    thread_start(&reading, read_until_told, &reader);
    AWAIT(atomic_load(&reader.inside));
    retire_one(&reclaimed);
    thread_start(&waiting, wait_for_reclaim, NULL);
    await_sleep(&waiting);
    assert_false(atomic_load(&reclaimed));
    atomic_store(&reader.leave, true);
    thread_join(&reading);
    thread_join(&waiting);
    assert_true(atomic_load(&reclaimed));
}

static void reclamation_works_in_a_forked_child(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _Atomic(bool) reclaimed = false;
        ckf_read_begin();
        ckf_read_end();
        retire_one(&reclaimed);
        ckf_wait_for_reclaim();
        _exit(reclaimed ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int my_number(void *arg)
{
    (void)arg;
    unsigned number = ckf_thread_number();
    assert_int_equal(number, ckf_thread_number());
    return (int)number;
}

static void numbers_are_used_again(void **state)
{
    (void)state;
    struct test_thread thread;
    unsigned mine = ckf_thread_number();
    thread_start(&thread, my_number, NULL);
    int first = thread_join(&thread);
    thread_start(&thread, my_number, NULL);
    int second = thread_join(&thread);
    assert_int_not_equal(first, (int)mine);
    assert_int_equal(first, second);
}

enum { ADDS = 10000, ADDERS = 4 };

static int add_many(void *arg)
{
    for (int i = 0; i < ADDS; i++)
        ckf_sharded_add(arg, 3);
    return 0;
}

static void striped_sums_are_exact_when_nobody_adds(void **state)
{
    (void)state;
    struct ckf_sharded_counter *counter = ckf_alloc_aligned(sizeof *counter, CKF_CACHELINE);
    assert_non_null(counter);
    struct test_thread adders[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        thread_start(&adders[i], add_many, counter);
    for (int i = 0; i < ADDERS; i++)
        thread_join(&adders[i]);
    assert_int_equal(ckf_sharded_sum(counter), 3 * ADDS * ADDERS);
    ckf_free(counter);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firing_wakes_a_sleeper),
        cmocka_unit_test(firing_before_the_wait_is_kept),
        cmocka_unit_test(parking_ends_at_its_deadline_and_can_go_on),
        cmocka_unit_test(retired_objects_are_reclaimed),
        cmocka_unit_test(an_open_section_delays_reclamation),
        cmocka_unit_test(reclamation_works_in_a_forked_child),
        cmocka_unit_test(numbers_are_used_again),
        cmocka_unit_test(striped_sums_are_exact_when_nobody_adds),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
