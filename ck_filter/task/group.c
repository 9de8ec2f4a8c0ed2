/* task/group.c - tasks on threads of their own.
 *
 * Roles:      starters (go), tasks, waiters (wait), one destroyer.
 * Invariants: `running` counts accepted tasks that have not ended; it grows under the lock while the
 *             group is open, and a free slot is handed to the first starter in the queue without
 *             falling in between. A task that fails cancels the context before it counts as ended.
 *             Ended threads form a chain: each joins the one that ended before it, and the last one
 *             is left for who closes the group. So threads never pile up, however long the group.
 *             Accepted tasks are listed from before their threads exist until they count as ended.
 * Close:      one waiter finds nothing running, turns OPEN into CLOSING, which refuses starters,
 *             joins the last thread and cancels the context; CLOSED lets the other waiters go.
 * Sleeping:   on parkers. Starters can be woken by a slot (under the lock) or by the context (under
 *             its locks): whoever claims the starter first fires it. No lock of ours is held while a
 *             context is called or calls.
 * Teardown:   destroy closes like a waiter, then waits for calls that are on their way out.
 */
#include <ck_filter/group.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/atomics.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/probes.h"
#include "base/step.h"
#include "sync/parking.h"
#include "sync/trace.h"
#include "task/context.h"

enum group_phase { OPEN = 0, CLOSING = 1, CLOSED = 2 };

enum claim { UNCLAIMED = 0, CLAIMED_BY_SLOT = 1, CLAIMED_BY_CONTEXT = 2 };

/* A call that sleeps in the group, on its own stack. */
struct sleeper {
    struct ckf_context_watcher watcher; /* starters: attached to the group's context */
    struct ckf_parker parker;
    _Atomic(uint32_t) claim;         /* enum claim, who fires it; of waiters, the lock decides */
    struct sleeper *previous, *next; /* guarded by the group's lock, like the next two */
    bool is_queued;
    bool is_task; /* of this group: the destroyer will wait for it anyway */
};

/* In order of arrival. */
struct queue {
    struct sleeper *first, *last;
};

struct ckf_group {
    char *name; /* these three never change */
    struct ckf_context *context;
    unsigned limit;

    pthread_mutex_t lock; /* guards the rest */
    enum group_phase phase;
    size_t running;
    struct task *newest; /* in the list of tasks; not more than `running` */
    int first_error;
    bool has_ended_thread; /* ended_thread is not joined yet */
    pthread_t ended_thread;
    struct queue starters, waiters;
    size_t calls;              /* of go and wait, that have not left */
    struct sleeper *destroyer; /* that waits for `calls` to come to 0 */
};

struct task {
    struct ckf_group *group;
    ckf_task function;
    void *arg;
    char name[16]; /* as much as a thread's name holds */
    int result;
    int64_t since_ns;            /* when it began, while that is recorded */
    int64_t started_ns;          /* when it was accepted */
    _Atomic(uint64_t) thread_id; /* of its thread, which sets it */
    struct task *newer, *older;  /* guarded by the group's lock */
};

/* The group whose task this thread runs. */
static _Thread_local const struct ckf_group *own_group;

/* --- queues, under the group's lock --- */

static void enqueue(struct queue *queue, struct sleeper *sleeper, bool is_task)
{
    sleeper->is_queued = true;
    sleeper->is_task = is_task;
    sleeper->previous = queue->last;
    sleeper->next = NULL;
    if (queue->last != NULL)
        queue->last->next = sleeper;
    else
        queue->first = sleeper;
    queue->last = sleeper;
}

static void dequeue(struct queue *queue, struct sleeper *sleeper)
{
    sleeper->is_queued = false;
    if (sleeper->previous != NULL)
        sleeper->previous->next = sleeper->next;
    else
        queue->first = sleeper->next;
    if (sleeper->next != NULL)
        sleeper->next->previous = sleeper->previous;
    else
        queue->last = sleeper->previous;
}

static void wake_waiters(struct ckf_group *group)
{
    while (group->waiters.first != NULL) {
        struct sleeper *sleeper = group->waiters.first;
        dequeue(&group->waiters, sleeper);
        ckf_unpark(&sleeper->parker);
    }
}

