/* explore/reclaim_twin.c - grace periods for the explore runtime. Linked instead of sync/reclaim.c.
 *
 * A reclaimer thread, started by the first retirement, does what the real one does: it starts
 * a grace period for all that is retired so far (a point), waits until the sections that are open
 * then have ended (a point, ready from that moment on), and runs the callbacks. Being a thread like
 * any other it is tried early and late; the latest is when the body is over. While no other thread of
 * the program is there (in the setup of a case, and when its actors have ended) it goes on only where
 * that one retires or waits: nobody can tell when else it has, but by a data race, which is found all the same.
 *
 * Order: a section that begins after a grace period has started sees what was done before that
 * start; who waits for a grace period sees what was done in the sections it waited for; a callback
 * sees what was done before its retirement.
 */
#include "engine.h"

#include <string.h>

#include "sync/reclaim.h"

static struct {
    struct ckf_retired *first, *last; /* retired, not in a grace period yet */
    struct ckf_retired *batch;        /* in one */
    struct ckf_thread *reclaimer;     /* NULL: not started */
    bool idle;                        /* it waits for something to be retired */
    uint64_t retired_count, reclaimed_count;
    struct ckf_view *retired;       /* what those who retired knew */
    struct ckf_view *started;       /* what those who started grace periods knew */
    struct ckf_view *ended;         /* what those knew who ended sections */
    struct ckf_view *reclaimed;     /* what the callbacks have done */
    uint16_t awaited[MAX_THREADS];  /* by waiting thread: threads whose section it waits for */
    uint16_t barriers;              /* threads in ckf_wait_for_reclaim */
    uint64_t barrier[MAX_THREADS];  /* the count of reclaimed objects that each waits for */
    unsigned left_out[MAX_THREADS]; /* sections that a mutation leaves out */
} reclaim;

void ckf_explore_reclaim_begin(void)
{
    reclaim.first = reclaim.last = reclaim.batch = NULL;
    reclaim.reclaimer = NULL;
    reclaim.idle = false;
    reclaim.retired_count = reclaim.reclaimed_count = 0;
    reclaim.retired = reclaim.started = reclaim.ended = reclaim.reclaimed = NULL;
    reclaim.barriers = 0;
    for (int i = 0; i < MAX_THREADS; i++)
        reclaim.awaited[i] = reclaim.left_out[i] = 0;
}

/* Copies what is known here, or puts it back. Returns how many bytes that are. */
size_t ckf_explore_reclaim_copy(char *copy, bool back)
{
    memcpy(back ? (char *)&reclaim : copy, back ? copy : (char *)&reclaim, sizeof reclaim);
    return sizeof reclaim;
}

static void add_what_i_know(struct ckf_view **sum)
{
    struct ckf_view *mine = ckf_explore_view_release(ckf_explore_engine.running);
    if (*sum != NULL)
        ckf_explore_view_join(mine, *sum);
    if (ckf_explore_engine.hashing)
        mine->hash = ckf_explore_view_hash(mine);
    *sum = mine;
}

static void note_done(uint64_t value)
{
    ckf_explore_mix(value + ckf_explore_engine.running->op.kind);
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&ckf_explore_engine.running->op, value, 0, 0);
}

static inline bool leaves_out(enum ckf_operation_kind kind, uintptr_t pc)
{
    return UNLIKELY(ckf_explore_engine.watching_sites) && ckf_explore_leaves_out(kind, pc);
}

void ckf_read_begin(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    if (leaves_out(OP_READ_BEGIN, CALLER)) {
        reclaim.left_out[self->id]++;
        return;
    }
    if (self->section_depth == 0) {
        ckf_explore_point(OP_READ_BEGIN, 0, 0, 0, CALLER);
        ckf_explore_touch(CKF_SECTIONS, TOUCH_READ);
        if (reclaim.started != NULL)
            ckf_explore_view_acquire(self, reclaim.started);
        note_done(0);
    }
    self->section_depth++;
}

void ckf_read_end(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    if (reclaim.left_out[self->id] > 0) {
        reclaim.left_out[self->id]--;
        return;
    }
    if (self->section_depth == 0)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "ends a read section that it did not begin");
    if (--self->section_depth > 0 || ckf_explore_engine.solo)
        return;
    ckf_explore_touch(CKF_SECTIONS, TOUCH_READ);
    add_what_i_know(&reclaim.ended);
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++) {
        if ((reclaim.awaited[i] & ckf_explore_bit(self)) == 0)
            continue;
        reclaim.awaited[i] &= (uint16_t)~ckf_explore_bit(self);
        if (reclaim.awaited[i] == 0)
            ckf_explore_make_ready(&ckf_explore_engine.threads[i], OP_GRACE_END);
    }
}

static uint16_t open_sections(void)
{
    uint16_t open = 0;
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++)
        if (ckf_explore_engine.threads[i].section_depth > 0)
            open |= (uint16_t)(1u << i);
    return open;
}

/* The grace period of the running thread starts now; returns when it has ended. */
static void pass_grace_period(uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
    add_what_i_know(&reclaim.started);
    note_done(open_sections());
    reclaim.awaited[self->id] = open_sections();
    if (reclaim.awaited[self->id] != 0) {
        self->op = (struct ckf_operation){.kind = OP_GRACE_END, .pc = pc};
        ckf_explore_block();
        ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
        note_done(0);
    }
    if (reclaim.ended != NULL)
        ckf_explore_view_acquire(self, reclaim.ended);
}

