/* task/context.c - trees of contexts.
 *
 * Roles:      users, who hold references; blocked calls, who attach watchers; cancellers.
 * Invariants: `outcome` stops being pending once, by compare-and-swap, status and reason in one word. It is
 *             0 while it is pending and there is no deadline: programs look at that themselves
 *             (<ck_filter/context.h>), so it is the first word of a context for good.
 *             A deadline is the minimum along the path to the root, taken at creation: a passed one
 *             is noticed by whoever asks. A context is in its parent's list of children from its
 *             creation to its last release, unless the parent had been cancelled before.
 * Locks:      the root's tree_lock guards all lists of children; each context's lock, a leaf below
 *             it, guards its watchers and hooks. Nobody holds two locks of one kind, however deep
 *             the tree. Only watchers' fire runs under them; hooks run under none.
 * Cancel:     collects the subtree, marks it with descendants first, so that nobody sees a parent
 *             done and its child not; then takes hooks and fires watchers. Who attaches or hooks looks
 *             at the mark under the context's lock: it finds the mark or is found.
 * Teardown:   the last release unlinks, which waits for a canceller that still walks, runs the hooks
 *             and gives back the reference on the parent, upwards in a loop. The memory stays while a
 *             hook's handle needs the lock in it.
 */
#include "task/context.h"

#include <pthread.h>
#include <stddef.h>

#include "base/atomics.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/probes.h"
#include "base/step.h"
#include "sync/parking.h"
#include "sync/trace.h"

enum hook_state { HOOK_WAITS = 0, HOOK_STARTED = 1, HOOK_STOPPED = 2 };

struct ckf_hook {
    void (*function)(void *arg); /* these three never change */
    void *arg;
    struct ckf_context *context;
    _Atomic(uint32_t) state;      /* who turns WAITS into something else decides whether it runs */
    _Atomic(unsigned) references; /* the list or the runner, and the handle */
    struct ckf_hook *previous;    /* links: guarded by the context's lock while listed, */
    struct ckf_hook *next;        /* the runner's afterwards */
    bool listed;                  /* guarded by the context's lock */
    struct ckf_hook *outer;       /* the runner's: the hook in which this one runs */
    struct ckf_parker ended;      /* fired by the runner, awaited by stop */
};

struct ckf_context {
    _Atomic(uint64_t) outcome; /* first: see above; pack_outcome(), or pending; anyone, once */

    int64_t deadline_ns;        /* these never change */
    struct ckf_context *parent; /* referenced */
    struct ckf_context *root;
    bool is_in_parent;

    _Atomic(size_t) references;        /* users and living children */
    _Atomic(size_t) memory_references; /* all of the above together, and handles of hooks */

    pthread_mutex_t lock; /* guards the next two */
    struct ckf_context_watcher watchers;
    struct ckf_hook *hooks; /* newest first */

    struct ckf_context *first_child; /* guarded by the root's tree_lock, like the next four */
    struct ckf_context *previous_sibling;
    struct ckf_context *next_sibling;
    struct ckf_context *next_canceled; /* only while a cancel is at work */
    bool is_canceled;                  /* with all descendants: a cancel need not come here again */

    pthread_mutex_t tree_lock; /* of the root: used by the whole tree */
};

_Static_assert(offsetof(struct ckf_context, outcome) == 0, "programs look at the first word");

/* The hook that this thread runs, the innermost of them. */
static _Thread_local struct ckf_hook *running_hook;

/* --- outcomes --- */

static uint64_t pack_outcome(enum ckf_status status, int reason)
{
    return (uint64_t)(uint32_t)reason << 32 | (uint32_t)status;
}

static enum ckf_status outcome_status(uint64_t outcome)
{
    return (enum ckf_status)(uint32_t)outcome;
}

enum { PENDING = 0 }; /* pack_outcome(CKF_OK, 0) */
/* The same in the word of a context with a deadline: no status is that large. */
static const uint64_t PENDING_TO_DEADLINE = UINT64_C(1) << 31;

static uint64_t pending_word(const struct ckf_context *context)
{
    return context->deadline_ns == CKF_FOREVER ? PENDING : PENDING_TO_DEADLINE;
}

