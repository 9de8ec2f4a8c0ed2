/* tests/test_context.c - outcomes, trees, hooks, watchers and waits of contexts. */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "misuse.h"
#include "task/context.h"

static struct ckf_context *make(struct ckf_context *parent, int64_t deadline_ns)
{
    struct ckf_context *context = NULL;
    assert_int_equal(ckf_context_create(&context, parent, deadline_ns), CKF_OK);
    return context;
}

/* Deadlines that come while the test runs, but not before it looks. */
static int64_t soon(void)
{
    return ckf_deadline_after_ns(20000000);
}

/* --- outcomes --- */

static struct ckf_context *context_with(struct ckf_context *parent, int64_t deadline_ns)
{
    struct ckf_context *context;
    assert_int_equal(ckf_context_create(&context, parent, deadline_ns), CKF_OK);
    return context;
}

static void a_status_is_the_same_inlined_and_called(void **state)
{
    (void)state;
    enum ckf_status (*volatile status)(struct ckf_context *) = ckf_context_status;
    int64_t later_ns = ckf_deadline_after_ns(INT64_C(3600) * 1000000000);
    struct ckf_context *plain = context_with(NULL, CKF_FOREVER);
    struct ckf_context *timed = context_with(NULL, later_ns),
                       *heir = context_with(timed, CKF_FOREVER);
    struct ckf_context *over = context_with(NULL, 1), *child = context_with(over, CKF_FOREVER);
    struct ckf_context *all[] = {plain, timed, heir, over, child};
    for (int canceled = 0; canceled < 2; canceled++) {
        for (int i = 0; i < 5; i++) {
            enum ckf_status due = i >= 3 ? CKF_TIMED_OUT : canceled ? CKF_CANCELED : CKF_OK;
            assert_int_equal(ckf_context_status(all[i]), due);
            assert_int_equal(status(all[i]), due);
            assert_int_equal(ckf_context_reason(all[i]), canceled && i < 3 ? 7 : 0);
        }
        for (int i = 0; i < 5; i++)
            ckf_context_cancel(all[i], 7);
    }
    for (int i = 0; i < 5; i++)
        ckf_context_release(all[i]);
}

static void a_new_context_is_not_done(void **state)
{
    (void)state;
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    assert_int_equal(ckf_context_status(context), CKF_OK);
    assert_int_equal(ckf_context_reason(context), 0);
    assert_int_equal(ckf_context_wait(context, CKF_NOW), CKF_AGAIN);
    assert_int_equal(ckf_context_wait(context, 1), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_wait(context, -5), CKF_TIMED_OUT);
    ckf_context_release(context);
}

static void a_deadline_of_zero_is_invalid(void **state)
{
    (void)state;
    struct ckf_context *context = (void *)&state;
    assert_int_equal(ckf_context_create(&context, NULL, 0), CKF_INVALID);
    assert_ptr_equal(context, &state);
}

static void a_passed_deadline_makes_a_context_that_is_done(void **state)
{
    (void)state;
    struct ckf_context *past = make(NULL, 1), *negative = make(NULL, INT64_MIN);
    assert_int_equal(ckf_context_status(past), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_status(negative), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_wait(past, CKF_NOW), CKF_OK);
    assert_int_equal(ckf_context_wait(negative, CKF_FOREVER), CKF_OK);
    ckf_context_release(past);
    ckf_context_release(negative);
}

static void the_first_outcome_stays(void **state)
{
    (void)state;
    struct ckf_context *canceled = make(NULL, soon());
    ckf_context_cancel(canceled, -7);
    ckf_context_cancel(canceled, 8);
    assert_int_equal(ckf_context_status(canceled), CKF_CANCELED);
    AWAIT(clock_ns() > ckf_context_deadline_ns(canceled));
    assert_int_equal(ckf_context_status(canceled), CKF_CANCELED);
    assert_int_equal(ckf_context_reason(canceled), -7);
    ckf_context_release(canceled);

    struct ckf_context *expired = make(NULL, 1);
    ckf_context_cancel(expired, 9);
    assert_int_equal(ckf_context_status(expired), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_reason(expired), 0);
    ckf_context_release(expired);
}