/* --- entering and leaving --- */

static void enter(struct ckf_group *group)
{
    pthread_mutex_lock(&group->lock);
    group->calls++;
}

static void leave(struct ckf_group *group)
{
    group->calls--;
    if (group->calls == 0 && group->destroyer != NULL)
        ckf_unpark(&group->destroyer->parker);
    pthread_mutex_unlock(&group->lock);
}

/* Sleeps without the lock, which is held before and after. False: deadline_ns came first. */
static bool sleep_unlocked(struct ckf_group *group, struct sleeper *sleeper, int64_t deadline_ns,
                           const struct ckf_wait_note *note)
{
    pthread_mutex_unlock(&group->lock);
    bool fired = ckf_park(&sleeper->parker, deadline_ns, note);
    pthread_mutex_lock(&group->lock);
    return fired;
}

/* --- slots --- */

static bool claim(struct sleeper *starter, enum claim by)
{
    uint32_t found = UNCLAIMED;
    /* relaxed: decides who fires only; what else there is to know comes with the firing */
    return cas_relaxed(&starter->claim, &found, by);
}

static void claim_for_context(struct ckf_context_watcher *watcher)
{
    struct sleeper *starter = (struct sleeper *)(void *)watcher;
    if (claim(starter, CLAIMED_BY_CONTEXT))
        ckf_unpark(&starter->parker);
}

/* A task has ended, or was not started after all: the next starter has its slot, or nobody. */
static void give_slot_back(struct ckf_group *group)
{
    while (group->starters.first != NULL) {
        struct sleeper *starter = group->starters.first;
        dequeue(&group->starters, starter);
        if (claim(starter, CLAIMED_BY_SLOT)) {
            ckf_unpark(&starter->parker);
            return;
        }
    }
    group->running--;
    if (group->running == 0)
        wake_waiters(group);
}

/* Whether a task may still be accepted. */
static enum ckf_status admission(struct ckf_group *group)
{
    return group->phase != OPEN ? CKF_CLOSED : ckf_context_status(group->context);
}

static bool take_free_slot(struct ckf_group *group)
{
    if (group->limit != 0 && group->running >= group->limit)
        return false;
    group->running++;
    return true;
}

/* With the watcher attached. */
static enum ckf_status sleep_for_slot(struct ckf_group *group, struct sleeper *starter,
                                      const void *site)
{
    const struct ckf_wait_note note = {
        .object = "group", .name = group->name, .operation = "go", .site = site};
    enqueue(&group->starters, starter, own_group == group);
    sleep_unlocked(group, starter, ckf_context_deadline_ns(group->context), &note);
    if (starter->is_queued)
        dequeue(&group->starters, starter);
    /* relaxed: slots are given under the lock; who fires for the context is awaited by the detaching */
    bool has_slot = load_relaxed(&starter->claim) == CLAIMED_BY_SLOT;
    enum ckf_status status = admission(group);
    if (has_slot && CKF_STEP(status != CKF_OK))
        give_slot_back(group);
    return status;
}

static enum ckf_status wait_for_slot(struct ckf_group *group, const void *site)
{
    struct sleeper starter = {.watcher.fire = claim_for_context};
    atomic_init(&starter.claim, UNCLAIMED);
    ckf_parker_init(&starter.parker);
    pthread_mutex_unlock(&group->lock);
    enum ckf_status attached = ckf_context_attach(group->context, &starter.watcher);
    pthread_mutex_lock(&group->lock);
    enum ckf_status status = admission(group);
    if (attached == CKF_OK && status == CKF_OK && !CKF_STEP(take_free_slot(group)))
        status = sleep_for_slot(group, &starter, site);
    pthread_mutex_unlock(&group->lock);
    ckf_context_detach(group->context, &starter.watcher);
    pthread_mutex_lock(&group->lock);
    return status;
}

/* CKF_OK: one of `running` is the caller's. */
static enum ckf_status take_slot(struct ckf_group *group, bool may_wait, const void *site)
{
    enum ckf_status status = admission(group);
    if (status != CKF_OK || take_free_slot(group))
        return status;
    return may_wait ? wait_for_slot(group, site) : CKF_AGAIN;
}