/* The outcome that stays: the given one, or another that came before it. */
static uint64_t settle(struct ckf_context *context, uint64_t outcome)
{
    uint64_t found = pending_word(context);
    /* edge context-done: release on success, acquire where another outcome was first; pairs with
     * itself and with the acquire in read_outcome(). */
    return cas_acq_rel(&context->outcome, &found, outcome) ? outcome : found;
}

/* The clock is read only if there is a deadline. Out of line, so that whoever asks often needs no stack
 * frame. */
static __attribute__((noinline)) uint64_t look_at_clock(struct ckf_context *context)
{
    if (ckf_deadline_passed(context->deadline_ns))
        return settle(context, pack_outcome(CKF_TIMED_OUT, 0));
    return PENDING;
}

static inline uint64_t read_outcome(struct ckf_context *context)
{
    /* edge context-done: acquire; pairs with the release in settle(). */
    uint64_t outcome = load_acquire(&context->outcome);
    return outcome == PENDING_TO_DEADLINE ? look_at_clock(context) : outcome;
}

enum ckf_status ckf_context_status_in_full(struct ckf_context *context)
{
    if (CKF_UNLIKELY(context == NULL))
        ckf_misuse("ckf_context_status", "the context must not be NULL");
    return outcome_status(read_outcome(context));
}

/* For callers who did not have it inlined. */
enum ckf_status ckf_context_status(struct ckf_context *context)
{
    /* relaxed: nothing is taken from an outcome that is not there */
    if (CKF_LIKELY(context != NULL && load_relaxed(&context->outcome) == PENDING))
        return CKF_OK;
    return ckf_context_status_in_full(context);
}

int ckf_context_reason(struct ckf_context *context)
{
    CKF_REQUIRE(context != NULL, "the context must not be NULL");
    return (int)(uint32_t)(read_outcome(context) >> 32);
}

enum ckf_status ckf_context_outcome(struct ckf_context *context)
{
    return context == NULL ? CKF_OK : outcome_status(read_outcome(context));
}

int64_t ckf_context_deadline_ns(const struct ckf_context *context)
{
    return context == NULL ? CKF_FOREVER : context->deadline_ns;
}

/* --- birth --- */

static void init_context(struct ckf_context *context, int64_t deadline_ns)
{
    context->deadline_ns = deadline_ns < 1 ? 1 : deadline_ns;
    context->root = context;
    context->watchers.previous = context->watchers.next = &context->watchers;
    atomic_init(&context->outcome, pending_word(context));
    atomic_init(&context->references, 1);
    atomic_init(&context->memory_references, 1);
    pthread_mutex_init(&context->lock, NULL);
    pthread_mutex_init(&context->tree_lock, NULL);
}

/* Under the tree's lock. */
static void link_child(struct ckf_context *parent, struct ckf_context *child)
{
    child->next_sibling = parent->first_child;
    if (parent->first_child != NULL)
        parent->first_child->previous_sibling = child;
    parent->first_child = child;
    child->is_in_parent = true;
}

/* Under the tree's lock. */
static void unlink_child(struct ckf_context *child)
{
    if (child->previous_sibling != NULL)
        child->previous_sibling->next_sibling = child->next_sibling;
    else
        child->parent->first_child = child->next_sibling;
    if (child->next_sibling != NULL)
        child->next_sibling->previous_sibling = child->previous_sibling;
}

static void adopt(struct ckf_context *parent, struct ckf_context *child)
{
    child->parent = ckf_context_retain(parent);
    child->root = parent->root;
    if (parent->deadline_ns < child->deadline_ns)
        child->deadline_ns = parent->deadline_ns;
    pthread_mutex_lock(&parent->root->tree_lock);
    uint64_t outcome = read_outcome(parent);
    /* relaxed: nobody else knows the child yet */
    store_relaxed(&child->outcome, outcome != PENDING ? outcome : pending_word(child));
    if (!parent->is_canceled)
        link_child(parent, child);
    else
        child->is_canceled = true;
    pthread_mutex_unlock(&parent->root->tree_lock);
}