static void a_cancelled_context_is_done_whatever_the_limit(void **state)
{
    (void)state;
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    ckf_context_cancel(context, 1);
    assert_int_equal(ckf_context_wait(context, CKF_NOW), CKF_OK);
    assert_int_equal(ckf_context_wait(context, 1), CKF_OK);
    assert_int_equal(ckf_context_wait(context, CKF_FOREVER), CKF_OK);
    ckf_context_release(context);
}

/* --- trees --- */

static void a_cancel_reaches_every_descendant_and_nobody_else(void **state)
{
    (void)state;
    struct ckf_context *root = make(NULL, CKF_FOREVER);
    struct ckf_context *left = make(root, CKF_FOREVER), *right = make(root, CKF_FOREVER);
    struct ckf_context *leaves[3];
    for (int i = 0; i < 3; i++)
        leaves[i] = make(left, CKF_FOREVER);
    ckf_context_cancel(left, 3);
    assert_int_equal(ckf_context_status(root), CKF_OK);
    assert_int_equal(ckf_context_status(right), CKF_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ckf_context_status(leaves[i]), CKF_CANCELED);
        assert_int_equal(ckf_context_reason(leaves[i]), 3);
        ckf_context_release(leaves[i]);
    }
    ckf_context_cancel(root, 4);
    assert_int_equal(ckf_context_reason(left), 3);
    assert_int_equal(ckf_context_reason(right), 4);
    ckf_context_release(left);
    ckf_context_release(right);
    ckf_context_release(root);
}

static void a_child_of_a_done_parent_is_born_done(void **state)
{
    (void)state;
    struct ckf_context *canceled = make(NULL, CKF_FOREVER), *expired = make(NULL, 1);
    ckf_context_cancel(canceled, 5);
    struct ckf_context *first = make(canceled, CKF_FOREVER), *second = make(expired, CKF_FOREVER);
    assert_int_equal(ckf_context_status(first), CKF_CANCELED);
    assert_int_equal(ckf_context_reason(first), 5);
    assert_int_equal(ckf_context_status(second), CKF_TIMED_OUT);
    ckf_context_cancel(first, 6);
    assert_int_equal(ckf_context_reason(first), 5);
    ckf_context_release(first);
    ckf_context_release(second);
    ckf_context_release(canceled);
    ckf_context_release(expired);
}

static void a_child_is_done_when_its_parents_deadline_comes(void **state)
{
    (void)state;
    int64_t parents = soon();
    struct ckf_context *parent = make(NULL, parents);
    struct ckf_context *child = make(parent, ckf_deadline_after_ns(PATIENCE_NS));
    struct ckf_context *hasty = make(parent, 1);
    assert_true(ckf_context_deadline_ns(child) == parents);
    assert_int_equal(ckf_context_status(hasty), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_wait(child, CKF_FOREVER), CKF_OK);
    assert_int_equal(ckf_context_status(child), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_status(parent), CKF_TIMED_OUT);
    ckf_context_release(parent);
    ckf_context_release(child);
    ckf_context_release(hasty);
}

static void a_living_child_keeps_its_parent(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct ckf_context *root = make(NULL, CKF_FOREVER);
    struct ckf_context *child = make(root, CKF_FOREVER), *grandchild = make(child, CKF_FOREVER);
    ckf_context_release(child);
    ckf_context_retain(root);
    ckf_context_release(root);
    ckf_context_cancel(root, 2);
    ckf_context_release(root);
    assert_int_equal(ckf_context_reason(grandchild), 2);
    assert_int_equal(live_allocations(), before + 3);
    ckf_context_release(grandchild);
    assert_int_equal(live_allocations(), before);
}

enum { MANY = 1000000, DEEP = 100000 };

static void a_million_children_leave_nothing_in_their_parent(void **state)
{
    (void)state;
    struct ckf_context *root = make(NULL, CKF_FOREVER);
    size_t before = live_allocations();
    for (int i = 0; i < MANY; i++)
        ckf_context_release(make(root, CKF_FOREVER));
    assert_int_equal(live_allocations(), before);
    ckf_context_release(root);
}