/* --- tasks --- */

static void list(struct task *task)
{
    struct ckf_group *group = task->group;
    pthread_mutex_lock(&group->lock);
    task->older = group->newest;
    if (task->older != NULL)
        task->older->newer = task;
    group->newest = task;
    pthread_mutex_unlock(&group->lock);
}

/* Under the lock. */
static void unlist(struct task *task)
{
    if (task->older != NULL)
        task->older->newer = task->newer;
    if (task->newer != NULL)
        task->newer->older = task->older;
    else
        task->group->newest = task->older;
}

static void join_thread(pthread_t thread)
{
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    int error = pthread_join(thread, NULL);
    if (error != 0)
        ckf_die("pthread_join", error);
    pthread_setcancelstate(cancel_state, NULL);
}

/* True for the first one, who has to cancel the context. */
static bool note_error(struct ckf_group *group, int result)
{
    if (result == 0)
        return false;
    pthread_mutex_lock(&group->lock);
    bool is_first = group->first_error == 0;
    if (is_first)
        group->first_error = result;
    pthread_mutex_unlock(&group->lock);
    return is_first;
}

/* The thread's last access to the group, which may be gone as soon as the lock is. */
static void end_task(void *arg)
{
    struct task *task = arg;
    struct ckf_group *group = task->group;
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    if (note_error(group, task->result))
        ckf_context_cancel(group->context, task->result);
    CKF_PROBE3(task__end, group, task->name, task->result);
    if (ckf_trace_is_on() && task->since_ns != 0)
        ckf_trace_note_span(task->since_ns, "group", "task", task->name,
                            (uint64_t)(uint32_t)task->result);
    own_group = NULL;
    pthread_mutex_lock(&group->lock);
    unlist(task);
    bool has_predecessor = group->has_ended_thread;
    pthread_t predecessor = group->ended_thread;
    group->has_ended_thread = true;
    group->ended_thread = pthread_self();
    give_slot_back(group);
    pthread_mutex_unlock(&group->lock);
    ckf_free(task);
    if (has_predecessor)
        join_thread(predecessor);
}

static void *run_task(void *arg)
{
    struct task *task = arg;
    own_group = task->group;
    /* relaxed: a number for people */
    store_relaxed(&task->thread_id, (uint64_t)gettid());
    if (task->name[0] != 0)
        pthread_setname_np(pthread_self(), task->name);
    CKF_PROBE3(task__start, task->group, task->name, task->function);
    if (ckf_trace_is_on())
        task->since_ns = ckf_now_ns();
    pthread_cleanup_push(end_task, task);
    task->result = task->function(task->group->context, task->arg);
    pthread_cleanup_pop(1);
    return NULL;
}

static struct task *create_task(struct ckf_group *group, ckf_task function, void *arg,
                                const char *name)
{
    struct task *task = ckf_alloc(sizeof *task);
    if (task == NULL)
        return NULL;
    task->group = group;
    task->function = function;
    task->arg = arg;
    task->result = ECANCELED;
    task->started_ns = ckf_now_ns();
    if (name != NULL)
        memcpy(task->name, name, strnlen(name, sizeof task->name - 1));
    return task;
}

/* errno is left alone. */
static bool create_thread(struct task *task)
{
    pthread_t thread;
    int saved_errno = errno;
    bool created = pthread_create(&thread, NULL, run_task, task) == 0;
    errno = saved_errno;
    return created;
}

static bool start_thread(struct ckf_group *group, ckf_task function, void *arg, const char *name)
{
    struct task *task = create_task(group, function, arg, name);
    if (task == NULL)
        return false;
    list(task);
    if (create_thread(task)) {
        if (ckf_trace_is_on())
            ckf_trace_note_mark("group", "go", name, 0);
        return true;
    }
    pthread_mutex_lock(&group->lock);
    unlist(task);
    pthread_mutex_unlock(&group->lock);
    ckf_free(task);
    return false;
}