enum ckf_status ckf_context_create(struct ckf_context **context, struct ckf_context *parent,
                                   int64_t deadline_ns)
{
    CKF_REQUIRE(context != NULL, "the place for the context must not be NULL");
    if (deadline_ns == 0)
        return CKF_INVALID;
    struct ckf_context *created = ckf_alloc(sizeof *created);
    if (created == NULL)
        return CKF_NO_MEMORY;
    init_context(created, deadline_ns);
    if (parent != NULL)
        adopt(parent, created);
    *context = created;
    return CKF_OK;
}

/* --- hooks --- */

static void drop_hook(struct ckf_hook *hook)
{
    /* edge hook-freed: release and acquire; pairs with itself: the last one sees the other done. */
    if (fetch_sub_acq_rel(&hook->references, 1) == 1)
        ckf_free(hook);
}

static void drop_memory(struct ckf_context *context)
{
    /* edge context-freed: release and acquire; pairs with itself: who frees sees all others done. */
    if (fetch_sub_acq_rel(&context->memory_references, 1) != 1)
        return;
    pthread_mutex_destroy(&context->lock);
    pthread_mutex_destroy(&context->tree_lock);
    ckf_free(context);
}

/* Consumes the reference of the list. */
static void run_hook(struct ckf_hook *hook)
{
    uint32_t found = HOOK_WAITS;
    /* relaxed: one word decides whether it runs; what it did comes with the parker */
    if (cas_relaxed(&hook->state, &found, HOOK_STARTED)) {
        hook->outer = running_hook;
        running_hook = hook;
        hook->function(hook->arg);
        running_hook = hook->outer;
        ckf_unpark(&hook->ended);
    }
    drop_hook(hook);
}

static bool runs_here(const struct ckf_hook *hook)
{
    const struct ckf_hook *running = running_hook;
    while (running != NULL && running != hook)
        running = running->outer;
    return running != NULL;
}

static void run_hooks(struct ckf_hook *hooks)
{
    while (hooks != NULL) {
        struct ckf_hook *next = hooks->next;
        run_hook(hooks);
        hooks = next;
    }
}

/* Under the context's lock. Returns the place of the last link. */
static struct ckf_hook **append_hooks(struct ckf_context *context, struct ckf_hook **end)
{
    *end = context->hooks;
    context->hooks = NULL;
    for (; *end != NULL; end = &(*end)->next)
        (*end)->listed = false;
    return end;
}

/* Under the context's lock. */
static void list_hook(struct ckf_context *context, struct ckf_hook *hook)
{
    hook->listed = true;
    hook->next = context->hooks;
    if (hook->next != NULL)
        hook->next->previous = hook;
    context->hooks = hook;
}

/* Consumes the reference of the list, unless a runner has it: that one drops it then. */
static void unlist_hook(struct ckf_hook *hook)
{
    struct ckf_context *context = hook->context;
    pthread_mutex_lock(&context->lock);
    bool was_listed = hook->listed;
    if (was_listed) {
        if (hook->previous != NULL)
            hook->previous->next = hook->next;
        else
            context->hooks = hook->next;
        if (hook->next != NULL)
            hook->next->previous = hook->previous;
    }
    pthread_mutex_unlock(&context->lock);
    if (was_listed)
        drop_hook(hook);
}

static struct ckf_hook *create_hook(struct ckf_context *context, void (*function)(void *),
                                    void *arg, bool with_handle)
{
    struct ckf_hook *hook = ckf_alloc(sizeof *hook);
    if (hook == NULL)
        return NULL;
    *hook = (struct ckf_hook){.function = function, .arg = arg, .context = context};
    atomic_init(&hook->state, HOOK_WAITS);
    atomic_init(&hook->references, with_handle ? 2 : 1);
    ckf_parker_init(&hook->ended);
    if (with_handle)
        /* relaxed: the caller's reference keeps the count above 0 */
        fetch_add_relaxed(&context->memory_references, 1);
    return hook;
}

enum ckf_status ckf_context_on_done(struct ckf_context *context, void (*function)(void *),
                                    void *arg, struct ckf_hook **hook)
{
    CKF_REQUIRE(context != NULL, "the context must not be NULL");
    CKF_REQUIRE(function != NULL, "the function must not be NULL");
    struct ckf_hook *created = create_hook(context, function, arg, hook != NULL);
    if (created == NULL)
        return CKF_NO_MEMORY;
    if (hook != NULL)
        *hook = created;
    pthread_mutex_lock(&context->lock);
    bool is_done = CKF_STEP(read_outcome(context) != PENDING);
    if (!is_done)
        list_hook(context, created);
    pthread_mutex_unlock(&context->lock);
    if (is_done)
        run_hook(created);
    return CKF_OK;
}

