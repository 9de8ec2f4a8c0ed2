/* tests/test_sync.c - parking, reclamation, thread numbers and striped counters. */
#include "support.h"

#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sync/lock.h"
#include "sync/parking.h"
#include "sync/patience.h"
#include "sync/per_thread.h"
#include "sync/reclaim.h"
#include "sync/section.h"
#include "sync/sharded_counter.h"
#include "sync/visit.h"
#include "sync/waiters.h"

static int park_for_ever(void *arg)
{
    return ckf_park(arg, CKF_FOREVER, NULL);
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
    assert_true(ckf_park(&parker, CKF_FOREVER, NULL));
}

static void parking_ends_at_its_deadline_and_can_go_on(void **state)
{
    (void)state;
    struct ckf_parker parker;
    ckf_parker_init(&parker);
    assert_false(ckf_park(&parker, 1, NULL));
    assert_false(ckf_park(&parker, ckf_deadline_after_ns(1000000), NULL));
    ckf_unpark(&parker);
    assert_true(ckf_park(&parker, 1, NULL));
}

enum {
    WAITS = 100,
    LONG_WAIT_NS = 1000000,
    BRIEF_WAIT_NS = 20000,
    IDLE_WAIT_NS = 1000000000,
    MOST_PATIENCE_NS = 10000
};

static int64_t patience_after(int waits, void (*one_wait)(void))
{
    for (int i = 0; i < waits; i++)
        one_wait();
    return ckf_patience_ns();
}

static void a_wait_that_staying_awake_was_enough_for(void)
{
    ckf_patience_paid();
}

static void a_long_sleep(void)
{
    ckf_patience_was_vain();
    ckf_patience_slept(LONG_WAIT_NS);
}

static void a_brief_sleep(void)
{
    ckf_patience_was_vain();
    ckf_patience_slept(BRIEF_WAIT_NS);
}

static int learn(void *arg)
{
    (void)arg;
    assert_int_equal(ckf_patience_ns(), 0);
    int64_t at_first = ckf_patience_ns();
    assert_true(at_first > 0 && at_first < MOST_PATIENCE_NS / 10);
    int64_t most = patience_after(WAITS, a_wait_that_staying_awake_was_enough_for);
    assert_in_range(most, at_first * 10, MOST_PATIENCE_NS);
    assert_in_range(patience_after(WAITS, a_long_sleep), at_first, at_first * 2);
    assert_true(patience_after(1, a_brief_sleep) >= at_first);
    return 0;
}

static int learn_to_give_way(void *arg)
{
    (void)arg;
    assert_false(ckf_patience_gives_way());
    a_brief_sleep();
    assert_true(ckf_patience_gives_way());
    ckf_patience_slept(IDLE_WAIT_NS);
    assert_false(ckf_patience_gives_way());
    a_wait_that_staying_awake_was_enough_for();
    assert_true(ckf_patience_gives_way());
    return 0;
}

static int stay_awake_through_a_wake_up_now_and_then(void *arg)
{
    (void)arg;
    int64_t longest = 0;
    int long_ones = 0;
    for (int i = 0; i < WAITS; i++) {
        int64_t now = patience_after(1, a_brief_sleep);
        longest = now > longest ? now : longest;
        long_ones += now > MOST_PATIENCE_NS;
    }
    assert_true(longest > BRIEF_WAIT_NS);
    assert_in_range(long_ones, 1, WAITS / 10);
    return 0;
}

static void on_a_new_thread(int (*body)(void *))
{
    struct test_thread thread;
    thread_start(&thread, body, NULL);
    thread_join(&thread);
}

static void patience_grows_with_waits_that_it_is_enough_for_and_shrinks_with_others(void **state)
{
    (void)state;
    if (ckf_cpus_allowed() < 2)
        skip();
    on_a_new_thread(learn);
}