static void depth_costs_no_stack(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct ckf_context *root = make(NULL, CKF_FOREVER), *deepest = ckf_context_retain(root);
    for (int i = 0; i < DEEP; i++) {
        struct ckf_context *child = make(deepest, CKF_FOREVER);
        ckf_context_release(deepest);
        deepest = child;
    }
    ckf_context_cancel(root, 1);
    assert_int_equal(ckf_context_status(deepest), CKF_CANCELED);
    ckf_context_release(root);
    ckf_context_release(deepest);
    assert_int_equal(live_allocations(), before);
}

struct family {
    struct ckf_context *parent, *child;
};

static int see_parent_done_then_child(void *arg)
{
    struct family *family = arg;
    while (ckf_context_status(family->parent) == CKF_OK)
        ;
    return ckf_context_status(family->child) == CKF_CANCELED;
}

static void who_sees_a_parent_cancelled_sees_its_child_cancelled(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct family family = {.parent = make(NULL, CKF_FOREVER)};
        struct ckf_context *others[8];
        for (int i = 0; i < 8; i++)
            others[i] = make(family.parent, CKF_FOREVER);
        family.child = make(others[round % 8], CKF_FOREVER);
        struct test_thread watcher;
        thread_start(&watcher, see_parent_done_then_child, &family);
        ckf_context_cancel(family.parent, 1);
        assert_true(thread_join(&watcher));
        for (int i = 0; i < 8; i++)
            ckf_context_release(others[i]);
        ckf_context_release(family.child);
        ckf_context_release(family.parent);
    }
}

/* --- hooks --- */

struct journal {
    char text[64];
    struct ckf_hook *to_stop;
    int stopped;
};

struct entry {
    struct journal *journal;
    char letter;
};

static void write_letter(void *arg)
{
    struct entry *entry = arg;
    size_t length = strlen(entry->journal->text);
    assert_true(length + 1 < sizeof entry->journal->text);
    entry->journal->text[length] = entry->letter;
}

static void write_when_done(struct ckf_context *context, struct entry *entry)
{
    assert_int_equal(ckf_context_on_done(context, write_letter, entry, NULL), CKF_OK);
}

static void hooks_run_newest_first_own_before_childrens(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct entry entries[] = {{&journal, 'a'}, {&journal, 'b'}, {&journal, 'c'},
                              {&journal, 'd'}, {&journal, 'e'}, {&journal, 'f'}};
    struct ckf_context *root = make(NULL, CKF_FOREVER);
    struct ckf_context *child = make(root, CKF_FOREVER), *grandchild = make(child, CKF_FOREVER);
    write_when_done(grandchild, &entries[0]);
    write_when_done(root, &entries[1]);
    write_when_done(child, &entries[2]);
    write_when_done(root, &entries[3]);
    write_when_done(child, &entries[4]);
    write_when_done(grandchild, &entries[5]);
    ckf_context_cancel(root, 0);
    assert_string_equal(journal.text, "dbecfa");
    ckf_context_cancel(root, 0);
    ckf_context_release(root);
    ckf_context_release(child);
    ckf_context_release(grandchild);
    assert_string_equal(journal.text, "dbecfa");
}

static void hooks_run_at_the_last_release(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct journal journal = {0};
    struct entry entries[] = {{&journal, 'a'}, {&journal, 'b'}};
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    write_when_done(context, &entries[0]);
    write_when_done(context, &entries[1]);
    ckf_context_retain(context);
    ckf_context_release(context);
    assert_string_equal(journal.text, "");
    ckf_context_release(context);
    assert_string_equal(journal.text, "ba");
    assert_int_equal(live_allocations(), before);
}

static void a_deadline_alone_runs_no_hook_but_cancel_does(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct entry entries[] = {{&journal, 'a'}, {&journal, 'b'}, {&journal, 'c'}};
    struct ckf_context *parent = make(NULL, CKF_FOREVER), *child = make(parent, soon());
    write_when_done(child, &entries[0]);
    assert_int_equal(ckf_context_wait(child, CKF_FOREVER), CKF_OK);
    assert_string_equal(journal.text, "");
    write_when_done(child, &entries[1]);
    assert_string_equal(journal.text, "b");
    ckf_context_cancel(parent, 1);
    assert_string_equal(journal.text, "ba");
    assert_int_equal(ckf_context_status(child), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_status(parent), CKF_CANCELED);
    ckf_context_release(parent);
    ckf_context_release(child);
    assert_string_equal(journal.text, "ba");
}