static enum ckf_status go(struct ckf_group *group, ckf_task function, void *arg, const char *name,
                          bool may_wait, const void *site)
{
    enter(group);
    enum ckf_status status = take_slot(group, may_wait, site);
    if (status == CKF_OK) {
        pthread_mutex_unlock(&group->lock);
        bool started = start_thread(group, function, arg, name);
        pthread_mutex_lock(&group->lock);
        if (!started) {
            give_slot_back(group);
            status = CKF_NO_MEMORY;
        }
    }
    leave(group);
    return status;
}

enum ckf_status ckf_group_go(struct ckf_group *group, ckf_task task, void *arg, const char *name)
{
    CKF_REQUIRE(group != NULL, "the group must not be NULL");
    CKF_REQUIRE(task != NULL, "the task must not be NULL");
    return go(group, task, arg, name, true, CKF_CALL_SITE);
}

enum ckf_status ckf_group_try_go(struct ckf_group *group, ckf_task task, void *arg,
                                 const char *name)
{
    CKF_REQUIRE(group != NULL, "the group must not be NULL");
    CKF_REQUIRE(task != NULL, "the task must not be NULL");
    return go(group, task, arg, name, false, NULL);
}

/* --- waiting --- */

/* Nothing runs and nothing will: joins the chain of threads and cancels the context. */
static void close_group(struct ckf_group *group)
{
    group->phase = CLOSING;
    bool has_thread = group->has_ended_thread;
    pthread_t thread = group->ended_thread;
    group->has_ended_thread = false;
    pthread_mutex_unlock(&group->lock);
    if (has_thread)
        join_thread(thread);
    ckf_context_cancel(group->context, 0);
    pthread_mutex_lock(&group->lock);
    group->phase = CLOSED;
    wake_waiters(group);
    CKF_PROBE3(group__end, group, group->name, group->first_error);
}

static void sleep_as_waiter(struct ckf_group *group, int64_t deadline_ns, const char *operation,
                            const void *site)
{
    const struct ckf_wait_note note = {
        .object = "group", .name = group->name, .operation = operation, .site = site};
    struct sleeper sleeper = {0};
    ckf_parker_init(&sleeper.parker);
    enqueue(&group->waiters, &sleeper, own_group == group);
    sleep_unlocked(group, &sleeper, deadline_ns, &note);
    /* Firing and taking out of the queue are one step under the lock: nobody fires it any more. */
    if (sleeper.is_queued)
        dequeue(&group->waiters, &sleeper);
}

/* CKF_OK: the group is closed. */
static enum ckf_status await_close(struct ckf_group *group, int64_t deadline_ns,
                                   const char *operation, const void *site)
{
    while (group->phase != CLOSED) {
        if (group->phase == OPEN && group->running == 0) {
            close_group(group);
            continue;
        }
        if (deadline_ns == CKF_NOW)
            return CKF_AGAIN;
        if (ckf_deadline_passed(deadline_ns))
            return CKF_TIMED_OUT;
        sleep_as_waiter(group, deadline_ns, operation, site);
    }
    return CKF_OK;
}

enum ckf_status ckf_group_wait(struct ckf_group *group, int64_t deadline_ns, int *first_error)
{
    CKF_REQUIRE(group != NULL, "the group must not be NULL");
    CKF_REQUIRE(own_group != group || deadline_ns != CKF_FOREVER,
                "a task must not wait for its own group for ever");
    enter(group);
    enum ckf_status status = await_close(group, deadline_ns, "wait", CKF_CALL_SITE);
    if (status == CKF_OK && first_error != NULL)
        *first_error = group->first_error;
    leave(group);
    return status;
}

/* --- looking --- */

struct running_copy {
    char name[16];
    uint64_t thread_id;
    int64_t started_ns;
};

/* Returns how many are listed; there is room for them. */
static size_t copy_listed(const struct ckf_group *group, struct running_copy *copies)
{
    size_t count = 0;
    for (const struct task *task = group->newest; task != NULL; task = task->older, count++) {
        memcpy(copies[count].name, task->name, sizeof task->name);
        copies[count].started_ns = task->started_ns;
        /* relaxed: a number for people */
        copies[count].thread_id = load_relaxed(&task->thread_id);
    }
    return count;
}