static void waits_that_are_not_long_make_a_thread_give_way_before_it_sleeps(void **state)
{
    (void)state;
    if (ckf_cpus_allowed() < 2)
        skip();
    on_a_new_thread(learn_to_give_way);
}

static void brief_sleeps_make_a_thread_stay_awake_for_longer_than_a_wake_up_once_in_a_while(
    void **state)
{
    (void)state;
    if (ckf_cpus_allowed() < 2)
        skip();
    on_a_new_thread(stay_awake_through_a_wake_up_now_and_then);
}

static int pinned_patience(void *arg)
{
    (void)arg;
    cpu_set_t one, before;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(patience_after(WAITS, a_wait_that_staying_awake_was_enough_for), 0);
    ckf_patience_slept(IDLE_WAIT_NS);
    assert_int_equal(ckf_patience_ns(), 0); /* not the first time */
    assert_true(ckf_patience_gives_way());
    return 0;
}

static void there_is_no_patience_on_one_cpu(void **state)
{
    (void)state;
    on_a_new_thread(pinned_patience);
}

struct sleeper {
    struct ckf_parker parker;
    const struct ckf_wait_note *note;
};

static int park_with_note(void *arg)
{
    struct sleeper *sleeper = arg;
    return ckf_park(&sleeper->parker, CKF_FOREVER, sleeper->note);
}

static void a_sleeper_is_listed_once_for_each_note(void **state)
{
    (void)state;
    char second_name[] = "second";
    const struct ckf_wait_note second = {
        .object = "channel", .name = second_name, .operation = "select"};
    const struct ckf_wait_note first = {
        .object = "channel", .operation = "select", .site = &second, .also = &second};
    struct sleeper sleeper = {.note = &first};
    struct test_thread thread;
    struct ckf_waiting_copy *copies;
    size_t count;
    int64_t before = ckf_now_ns();
    ckf_parker_init(&sleeper.parker);
    thread_start(&thread, park_with_note, &sleeper);
    await_sleep(&thread);
    assert_true(ckf_waiting_copy_all(&copies, &count));
    ckf_unpark(&sleeper.parker);
    thread_join(&thread);
    memset(second_name, 'x', sizeof second_name - 1);
    assert_int_equal(count, 2);
    assert_null(copies[0].name);
    assert_ptr_equal(copies[0].site, &second);
    assert_string_equal(copies[1].name, "second");
    assert_string_equal(copies[1].operation, "select");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(copies[i].thread_id, thread.tid);
        assert_true(copies[i].since_ns >= before && copies[i].since_ns <= ckf_now_ns());
    }
    ckf_free(copies);
    assert_true(ckf_waiting_copy_all(&copies, &count));
    assert_int_equal(count, 0);
    ckf_free(copies);
}

enum { CROWD = 50 };

static void the_list_of_a_crowd_is_copied_whole(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    const struct ckf_wait_note note = {.object = "channel", .name = name, .operation = "recv"};
    struct sleeper sleepers[CROWD];
    struct test_thread threads[CROWD];
    struct ckf_waiting_copy *copies;
    size_t count, before = live_allocations();
    for (int i = 0; i < CROWD; i++) {
        sleepers[i].note = &note;
        ckf_parker_init(&sleepers[i].parker);
        thread_start(&threads[i], park_with_note, &sleepers[i]);
    }
    for (int i = 0; i < CROWD; i++)
        await_sleep(&threads[i]);
    for (unsigned nth = 1; nth <= 2; nth++) {
        fail_allocation(nth);
        assert_false(ckf_waiting_copy_all(&copies, &count));
        assert_true(allocation_failed());
    }
    assert_true(ckf_waiting_copy_all(&copies, &count));
    assert_int_equal(count, CROWD);
    for (int i = 0; i < CROWD; i++) {
        assert_string_equal(copies[i].name, name);
        ckf_unpark(&sleepers[i].parker);
    }
    for (int i = 0; i < CROWD; i++)
        thread_join(&threads[i]);
    ckf_free(copies);
    assert_int_equal(live_allocations(), before);
}