static void a_hook_on_a_done_context_runs_at_once(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct journal journal = {0};
    struct entry entry = {&journal, 'a'};
    struct ckf_hook *hook = NULL;
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    ckf_context_cancel(context, 0);
    assert_int_equal(ckf_context_on_done(context, write_letter, &entry, &hook), CKF_OK);
    assert_string_equal(journal.text, "a");
    ckf_context_release(context);
    assert_false(ckf_hook_stop(hook));
    assert_int_equal(live_allocations(), before);
}

static void a_stopped_hook_never_runs_and_leaves_nothing(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct entry entries[] = {{&journal, 'a'}, {&journal, 'b'}, {&journal, 'c'}};
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    size_t before = live_allocations();
    struct ckf_hook *hooks[3];
    for (int order = 0; order < 3; order++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(ckf_context_on_done(context, write_letter, &entries[i], &hooks[i]),
                             CKF_OK);
        for (int i = 0; i < 3; i++)
            assert_true(ckf_hook_stop(hooks[(order + i) % 3]));
        assert_int_equal(live_allocations(), before);
    }
    ckf_context_cancel(context, 0);
    ckf_context_release(context);
    assert_string_equal(journal.text, "");
}

static void a_handle_outlives_its_context(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct journal journal = {0};
    struct entry entry = {&journal, 'a'};
    struct ckf_hook *hook = NULL;
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    assert_int_equal(ckf_context_on_done(context, write_letter, &entry, &hook), CKF_OK);
    ckf_context_release(context);
    assert_string_equal(journal.text, "a");
    assert_false(ckf_hook_stop(hook));
    assert_int_equal(live_allocations(), before);
}

static void stop_another(void *arg)
{
    struct journal *journal = arg;
    strcat(journal->text, "s");
    journal->stopped = ckf_hook_stop(journal->to_stop);
}

static void a_hook_may_stop_itself(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct journal journal = {.stopped = -1};
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    assert_int_equal(ckf_context_on_done(context, stop_another, &journal, &journal.to_stop),
                     CKF_OK);
    ckf_context_cancel(context, 0);
    assert_int_equal(journal.stopped, false);
    /* and on a context that is done, where it runs before on_done returns */
    assert_int_equal(ckf_context_on_done(context, stop_another, &journal, &journal.to_stop),
                     CKF_OK);
    assert_string_equal(journal.text, "ss");
    ckf_context_release(context);
    assert_int_equal(live_allocations(), before);
}

static void a_hook_may_stop_one_that_is_next(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct journal journal = {.stopped = -1};
    struct entry entry = {&journal, 'a'};
    struct ckf_context *parent = make(NULL, CKF_FOREVER), *child = make(parent, CKF_FOREVER);
    assert_int_equal(ckf_context_on_done(child, write_letter, &entry, &journal.to_stop), CKF_OK);
    assert_int_equal(ckf_context_on_done(parent, stop_another, &journal, NULL), CKF_OK);
    ckf_context_cancel(parent, 0);
    assert_string_equal(journal.text, "s");
    assert_int_equal(journal.stopped, true);
    ckf_context_release(child);
    ckf_context_release(parent);
    assert_int_equal(live_allocations(), before);
}

struct slow_hook {
    struct ckf_context *context;
    struct ckf_hook *hook;
    atomic_bool started, may_end, ended;
};

static void run_slowly(void *arg)
{
    struct slow_hook *slow = arg;
    atomic_store(&slow->started, true);
    while (!atomic_load(&slow->may_end))
        give_way();
    atomic_store(&slow->ended, true);
}

static int cancel_with_slow_hook(void *arg)
{
    struct slow_hook *slow = arg;
    ckf_context_cancel(slow->context, 1);
    return 0;
}

static int stop_slow_hook(void *arg)
{
    struct slow_hook *slow = arg;
    bool prevented = ckf_hook_stop(slow->hook);
    return !prevented && atomic_load(&slow->ended);
}