bool ckf_hook_stop(struct ckf_hook *hook)
{
    CKF_REQUIRE(hook != NULL, "the hook must not be NULL");
    const struct ckf_wait_note note = {
        .object = "context", .operation = "hook_stop", .site = CKF_CALL_SITE};
    uint32_t found = HOOK_WAITS;
    /* relaxed: as in run_hook() */
    bool prevented = cas_relaxed(&hook->state, &found, HOOK_STOPPED);
    CKF_REQUIRE(found != HOOK_STOPPED, "a hook is stopped once");
    if (prevented)
        unlist_hook(hook);
    else if (!runs_here(hook))
        ckf_park(&hook->ended, CKF_FOREVER, &note);
    drop_memory(hook->context);
    drop_hook(hook);
    return prevented;
}

/* --- watchers --- */

static void isolate(struct ckf_context_watcher *watcher)
{
    watcher->previous = watcher->next = watcher;
}

static void unlink_watcher(struct ckf_context_watcher *watcher)
{
    watcher->previous->next = watcher->next;
    watcher->next->previous = watcher->previous;
    isolate(watcher);
}

enum ckf_status ckf_context_attach(struct ckf_context *context, struct ckf_context_watcher *watcher)
{
    isolate(watcher);
    if (context == NULL)
        return CKF_OK;
    pthread_mutex_lock(&context->lock);
    uint64_t outcome = read_outcome(context);
    bool is_done = CKF_STEP(outcome != PENDING);
    if (!is_done) {
        watcher->previous = context->watchers.previous;
        watcher->next = &context->watchers;
        watcher->previous->next = context->watchers.previous = watcher;
    }
    pthread_mutex_unlock(&context->lock);
    return is_done ? outcome_status(outcome) : CKF_OK;
}

void ckf_context_detach(struct ckf_context *context, struct ckf_context_watcher *watcher)
{
    if (context == NULL)
        return;
    pthread_mutex_lock(&context->lock);
    unlink_watcher(watcher);
    pthread_mutex_unlock(&context->lock);
}

/* Under the context's lock. */
static void fire_watchers(struct ckf_context *context)
{
    while (context->watchers.next != &context->watchers) {
        struct ckf_context_watcher *watcher = context->watchers.next;
        unlink_watcher(watcher);
        watcher->fire(watcher);
    }
}

/* --- cancel --- */

/* The next context of the subtree in preorder, or NULL. Does not go below `context` if its
 * descendants need no visit. */
static struct ckf_context *next_in_subtree(const struct ckf_context *top,
                                           struct ckf_context *context, bool descend)
{
    if (descend && context->first_child != NULL)
        return context->first_child;
    while (context != top && context->next_sibling == NULL)
        context = context->parent;
    return context == top ? NULL : context->next_sibling;
}

/* Claims every context of the subtree that no cancel has come to; descendants before ancestors. */
static struct ckf_context *collect_subtree(struct ckf_context *top)
{
    struct ckf_context *collected = NULL;
    struct ckf_context *context = top;
    while (context != NULL) {
        bool is_new = !context->is_canceled;
        if (is_new) {
            context->is_canceled = true;
            context->next_canceled = collected;
            collected = context;
        }
        context = next_in_subtree(top, context, is_new);
    }
    return collected;
}

/* Settles the outcome of each. Returns the list reversed: ancestors before descendants. */
static struct ckf_context *mark_canceled(struct ckf_context *collected, int reason)
{
    int64_t now = ckf_now_ns();
    struct ckf_context *reversed = NULL;
    while (collected != NULL) {
        struct ckf_context *next = collected->next_canceled;
        bool too_late = collected->deadline_ns <= now;
        settle(collected,
               too_late ? pack_outcome(CKF_TIMED_OUT, 0) : pack_outcome(CKF_CANCELED, reason));
        collected->next_canceled = reversed;
        reversed = collected;
        collected = next;
    }
    return reversed;
}