static void release_barriers(void)
{
    for (uint16_t rest = reclaim.barriers; rest != 0; rest &= (uint16_t)(rest - 1)) {
        unsigned id = (unsigned)__builtin_ctz(rest);
        if (reclaim.barrier[id] > reclaim.reclaimed_count)
            continue;
        reclaim.barriers &= (uint16_t) ~(1u << id);
        ckf_explore_make_ready(&ckf_explore_engine.threads[id], OP_LOCAL);
    }
}

static void wait_for_work(void)
{
    (void)CALLER; /* what this thread knows is in `reclaim` */
    ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
    if (reclaim.first != NULL) {
        ckf_explore_point(OP_GRACE_START, 0, 0, 0, 0);
        return;
    }
    ckf_explore_engine.running->op = (struct ckf_operation){.kind = OP_GRACE_START};
    reclaim.idle = true;
    ckf_explore_block();
}

static void run_callbacks(struct ckf_retired *retired)
{
    ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
    while (retired != NULL) {
        struct ckf_retired *next = retired->next;
        retired->reclaim(retired);
        reclaim.reclaimed_count++;
        retired = next;
    }
    ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
    add_what_i_know(&reclaim.reclaimed);
    release_barriers();
}

static void reclaim_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        wait_for_work();
        ckf_explore_view_acquire(ckf_explore_engine.running, reclaim.retired);
        struct ckf_retired *batch = reclaim.batch = reclaim.first;
        reclaim.first = reclaim.last = NULL;
        pass_grace_period(0);
        reclaim.batch = NULL;
        run_callbacks(batch);
    }
}

void ckf_reclaim_start(void)
{
}

void ckf_reclaim_keep_up(void)
{
}

/* Each waits: the engine need not spare it, and so knows more of them. */
bool ckf_reclaim_is_first(void)
{
    return true;
}

void ckf_retire(struct ckf_retired *retired, void (*callback)(struct ckf_retired *))
{
    ckf_explore_engine.running->operands[0] = (uintptr_t)callback;
    ckf_explore_point(OP_RETIRE, (uintptr_t)retired, 0, 0, CALLER);
    ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
    ckf_explore_shadow_access((uintptr_t)retired, sizeof *retired, ACCESS_WRITE);
    note_done(0);
    retired->reclaim = callback;
    if (leaves_out(OP_RETIRE, CALLER)) {
        callback(retired);
        return;
    }
    retired->next = NULL;
    add_what_i_know(&reclaim.retired);
    if (reclaim.last != NULL) {
        ckf_explore_overwrite((uintptr_t)&reclaim.last->next);
        reclaim.last->next = retired;
    } else {
        reclaim.first = retired;
    }
    reclaim.last = retired;
    reclaim.retired_count++;
    if (reclaim.reclaimer == NULL) {
        reclaim.reclaimer = ckf_explore_thread_start(reclaim_for_ever, NULL, "reclaimer");
        ckf_explore_thread_is_daemon(reclaim.reclaimer);
    } else if (reclaim.idle) {
        reclaim.idle = false;
        ckf_explore_make_ready(reclaim.reclaimer, OP_GRACE_START);
    }
}

void ckf_wait_for_readers(void)
{
    if (ckf_explore_engine.running->section_depth > 0)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "waits for readers inside a read section");
    ckf_explore_point(OP_GRACE_START, 0, 0, 0, CALLER);
    pass_grace_period(CALLER);
}

static uint64_t hash_list(const struct ckf_retired *retired, uint64_t hash)
{
    for (; retired != NULL; retired = retired->next)
        hash = ckf_explore_scramble(hash + (uintptr_t)retired + (uintptr_t)retired->reclaim);
    return hash;
}

static uint64_t hash_of(const struct ckf_view *view)
{
    return view == NULL ? 0 : view->hash;
}

/* For states.c. */
uint64_t ckf_explore_reclaim_hash(void)
{
    if (reclaim.started == NULL && reclaim.ended == NULL && reclaim.retired == NULL)
        return 0;
    uint64_t hash = hash_list(reclaim.batch, hash_list(reclaim.first, reclaim.idle));
    hash = ckf_explore_scramble(hash + hash_of(reclaim.retired) + 3 * hash_of(reclaim.started) +
                                5 * hash_of(reclaim.ended) + 7 * hash_of(reclaim.reclaimed));
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++)
        hash =
            ckf_explore_scramble(hash + reclaim.awaited[i] +
                                 ((reclaim.barriers >> i & 1) != 0 ? reclaim.barrier[i] << 16 : 0));
    return ckf_explore_scramble(hash + reclaim.retired_count + (reclaim.reclaimed_count << 32));
}

void ckf_explore_reclaim_drain(uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    ckf_explore_touch(CKF_SECTIONS, TOUCH_WRITE);
    if (reclaim.reclaimed_count < reclaim.retired_count) {
        self->op = (struct ckf_operation){.kind = OP_JOIN, .pc = pc};
        reclaim.barrier[self->id] = reclaim.retired_count;
        reclaim.barriers |= ckf_explore_bit(self);
        ckf_explore_block();
    }
    if (reclaim.reclaimed != NULL)
        ckf_explore_view_acquire(self, reclaim.reclaimed);
}

void ckf_wait_for_reclaim(void)
{
    if (ckf_explore_engine.running->section_depth > 0)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "waits for callbacks inside a read section");
    ckf_explore_reclaim_drain(CALLER);
}