static void stop_waits_for_a_hook_that_runs(void **state)
{
    (void)state;
    struct slow_hook slow = {.context = make(NULL, CKF_FOREVER)};
    struct test_thread canceller, stopper;
    assert_int_equal(ckf_context_on_done(slow.context, run_slowly, &slow, &slow.hook), CKF_OK);
    thread_start(&canceller, cancel_with_slow_hook, &slow);
    AWAIT(atomic_load(&slow.started));
    thread_start(&stopper, stop_slow_hook, &slow);
    await_sleep(&stopper);
    atomic_store(&slow.may_end, true);
    assert_true(thread_join(&stopper));
    thread_join(&canceller);
    ckf_context_release(slow.context);
}

static void release_context(void *arg)
{
    ckf_context_release(arg);
}

static void a_hook_may_release_the_last_reference(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    assert_int_equal(ckf_context_on_done(context, release_context, context, NULL), CKF_OK);
    ckf_context_cancel(context, 1);
    assert_int_equal(live_allocations(), before);
}

/* --- waiting --- */

static int wait_for_ever(void *arg)
{
    return (int)ckf_context_wait(arg, CKF_FOREVER);
}

static int wait_and_release(void *arg)
{
    int status = (int)ckf_context_wait(arg, CKF_FOREVER);
    ckf_context_release(arg);
    return status;
}