/* Newest first; NULL without memory. */
static struct running_copy *copy_running(struct ckf_group *group, size_t *count)
{
    struct running_copy *copies = NULL;
    size_t room = 0;
    enter(group);
    while (copies == NULL || group->running > room) {
        room = group->running + 1;
        pthread_mutex_unlock(&group->lock);
        ckf_free(copies);
        copies = ckf_alloc_array(room, sizeof *copies);
        pthread_mutex_lock(&group->lock);
        if (copies == NULL)
            break;
    }
    if (copies != NULL)
        *count = copy_listed(group, copies);
    leave(group);
    return copies;
}

enum ckf_status ckf_group_for_each_running(struct ckf_group *group, ckf_running_visit visit,
                                           void *arg)
{
    CKF_REQUIRE(group != NULL, "the group must not be NULL");
    CKF_REQUIRE(visit != NULL, "the visitor must not be NULL");
    size_t count = 0;
    struct running_copy *copies = copy_running(group, &count);
    if (copies == NULL)
        return CKF_NO_MEMORY;
    for (bool goes_on = true; goes_on && count > 0;) {
        const struct running_copy *copy = &copies[--count];
        struct ckf_running_task task = {
            .name = copy->name, .thread_id = copy->thread_id, .since_ns = copy->started_ns};
        goes_on = visit(&task, arg);
    }
    ckf_free(copies);
    return CKF_OK;
}

/* --- life --- */

static bool reserved_is_zero(const struct ckf_group_options *options)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        bits |= options->reserved[i];
    return bits == 0;
}

enum ckf_status ckf_group_create(struct ckf_group **group, const struct ckf_group_options *options)
{
    static const struct ckf_group_options defaults;
    CKF_REQUIRE(group != NULL, "the place for the group must not be NULL");
    if (options == NULL)
        options = &defaults;
    if (!reserved_is_zero(options))
        return CKF_INVALID;
    struct ckf_group *created = ckf_alloc(sizeof *created);
    if (created == NULL)
        return CKF_NO_MEMORY;
    if (!ckf_copy_string(options->name, &created->name) ||
        ckf_context_create(&created->context, options->parent, CKF_FOREVER) != CKF_OK) {
        ckf_free(created->name);
        ckf_free(created);
        return CKF_NO_MEMORY;
    }
    created->limit = options->limit;
    pthread_mutex_init(&created->lock, NULL);
    *group = created;
    CKF_PROBE2(group__start, created, created->name);
    return CKF_OK;
}

struct ckf_context *ckf_group_context(struct ckf_group *group)
{
    CKF_REQUIRE(group != NULL, "the group must not be NULL");
    return group->context;
}

/* Whether a call sleeps in the queue that neither is a task's nor is about to wake. */
static bool has_sleeping_stranger(const struct queue *queue)
{
    for (struct sleeper *sleeper = queue->first; sleeper != NULL; sleeper = sleeper->next)
        /* relaxed: a claim that is missed was made by a cancel that the destroyer did not wait for */
        if (!sleeper->is_task && load_relaxed(&sleeper->claim) == UNCLAIMED)
            return true;
    return false;
}

static void await_last_call(struct ckf_group *group)
{
    struct sleeper destroyer = {0};
    if (group->calls == 0)
        return;
    ckf_parker_init(&destroyer.parker);
    group->destroyer = &destroyer;
    sleep_unlocked(group, &destroyer, CKF_FOREVER, NULL);
}

void ckf_group_destroy(struct ckf_group *group)
{
    CKF_REQUIRE(group != NULL, "the group must not be NULL");
    CKF_REQUIRE(own_group != group, "a task must not destroy its own group");
    pthread_mutex_lock(&group->lock);
    CKF_REQUIRE(!has_sleeping_stranger(&group->starters) && !has_sleeping_stranger(&group->waiters),
                "another thread sleeps in the group");
    pthread_mutex_unlock(&group->lock);
    ckf_context_cancel(group->context, 0);
    pthread_mutex_lock(&group->lock);
    await_close(group, CKF_FOREVER, "destroy", CKF_CALL_SITE);
    await_last_call(group);
    pthread_mutex_unlock(&group->lock);
    ckf_context_release(group->context);
    pthread_mutex_destroy(&group->lock);
    ckf_free(group->name);
    ckf_free(group);
}