static void a_forked_child_has_no_waiters(void **state)
{
    (void)state;
    const struct ckf_wait_note note = {.object = "channel", .operation = "recv"};
    struct sleeper sleeper = {.note = &note};
    struct test_thread thread;
    ckf_parker_init(&sleeper.parker);
    thread_start(&thread, park_with_note, &sleeper);
    await_sleep(&thread);
    pid_t child = fork();
    if (child == 0) {
        struct ckf_waiting_copy *copies;
        struct ckf_waiting waiting;
        size_t count;
        bool copied = ckf_waiting_copy_all(&copies, &count) && count == 0;
        ckf_waiting_begin(&waiting, &note);
        copied = copied && ckf_waiting_copy_all(&copies, &count) && count == 1;
        ckf_waiting_end(&waiting);
        _exit(copied ? 0 : 1);
    }
    assert_child_succeeds(child);
    ckf_unpark(&sleeper.parker);
    thread_join(&thread);
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

struct counted_object {
    struct ckf_retired retired;
    _Atomic(size_t) *left, *first;
};

static void reclaim_counted(struct ckf_retired *retired)
{
    struct counted_object *object = (struct counted_object *)(void *)retired;
    atomic_fetch_sub(object->left, 1);
    atomic_fetch_add(object->first, ckf_reclaim_is_first());
    ckf_free(object);
}

static void retire_counted(_Atomic(size_t) *left, _Atomic(size_t) *first)
{
    struct counted_object *object = ckf_alloc(sizeof *object);
    assert_non_null(object);
    object->left = left;
    object->first = first;
    atomic_fetch_add(left, 1);
    ckf_retire(&object->retired, reclaim_counted);
}

static void one_callback_waits_for_all_of_its_grace_period(void **state)
{
    (void)state;
    _Atomic(size_t) left = 0, first = 0;
    ckf_wait_for_reclaim();
    ckf_read_begin(); /* at most one batch is taken before the rest is there */
    for (int i = 0; i < 1000; i++)
        retire_counted(&left, &first);
    ckf_read_end();
    ckf_wait_for_reclaim();
    assert_int_equal(atomic_load(&left), 0);
    assert_in_range(atomic_load(&first), 1, 2);
}

static void who_may_wait_keeps_up_with_what_is_retired(void **state)
{
    (void)state;
    enum { OBJECTS = 200000, MOST = 20000 };
    _Atomic(size_t) left = 0, first = 0;
    size_t most = 0;
    for (int i = 0; i < OBJECTS; i++) {
        retire_counted(&left, &first);
        ckf_reclaim_keep_up();
        size_t now = atomic_load(&left);
        most = now > most ? now : most;
    }
    ckf_wait_for_reclaim();
    assert_in_range(most, 1, MOST);
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
    assert_child_succeeds(child);
}

/* --- the first retirements of a process, beside a fork --- */

enum { NEW_PROCESSES = 100, RETIRERS = 3, RETIRED_EACH = 300 };

struct plain_object {
    struct ckf_retired retired;
    _Atomic(int) *left;
};

static void reclaim_plain_object(struct ckf_retired *retired)
{
    atomic_fetch_sub(((struct plain_object *)(void *)retired)->left, 1);
}

struct retirer {
    pthread_barrier_t *start_and_end;
    struct plain_object objects[RETIRED_EACH];
};

static void *retire_inside_sections(void *arg)
{
    struct retirer *retirer = arg;
    pthread_barrier_wait(retirer->start_and_end);
    for (int i = 0; i < RETIRED_EACH; i++) {
        ckf_read_begin();
        ckf_retire(&retirer->objects[i].retired, reclaim_plain_object);
        ckf_read_end();
    }
    pthread_barrier_wait(retirer->start_and_end);
    return NULL;
}

/* Returns what is wrong, as an exit status. */
static int retire_beside_a_fork(void)
{
    static struct retirer retirers[RETIRERS];
    static pthread_barrier_t start_and_end;
    static _Atomic(int) left = RETIRERS * RETIRED_EACH;
    pthread_t threads[RETIRERS];
    pthread_barrier_init(&start_and_end, NULL, RETIRERS + 1);
    for (int i = 0; i < RETIRERS; i++) {
        retirers[i].start_and_end = &start_and_end;
        for (int j = 0; j < RETIRED_EACH; j++)
            retirers[i].objects[j].left = &left;
        if (pthread_create(&threads[i], NULL, retire_inside_sections, &retirers[i]) != 0)
            return 2;
    }
    pthread_barrier_wait(&start_and_end);
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return 3;
    pthread_barrier_wait(&start_and_end);
    for (int i = 0; i < RETIRERS; i++)
        pthread_join(threads[i], NULL);
    ckf_wait_for_reclaim();
    return atomic_load(&left) == 0 ? 0 : 4;
}

static void first_retirements_and_a_fork_do_not_wait_for_each_other(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NEW_PROCESSES * test_times(); i++) {
        int status = -1;
        pid_t process = fork();
        if (process == 0)
            _exit(retire_beside_a_fork());
        AWAIT(waitpid(process, &status, WNOHANG) == process);
        assert_int_equal(status, 0);
    }
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

struct guarded {
    struct ckf_lock lock;
    int count; /* guarded by lock */
    _Atomic(bool) held, leave;
    ckf_crowd crowd;
};

static int count_under_lock(void *arg)
{
    struct guarded *guarded = arg;
    for (int i = 0; i < ADDS; i++) {
        if (i % 2 == 0 || !ckf_lock_try(&guarded->lock))
            ckf_lock_acquire(&guarded->lock);
        guarded->count++;
        ckf_lock_release(&guarded->lock);
    }
    return 0;
}

static void a_lock_lets_one_thread_in(void **state)
{
    (void)state;
    struct guarded guarded = {0};
    struct test_thread threads[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        thread_start(&threads[i], count_under_lock, &guarded);
    for (int i = 0; i < ADDERS; i++)
        thread_join(&threads[i]);
    assert_int_equal(guarded.count, ADDS * ADDERS);
    assert_true(ckf_lock_try(&guarded.lock));
    assert_false(ckf_lock_try(&guarded.lock));
}

static void who_waits_for_a_lock_sleeps(void **state)
{
    (void)state;
    struct guarded guarded = {0};
    struct test_thread thread;
    ckf_lock_acquire(&guarded.lock);
    thread_start(&thread, count_under_lock, &guarded);
    await_sleep(&thread);
    ckf_lock_release(&guarded.lock);
    thread_join(&thread);
    assert_int_equal(guarded.count, ADDS);
}

static int visit_until_told(void *arg)
{
    struct guarded *guarded = arg;
    struct ckf_visit *visit = ckf_visit_begin(guarded, &guarded->crowd);
    atomic_store(&guarded->held, true);
    AWAIT(atomic_load(&guarded->leave));
    guarded->count = 7; /* plain: the end of the visit carries it */
    ckf_visit_end(visit, &guarded->crowd);
    return 0;
}

static void a_visit_is_seen_until_it_ends(void **state)
{
    (void)state;
    struct guarded guarded = {0}, other = {0};
    struct test_thread visitor;
    thread_start(&visitor, visit_until_told, &guarded);
    AWAIT(atomic_load(&guarded.held));
    assert_true(ckf_is_visited(&guarded, &guarded.crowd));
    assert_false(ckf_is_visited(&other, &other.crowd));
    atomic_store(&guarded.leave, true);
    AWAIT(!ckf_is_visited(&guarded, &guarded.crowd));
    assert_int_equal(guarded.count, 7);
    thread_join(&visitor);
}

struct behind {
    struct ckf_fence fence;
    _Atomic(bool) inside, leave;
    bool has_left; /* plain: the wait orders it */
};

static int stay_inside(void *arg)
{
    struct behind *behind = arg;
    struct ckf_place *place = ckf_section_begin_behind(&behind->fence);
    atomic_store(&behind->inside, true);
    while (!atomic_load(&behind->leave))
        give_way();
    behind->has_left = true;
    ckf_section_end(place);
    return 0;
}

static int wait_behind(void *arg)
{
    struct behind *behind = arg;
    ckf_section_wait_behind(&behind->fence);
    return behind->has_left ? 0 : 1;
}

static enum ckf_fence_mode mode_of(struct ckf_fence *fence)
{
    return ckf_fence_mode_in(atomic_load(&fence->light.word));
}

/* Waits that come one upon the other: they are dear. */
static void raise_fence(struct ckf_fence *fence)
{
    while (ckf_sections.are_light && mode_of(fence) != CKF_FENCE_UP)
        ckf_section_wait_behind(fence);
}

static void a_wait_sees_sections_behind_a_fence(void **state)
{
    (void)state;
    ckf_section_start();
    for (int raised = 0; raised < 2; raised++) {
        struct behind behind = {.has_left = false};
        struct test_thread staying, waiting;
        if (raised)
            raise_fence(&behind.fence);
        thread_start(&staying, stay_inside, &behind);
        AWAIT(atomic_load(&behind.inside));
        uint64_t phase = atomic_load(&ckf_sections.phase);
        thread_start(&waiting, wait_behind, &behind);
        AWAIT(atomic_load(&ckf_sections.phase) > phase);
        atomic_store(&behind.leave, true);
        assert_int_equal(thread_join(&waiting), 0);
        thread_join(&staying);
    }
}

static void a_fence_goes_down_when_nobody_waits(void **state)
{
    (void)state;
    struct ckf_fence fence = {0};
    ckf_section_start();
    raise_fence(&fence);
    while (mode_of(&fence) != CKF_FENCE_DOWN)
        ckf_section_end(ckf_section_begin_behind(&fence));
    raise_fence(&fence); /* and may be raised again */
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        /* first: each of its processes is to be the first one that retires */
        cmocka_unit_test(first_retirements_and_a_fork_do_not_wait_for_each_other),
        cmocka_unit_test(firing_wakes_a_sleeper),
        cmocka_unit_test(firing_before_the_wait_is_kept),
        cmocka_unit_test(parking_ends_at_its_deadline_and_can_go_on),
        cmocka_unit_test(patience_grows_with_waits_that_it_is_enough_for_and_shrinks_with_others),
        cmocka_unit_test(waits_that_are_not_long_make_a_thread_give_way_before_it_sleeps),
        cmocka_unit_test(
            brief_sleeps_make_a_thread_stay_awake_for_longer_than_a_wake_up_once_in_a_while),
        cmocka_unit_test(there_is_no_patience_on_one_cpu),
        cmocka_unit_test(a_sleeper_is_listed_once_for_each_note),
        cmocka_unit_test(the_list_of_a_crowd_is_copied_whole),
        cmocka_unit_test(a_forked_child_has_no_waiters),
        cmocka_unit_test(retired_objects_are_reclaimed),
        cmocka_unit_test(one_callback_waits_for_all_of_its_grace_period),
        cmocka_unit_test(who_may_wait_keeps_up_with_what_is_retired),
        cmocka_unit_test(an_open_section_delays_reclamation),
        cmocka_unit_test(reclamation_works_in_a_forked_child),
        cmocka_unit_test(numbers_are_used_again),
        cmocka_unit_test(striped_sums_are_exact_when_nobody_adds),
        cmocka_unit_test(a_lock_lets_one_thread_in),
        cmocka_unit_test(who_waits_for_a_lock_sleeps),
        cmocka_unit_test(a_visit_is_seen_until_it_ends),
        cmocka_unit_test(a_wait_sees_sections_behind_a_fence),
        cmocka_unit_test(a_fence_goes_down_when_nobody_waits),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