static void a_cancel_wakes_who_waits_for_a_descendant(void **state)
{
    (void)state;
    struct ckf_context *parent = make(NULL, ckf_deadline_after_ns(PATIENCE_NS));
    struct ckf_context *child = make(parent, CKF_FOREVER);
    struct test_thread waiters[3];
    for (int i = 0; i < 3; i++)
        thread_start(&waiters[i], wait_for_ever, i == 0 ? parent : child);
    for (int i = 0; i < 3; i++)
        await_sleep(&waiters[i]);
    ckf_context_cancel(parent, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(thread_join(&waiters[i]), CKF_OK);
    ckf_context_release(child);
    ckf_context_release(parent);
}

static void who_waited_for_the_cancel_may_release_at_once(void **state)
{
    (void)state;
    size_t before = live_allocations();
    for (int round = 0; round < 500; round++) {
        struct ckf_context *context = make(NULL, CKF_FOREVER);
        struct test_thread waiter;
        thread_start(&waiter, wait_and_release, context);
        ckf_context_cancel(context, 1);
        assert_int_equal(thread_join(&waiter), CKF_OK);
    }
    assert_int_equal(live_allocations(), before);
}

static void a_wait_ends_at_its_own_deadline(void **state)
{
    (void)state;
    struct ckf_context *context = make(NULL, ckf_deadline_after_ns(PATIENCE_NS));
    int64_t deadline = soon();
    errno = 0;
    assert_int_equal(ckf_context_wait(context, deadline), CKF_TIMED_OUT);
    assert_true(clock_ns() >= deadline);
    assert_int_equal(errno, 0);
    assert_int_equal(ckf_context_status(context), CKF_OK);
    ckf_context_release(context);
}

/* --- the private face --- */

struct counted_watcher {
    struct ckf_context_watcher watcher;
    atomic_int fired;
};

static void count_firing(struct ckf_context_watcher *watcher)
{
    atomic_fetch_add(&((struct counted_watcher *)(void *)watcher)->fired, 1);
}

static void watchers_fire_once_and_only_while_attached(void **state)
{
    (void)state;
    struct counted_watcher watchers[3];
    memset(watchers, 0, sizeof watchers);
    struct ckf_context *parent = make(NULL, CKF_FOREVER), *child = make(parent, CKF_FOREVER);
    for (int i = 0; i < 3; i++) {
        watchers[i].watcher.fire = count_firing;
        assert_int_equal(ckf_context_attach(child, &watchers[i].watcher), CKF_OK);
    }
    ckf_context_detach(child, &watchers[1].watcher);
    ckf_context_detach(child, &watchers[1].watcher);
    ckf_context_cancel(parent, 1);
    ckf_context_cancel(child, 1);
    assert_int_equal(watchers[0].fired, 1);
    assert_int_equal(watchers[1].fired, 0);
    assert_int_equal(watchers[2].fired, 1);
    assert_int_equal(ckf_context_attach(child, &watchers[1].watcher), CKF_CANCELED);
    assert_int_equal(watchers[1].fired, 0);
    for (int i = 0; i < 3; i++)
        ckf_context_detach(child, &watchers[i].watcher);
    ckf_context_release(child);
    ckf_context_release(parent);
}

static void no_context_is_never_done(void **state)
{
    (void)state;
    struct counted_watcher watcher = {.watcher.fire = count_firing};
    assert_int_equal(ckf_context_attach(NULL, &watcher.watcher), CKF_OK);
    ckf_context_detach(NULL, &watcher.watcher);
    assert_int_equal(ckf_context_outcome(NULL), CKF_OK);
    assert_true(ckf_context_deadline_ns(NULL) == CKF_FOREVER);
}

static void attaching_to_an_expired_context_says_so(void **state)
{
    (void)state;
    struct counted_watcher watcher = {.watcher.fire = count_firing};
    struct ckf_context *context = make(NULL, 1);
    assert_int_equal(ckf_context_attach(context, &watcher.watcher), CKF_TIMED_OUT);
    assert_int_equal(ckf_context_outcome(context), CKF_TIMED_OUT);
    ckf_context_detach(context, &watcher.watcher);
    ckf_context_release(context);
}

/* --- everything at once --- */

struct storm {
    struct ckf_context *root;
    atomic_int ran, hooked, prevented;
};

static void count_run(void *arg)
{
    atomic_fetch_add(&((struct storm *)arg)->ran, 1);
}

enum { STORM_ROUNDS = 2000 };

static int make_children(void *arg)
{
    struct storm *storm = arg;
    for (int i = 0; i < STORM_ROUNDS; i++) {
        struct ckf_context *child = make(storm->root, CKF_FOREVER);
        struct ckf_context *grandchild = make(child, ckf_deadline_after_ns(1000));
        struct ckf_hook *hook;
        struct counted_watcher watcher = {.watcher.fire = count_firing};
        assert_int_equal(ckf_context_on_done(child, count_run, storm, &hook), CKF_OK);
        assert_int_equal(ckf_context_on_done(grandchild, count_run, storm, NULL), CKF_OK);
        atomic_fetch_add(&storm->hooked, 2);
        enum ckf_status attached = ckf_context_attach(child, &watcher.watcher);
        if (i % 3 == 0)
            ckf_context_cancel(child, 1);
        ckf_context_detach(child, &watcher.watcher);
        assert_true(watcher.fired <= (attached == CKF_OK));
        ckf_context_release(child);
        ckf_context_release(grandchild);
        if (ckf_hook_stop(hook))
            atomic_fetch_add(&storm->prevented, 1);
    }
    return 0;
}

static int cancel_children(void *arg)
{
    struct storm *storm = arg;
    ckf_context_cancel(storm->root, 1);
    return 0;
}

static void hooks_run_exactly_once_in_a_storm(void **state)
{
    (void)state;
    size_t before = live_allocations();
    for (int round = 0; round < 5; round++) {
        struct storm storm = {.root = make(NULL, CKF_FOREVER)};
        struct test_thread makers[3], canceller;
        for (int i = 0; i < 3; i++)
            thread_start(&makers[i], make_children, &storm);
        AWAIT(atomic_load(&storm.hooked) > 1000 * round);
        thread_start(&canceller, cancel_children, &storm);
        for (int i = 0; i < 3; i++)
            thread_join(&makers[i]);
        thread_join(&canceller);
        ckf_context_release(storm.root);
        assert_int_equal(storm.ran + storm.prevented, storm.hooked);
    }
    assert_int_equal(live_allocations(), before);
}

/* --- failures --- */

static void without_memory_nothing_happens(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct entry entry = {&journal, 'a'};
    struct ckf_context *root = make(NULL, CKF_FOREVER), *child = NULL;
    struct ckf_hook *hook = NULL;
    size_t before = live_allocations();
    fail_allocation(1);
    assert_int_equal(ckf_context_create(&child, root, CKF_FOREVER), CKF_NO_MEMORY);
    assert_true(allocation_failed());
    fail_allocation(1);
    assert_int_equal(ckf_context_on_done(root, write_letter, &entry, &hook), CKF_NO_MEMORY);
    fail_allocation(0);
    assert_null(child);
    assert_null(hook);
    assert_int_equal(live_allocations(), before);
    ckf_context_release(root);
    assert_string_equal(journal.text, "");
}

static void release_nothing(void *arg)
{
    ckf_context_release(arg);
}

static void status_of_nothing(void *arg)
{
    if (ckf_context_status(arg) != CKF_OK)
        _exit(1);
}

static void cancel_nothing(void *arg)
{
    ckf_context_cancel(arg, 1);
}

static void stop_nothing(void *arg)
{
    ckf_hook_stop(arg);
}

static void hook_nothing(void *arg)
{
    if (ckf_context_on_done(arg, NULL, NULL, NULL) != CKF_OK)
        _exit(1);
}

static void release_under_a_watcher(void *arg)
{
    struct counted_watcher watcher = {.watcher.fire = count_firing};
    if (ckf_context_attach(arg, &watcher.watcher) == CKF_OK)
        ckf_context_release(arg);
}

static void misuse_aborts_with_a_sentence(void **state)
{
    (void)state;
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    assert_true(aborts_in("ckf_context_release", release_nothing, NULL));
    assert_true(aborts_in("ckf_context_status", status_of_nothing, NULL));
    assert_true(aborts_in("ckf_context_cancel", cancel_nothing, NULL));
    assert_true(aborts_in("ckf_hook_stop", stop_nothing, NULL));
    assert_true(aborts_in("ckf_context_on_done", hook_nothing, context));
    assert_true(aborts_in("ckf_context_release", release_under_a_watcher, context));
    ckf_context_release(context);
}

static void a_forked_child_may_use_its_contexts(void **state)
{
    (void)state;
    struct ckf_context *context = make(NULL, CKF_FOREVER);
    pid_t child = fork();
    if (child == 0) {
        struct ckf_context *own = make(context, CKF_FOREVER);
        ckf_context_cancel(context, 1);
        _exit(ckf_context_status(own) == CKF_CANCELED ? 0 : 1);
    }
    assert_child_succeeds(child);
    assert_int_equal(ckf_context_status(context), CKF_OK);
    ckf_context_release(context);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_is_the_same_inlined_and_called),
        cmocka_unit_test(a_new_context_is_not_done),
        cmocka_unit_test(a_deadline_of_zero_is_invalid),
        cmocka_unit_test(a_passed_deadline_makes_a_context_that_is_done),
        cmocka_unit_test(the_first_outcome_stays),
        cmocka_unit_test(a_cancelled_context_is_done_whatever_the_limit),
        cmocka_unit_test(a_cancel_reaches_every_descendant_and_nobody_else),
        cmocka_unit_test(a_child_of_a_done_parent_is_born_done),
        cmocka_unit_test(a_child_is_done_when_its_parents_deadline_comes),
        cmocka_unit_test(a_living_child_keeps_its_parent),
        cmocka_unit_test(a_million_children_leave_nothing_in_their_parent),
        cmocka_unit_test(depth_costs_no_stack),
        cmocka_unit_test(who_sees_a_parent_cancelled_sees_its_child_cancelled),
        cmocka_unit_test(hooks_run_newest_first_own_before_childrens),
        cmocka_unit_test(hooks_run_at_the_last_release),
        cmocka_unit_test(a_deadline_alone_runs_no_hook_but_cancel_does),
        cmocka_unit_test(a_hook_on_a_done_context_runs_at_once),
        cmocka_unit_test(a_stopped_hook_never_runs_and_leaves_nothing),
        cmocka_unit_test(a_handle_outlives_its_context),
        cmocka_unit_test(a_hook_may_stop_itself),
        cmocka_unit_test(a_hook_may_stop_one_that_is_next),
        cmocka_unit_test(stop_waits_for_a_hook_that_runs),
        cmocka_unit_test(a_hook_may_release_the_last_reference),
        cmocka_unit_test(a_cancel_wakes_who_waits_for_a_descendant),
        cmocka_unit_test(who_waited_for_the_cancel_may_release_at_once),
        cmocka_unit_test(a_wait_ends_at_its_own_deadline),
        cmocka_unit_test(watchers_fire_once_and_only_while_attached),
        cmocka_unit_test(no_context_is_never_done),
        cmocka_unit_test(attaching_to_an_expired_context_says_so),
        cmocka_unit_test(hooks_run_exactly_once_in_a_storm),
        cmocka_unit_test(without_memory_nothing_happens),
        cmocka_unit_test(misuse_aborts_with_a_sentence),
        cmocka_unit_test(a_forked_child_may_use_its_contexts),
    };
    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