void ckf_context_cancel(struct ckf_context *context, int reason)
{
    CKF_REQUIRE(context != NULL, "the context must not be NULL");
    struct ckf_hook *hooks = NULL;
    struct ckf_hook **end = &hooks;
    /* Who waits for the cancel may release the context before the walk is over. */
    ckf_context_retain(context);
    pthread_mutex_lock(&context->root->tree_lock);
    struct ckf_context *next = mark_canceled(collect_subtree(context), reason);
    for (; next != NULL; next = next->next_canceled) {
        pthread_mutex_lock(&next->lock);
        end = append_hooks(next, end);
        fire_watchers(next);
        pthread_mutex_unlock(&next->lock);
    }
    pthread_mutex_unlock(&context->root->tree_lock);
    CKF_PROBE2(cancel, context, reason);
    if (ckf_trace_is_on())
        ckf_trace_note_mark("context", "cancel", NULL, (uint64_t)(uint32_t)reason);
    run_hooks(hooks);
    ckf_context_release(context);
}

/* --- references --- */

struct ckf_context *ckf_context_retain(struct ckf_context *context)
{
    CKF_REQUIRE(context != NULL, "the context must not be NULL");
    /* relaxed: the caller's own reference keeps the context alive */
    fetch_add_relaxed(&context->references, 1);
    return context;
}

static void unlink_from_parent(struct ckf_context *context)
{
    if (!context->is_in_parent)
        return;
    pthread_mutex_lock(&context->root->tree_lock);
    unlink_child(context);
    pthread_mutex_unlock(&context->root->tree_lock);
}

static void run_remaining_hooks(struct ckf_context *context)
{
    struct ckf_hook *hooks;
    pthread_mutex_lock(&context->lock);
    append_hooks(context, &hooks);
    pthread_mutex_unlock(&context->lock);
    run_hooks(hooks);
}

void ckf_context_release(struct ckf_context *context)
{
    CKF_REQUIRE(context != NULL, "the context must not be NULL");
    do {
        struct ckf_context *parent = context->parent;
        /* edge context-released: release and acquire; pairs with itself: the last one sees what all
         * others did with the context. */
        if (fetch_sub_acq_rel(&context->references, 1) != 1)
            return;
        unlink_from_parent(context);
        CKF_REQUIRE(context->watchers.next == &context->watchers,
                    "a call still waits with this context");
        run_remaining_hooks(context);
        drop_memory(context);
        context = parent;
    } while (context != NULL);
}

/* --- wait --- */

struct done_waiter {
    struct ckf_context_watcher watcher;
    struct ckf_parker parker;
};

static void wake_done_waiter(struct ckf_context_watcher *watcher)
{
    struct done_waiter *waiter = (struct done_waiter *)(void *)watcher;
    ckf_unpark(&waiter->parker);
}

static enum ckf_status sleep_until_done(struct ckf_context *context, int64_t deadline_ns,
                                        const void *site)
{
    const struct ckf_wait_note note = {.object = "context", .operation = "wait", .site = site};
    struct done_waiter waiter = {.watcher.fire = wake_done_waiter};
    ckf_parker_init(&waiter.parker);
    if (ckf_context_attach(context, &waiter.watcher) != CKF_OK)
        return CKF_OK;
    int64_t first_ns = deadline_ns < context->deadline_ns ? deadline_ns : context->deadline_ns;
    bool is_done =
        ckf_park(&waiter.parker, first_ns, &note) || CKF_STEP(read_outcome(context) != PENDING);
    ckf_context_detach(context, &waiter.watcher);
    return is_done ? CKF_OK : CKF_TIMED_OUT;
}

enum ckf_status ckf_context_wait(struct ckf_context *context, int64_t deadline_ns)
{
    CKF_REQUIRE(context != NULL, "the context must not be NULL");
    if (read_outcome(context) != PENDING)
        return CKF_OK;
    if (deadline_ns == CKF_NOW)
        return CKF_AGAIN;
    if (ckf_deadline_passed(deadline_ns))
        return CKF_TIMED_OUT;
    return sleep_until_done(context, deadline_ns, CKF_CALL_SITE);
}
