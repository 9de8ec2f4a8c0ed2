/* explore/scheduler.c - who runs: threads stop before each visible operation and go on when picked.
 *
 * Sets of threads, by where a thread is:
 *   local     has nothing visible to do yet (it starts, or returns from a sleep): is run at once,
 *             up to its first visible operation, without a choice, since nobody can tell
 *   ready     at a visible operation that can be done now
 *   timers    sleeps with a deadline, which may fire at any moment if it is near, and only when
 *             nobody else can go on if it is far
 *   spinning  waits for a store to something it has read; goes on without one only if nobody else
 *             can go on, so that a loop with a bound ends and an unbounded one is recognised
 *   yielded   gave way without having read anything: ready after the next step of another thread
 * and blocked ones are in none of them.
 *
 * Invariant: a thread whose lock operation is pending is ready exactly while the mutex is free.
 * The end of an execution, good or bad, is a switch to the hub; contexts are simply abandoned.
 */
#include "dpor.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    IDLE_SPINS_BEFORE_TIMERS = 128, /* rounds of spinning in which nothing changes */
    IDLE_SPINS_LIMIT = 1000
};

struct ckf_engine ckf_explore_engine;

static void copy_bytes(void *to, const void *from, size_t size)
{
    char *t = to;
    const char *f = from;
    for (size_t i = 0; i < size; i++)
        t[i] = f[i];
    __asm__ volatile("" ::: "memory");
}

static void start_tls(struct ckf_thread *thread)
{
    const struct ckf_tls_block *tls = &ckf_explore_engine.tls;
    copy_bytes(thread->tls, tls->image, tls->image_size);
    for (size_t i = tls->image_size; i < tls->size; i++)
        ((char *)thread->tls)[i] = 0;
}

/* From the context of `from` (NULL: the hub) to that of `to` (NULL: the hub). */
static void switch_context(struct ckf_thread *from, struct ckf_thread *to)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->tls.size != 0) {
        copy_bytes(from != NULL ? from->tls : e->hub_tls, e->tls.address, e->tls.size);
        copy_bytes(e->tls.address, to != NULL ? to->tls : e->hub_tls, e->tls.size);
    }
    if (from != NULL)
        from->frame = e->frame;
    if (to != NULL)
        e->frame = to->frame;
    e->running = to;
    ckf_explore_context_switch(from != NULL ? &from->context : &e->hub,
                               to != NULL ? to->context : e->hub);
}

void ckf_explore_stop_for_snapshot(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->wants_snapshot = true;
    e->stopped = e->running;
    switch_context(e->running, NULL);
}

_Noreturn static void end_execution(void)
{
    switch_context(ckf_explore_engine.running, NULL);
    __builtin_unreachable();
}

_Noreturn void ckf_explore_fail(enum ckf_explore_verdict verdict, const char *format, ...)
{
    struct ckf_engine *e = &ckf_explore_engine;
    va_list arguments;
    va_start(arguments, format);
    int length = snprintf(e->message, sizeof e->message, "%s ",
                          e->running != NULL ? e->running->name : "engine");
    vsnprintf(e->message + length, sizeof e->message - (size_t)length, format, arguments);
    va_end(arguments);
    e->verdict = verdict;
    e->failing = e->running != NULL ? e->running->id + 1u : 0;
    end_execution();
}

_Noreturn static void fail_stuck(enum ckf_explore_verdict verdict, const char *what)
{
    ckf_explore_engine.verdict = verdict;
    snprintf(ckf_explore_engine.message, sizeof ckf_explore_engine.message, "%s", what);
    end_execution();
}

/* Dependence of steps: false only if doing them in either order leads to the same state. */

static bool touches_memory(const struct ckf_operation *op)
{
    return op->kind == OP_LOAD || op->kind == OP_STORE || op->kind == OP_RMW ||
           op->kind == OP_CAS || op->kind == OP_VOLATILE || op->kind == OP_FUTEX_WAIT;
}

static bool writes_memory(const struct ckf_operation *op)
{
    return op->kind == OP_STORE || op->kind == OP_RMW || op->kind == OP_CAS ||
           op->kind == OP_VOLATILE;
}

enum { SEQ_CST = 5 };

static bool memory_dependent(const struct ckf_operation *a, const struct ckf_operation *b)
{
    bool sc = a->order == SEQ_CST && b->order == SEQ_CST;
    if (!writes_memory(a) && !writes_memory(b) && !sc)
        return false;
    if (ckf_explore_engine.options.model == CKF_EXPLORE_TSO)
        return true; /* one order of all stores */
    /* Granules, since accesses of several sizes may share a location. */
    return a->address >> 3 <= (b->address + b->size - 1) >> 3 &&
           b->address >> 3 <= (a->address + a->size - 1) >> 3;
}

static bool is_reclaim(const struct ckf_operation *op)
{
    return op->kind == OP_READ_BEGIN || op->kind == OP_RETIRE || op->kind == OP_GRACE_START ||
           op->kind == OP_GRACE_END;
}

static bool dependent(const struct ckf_operation *a, const struct ckf_operation *b)
{
    if (a->kind == OP_PAUSE || b->kind == OP_PAUSE || a->kind == OP_YIELD || b->kind == OP_YIELD)
        return false;
    if (a->kind == OP_BARRIER || b->kind == OP_BARRIER)
        return true;
    if (a->kind == OP_FENCE || b->kind == OP_FENCE)
        return (a->order == SEQ_CST && b->order == SEQ_CST) ||
               ckf_explore_engine.options.model == CKF_EXPLORE_TSO;
    if (is_reclaim(a) || is_reclaim(b))
        return is_reclaim(a) && is_reclaim(b) &&
               !(a->kind == OP_READ_BEGIN && b->kind == OP_READ_BEGIN);
    if (touches_memory(a) && touches_memory(b))
        return memory_dependent(a, b);
    return a->address == b->address || (a->address2 != 0 && a->address2 == b->address) ||
           (b->address2 != 0 && b->address2 == a->address) ||
           (a->address2 != 0 && a->address2 == b->address2);
}

static void wake_those_asleep(const struct ckf_operation *done)
{
    for (uint16_t rest = ckf_explore_engine.asleep; rest != 0; rest &= (uint16_t)(rest - 1)) {
        unsigned id = (unsigned)__builtin_ctz(rest);
        if (dependent(done, &ckf_explore_engine.threads[id].op))
            ckf_explore_engine.asleep &= (uint16_t) ~(1u << id);
    }
}

/* Picking. */

static struct ckf_thread *lowest(uint16_t set)
{
    return &ckf_explore_engine.threads[__builtin_ctz(set)];
}

static void stop_sleeping(struct ckf_thread *thread)
{
    ckf_explore_engine.timers &= (uint16_t)~ckf_explore_bit(thread);
    if (thread->sleeps_on != NULL)
        thread->sleeps_on->waiters &= (uint16_t)~ckf_explore_bit(thread);
    thread->sleeps_on = NULL;
}

static void fire_timer(struct ckf_thread *thread)
{
    ckf_explore_touch(CKF_CLOCK, TOUCH_WRITE);
    ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    if (thread->sleeps_on != NULL)
        ckf_explore_touch(CKF_THING(CKF_TOUCH_SLEEPERS, thread->sleeps_on->address >> 3),
                          TOUCH_WRITE);
    stop_sleeping(thread);
    thread->timed_out = true;
    ckf_explore_thread_changes(thread);
    if (ckf_explore_engine.now_ns < thread->deadline_ns)
        ckf_explore_engine.now_ns = thread->deadline_ns;
}

/* Cases say by long deadlines that they mean "if nothing else happens". */
static uint16_t near_timers(void)
{
    uint16_t near = 0;
    for (uint16_t rest = ckf_explore_engine.timers; rest != 0; rest &= (uint16_t)(rest - 1)) {
        struct ckf_thread *thread = lowest(rest);
        if (thread->deadline_ns - ckf_explore_engine.now_ns < CKF_EXPLORE_FAR_NS)
            near |= ckf_explore_bit(thread);
    }
    return near;
}

/* Of some way to this state, not necessarily of the one that was taken. */
static uint16_t timers_that_may_be_early(void)
{
    return ckf_explore_engine.options.timeouts > 0 ? near_timers() : 0;
}

static struct ckf_thread *earliest_timer(void)
{
    struct ckf_thread *earliest = NULL;
    for (uint16_t rest = ckf_explore_engine.timers; rest != 0; rest &= (uint16_t)(rest - 1)) {
        struct ckf_thread *thread = lowest(rest);
        if (earliest == NULL || thread->deadline_ns < earliest->deadline_ns)
            earliest = thread;
    }
    return earliest;
}

static struct ckf_thread *next_spinner(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    uint16_t later = (uint16_t)(e->spinning >> (e->spin_next + 1) << (e->spin_next + 1));
    struct ckf_thread *thread = lowest(later != 0 ? later : e->spinning);
    e->spin_next = thread->id;
    e->spinning &= (uint16_t)~ckf_explore_bit(thread);
    return thread;
}

static bool all_others_have_ended(void)
{
    for (unsigned i = 1; i < ckf_explore_engine.thread_count; i++) {
        const struct ckf_thread *thread = &ckf_explore_engine.threads[i];
        if (thread != ckf_explore_engine.parked && !thread->daemon &&
            thread->state != THREAD_FINISHED)
            return false;
    }
    return true;
}

static void go_on_after_all(struct ckf_thread *thread)
{
    if (UNLIKELY(ckf_explore_engine.dpor))
        ckf_explore_dpor_after_all(thread->id, timers_that_may_be_early());
}

/* Nobody is ready. */
static struct ckf_thread *pick_someone_idle(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->parked != NULL && all_others_have_ended())
        end_execution();
    if (e->timers != 0 && (e->spinning == 0 || e->idle_spins > IDLE_SPINS_BEFORE_TIMERS)) {
        struct ckf_thread *thread = earliest_timer();
        go_on_after_all(thread);
        fire_timer(thread);
        ckf_explore_see_everything(thread);
        e->idle_spins = 0;
        return thread;
    }
    if (e->spinning == 0)
        fail_stuck(CKF_VERDICT_HANG, "every thread that is left sleeps for ever");
    if (++e->idle_spins > IDLE_SPINS_LIMIT)
        fail_stuck(CKF_VERDICT_LIVELOCK, "threads spin for ever on memory that nobody writes");
    struct ckf_thread *thread = next_spinner();
    go_on_after_all(thread);
    return thread;
}

void ckf_explore_count_step(void)
{
    if (UNLIKELY(++ckf_explore_engine.step > ckf_explore_engine.options.steps))
        fail_stuck(CKF_VERDICT_LIVELOCK, "the limit of steps is reached");
}

/* Operations. */

static void begin_operation(struct ckf_thread *thread)
{
    thread->begins = false;
    ckf_explore_thread_changes(thread);
    thread->called = ++ckf_explore_engine.moment;
    ckf_explore_touch(CKF_EVERYTHING, TOUCH_WRITE);
    ckf_explore_note_event(thread->id, ++thread->begun, ckf_explore_engine.ended_hash);
    if (!ckf_explore_engine.solo)
        ckf_explore_see_everything(thread);
}

void ckf_explore_operation_begins(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    self->begins = true;
    if (ckf_explore_engine.solo)
        begin_operation(self);
}

struct ckf_explore_interval ckf_explore_operation_ends(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    if (self->begins) /* it had no step that others could have seen */
        begin_operation(self);
    ckf_explore_touch(CKF_EVERYTHING, TOUCH_WRITE);
    ckf_explore_engine.ended_hash += ckf_explore_scramble((uint64_t)self->id << 32 | ++self->ended);
    return (struct ckf_explore_interval){self->called, ++ckf_explore_engine.moment};
}

enum { ALONE_LIMIT = 1000000 };

void ckf_explore_count_alone(void)
{
    if (UNLIKELY(++ckf_explore_engine.alone > ALONE_LIMIT))
        ckf_explore_fail(CKF_VERDICT_LIVELOCK, "does not come to an end, and nobody else is left");
}

static void commit(struct ckf_thread *thread)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (UNLIKELY(thread->begins))
        begin_operation(thread);
    uint16_t bit = ckf_explore_bit(thread);
    if (UNLIKELY((e->timers & bit) != 0)) {
        fire_timer(thread);
        ckf_explore_touch(CKF_EVERYTHING, TOUCH_WRITE);
        e->timeouts_left--;
    }
    e->ready &= (uint16_t)~bit;
    if (UNLIKELY(e->yielded != 0)) {
        e->ready |= e->yielded & (uint16_t)~bit;
        e->yielded &= bit;
    }
    if (e->asleep != 0)
        wake_those_asleep(&thread->op);
    e->last = thread->id;
    ckf_explore_count_step();
}

/* True if the thread is to stand here for ever. */
static bool is_to_be_parked(struct ckf_thread *thread)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (EXPECT(e->steps_to_parking == 0) || thread->id != e->options.parked_thread ||
        --e->steps_to_parking > 0)
        return false;
    e->ready &= (uint16_t)~ckf_explore_bit(thread);
    e->timers &= (uint16_t)~ckf_explore_bit(thread);
    e->parked = thread;
    return true;
}

static struct ckf_thread *pick(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_thread *thread;
    if (e->local != 0) {
        thread = lowest(e->local);
        e->local &= (uint16_t)~ckf_explore_bit(thread);
        thread->state = THREAD_RUNNING;
        ckf_explore_thread_changes(thread);
        return thread;
    }
    if (UNLIKELY(e->dpor))
        ckf_explore_dpor_end_step();
    if (UNLIKELY(e->ready == 0 && e->yielded == 0)) {
        thread = pick_someone_idle();
    } else {
        if (e->ready == 0) {
            e->ready = e->yielded;
            e->yielded = 0;
        }
        uint16_t candidates = e->ready;
        if (UNLIKELY(e->timers != 0) && e->timeouts_left > 0)
            candidates |= near_timers();
        bool known = UNLIKELY(e->remembering) && e->choice_count >= e->choice_limit &&
                     ckf_explore_state_is_known(candidates);
        thread = known ? NULL : ckf_explore_strategy_pick(candidates);
        if (UNLIKELY(thread == NULL))
            fail_stuck(e->diverged ? CKF_VERDICT_DIVERGED : CKF_VERDICT_PRUNED, "");
        if (UNLIKELY(is_to_be_parked(thread)))
            return pick();
        commit(thread);
    }
    thread->state = THREAD_RUNNING;
    ckf_explore_thread_changes(thread);
    return thread;
}

static void go_on(struct ckf_thread *self)
{
    struct ckf_thread *next = pick();
    if (next != self)
        switch_context(self, next);
}

void ckf_explore_schedule(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    self->state = THREAD_READY;
    ckf_explore_engine.ready |= ckf_explore_bit(self);
    go_on(self);
}

void ckf_explore_block(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    self->state = THREAD_BLOCKED;
    go_on(self);
}

void ckf_explore_park_if_due(uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    if (EXPECT(ckf_explore_engine.steps_to_parking == 0) || !is_to_be_parked(self))
        return;
    self->op = (struct ckf_operation){.kind = OP_UNLOCK, .pc = pc};
    ckf_explore_block();
}

void ckf_explore_make_ready(struct ckf_thread *thread, enum ckf_operation_kind pending)
{
    stop_sleeping(thread);
    thread->state = THREAD_READY;
    ckf_explore_thread_changes(thread);
    if (UNLIKELY(ckf_explore_engine.dpor) && pending != OP_LOCK) /* see dpor.c */
        ckf_explore_dpor_wakes(ckf_explore_bit(thread));
    if (pending == OP_LOCAL) {
        ckf_explore_engine.local |= ckf_explore_bit(thread);
    } else {
        thread->op.kind = (uint8_t)pending;
        ckf_explore_engine.ready |= ckf_explore_bit(thread);
    }
}

/* Spinning. */

static bool look_again(struct ckf_thread *self)
{
    bool newer = false;
    for (unsigned i = 0; i < self->watched_count; i++) {
        const struct ckf_watched *watched = &self->watched[i];
        if (watched->location == NO_LOCATION) {
            newer |= ckf_explore_writes_to(ckf_explore_granule_at(watched->address),
                                           watched->address) != watched->count;
            continue;
        }
        struct ckf_location *location = &ckf_explore_engine.locations[watched->location];
        ckf_explore_touch(CKF_THING(CKF_TOUCH_MEMORY, location->address >> 3), TOUCH_READ);
        newer |= location->count != watched->count;
        self->current->at[watched->location].seen = (int16_t)(location->count - 1);
        location->watchers &= (uint16_t)~ckf_explore_bit(self);
    }
    self->tso_position = ckf_explore_engine.step;
    return newer;
}

void ckf_explore_wake_spinners(struct ckf_location *location)
{
    uint16_t woken = location->watchers & ckf_explore_engine.spinning;
    location->watchers = 0;
    ckf_explore_engine.spinning &= (uint16_t)~woken;
    ckf_explore_engine.ready |= woken;
    if (UNLIKELY(ckf_explore_engine.dpor))
        ckf_explore_dpor_wakes(woken);
}

static void spin_alone(void)
{
    if (++ckf_explore_engine.idle_spins > IDLE_SPINS_LIMIT)
        ckf_explore_fail(CKF_VERDICT_LIVELOCK, "spins for ever, and nobody else is left");
}

void ckf_explore_spin(uintptr_t pc)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_thread *self = e->running;
    if (e->solo) {
        spin_alone();
        return;
    }
    if (!look_again(self)) {
        self->op = (struct ckf_operation){.kind = OP_YIELD, .pc = pc};
        self->state = THREAD_SPINNING;
        ckf_explore_strategy_demote(self);
        if (self->watched_count == 0 && UNLIKELY(e->dpor))
            ckf_explore_fail(CKF_VERDICT_UNMODELLED,
                             "gives way without having read anything, and goes on after any step: "
                             "not a program for this strategy");
        if (self->watched_count == 0)
            e->yielded |= ckf_explore_bit(self);
        else
            e->spinning |= ckf_explore_bit(self);
        for (unsigned i = 0; i < self->watched_count; i++)
            if (self->watched[i].location != NO_LOCATION)
                e->locations[self->watched[i].location].watchers |= ckf_explore_bit(self);
        go_on(self);
        look_again(self);
    }
    self->watched_count = 0;
}

/* Sleeping. */

bool ckf_explore_sleep(struct ckf_sync *sync, int64_t deadline_ns)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_thread *self = e->running;
    if (self->section_depth > 0)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "sleeps inside a read section");
    if (deadline_ns != INT64_MAX)
        ckf_explore_touch(CKF_CLOCK, TOUCH_READ);
    if (deadline_ns <= e->now_ns)
        return false;
    if (e->options.spurious > 0)
        ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    ckf_explore_touch(CKF_THING(CKF_TOUCH_SLEEPERS, sync->address >> 3), TOUCH_WRITE);
    if (e->spurious_left > 0 && ckf_explore_choose(CKF_CHOICE_SPURIOUS, 2) == 1) {
        e->spurious_left--;
        return true;
    }
    self->timed_out = false;
    self->deadline_ns = deadline_ns;
    self->sleeps_on = sync;
    sync->waiters |= ckf_explore_bit(self);
    if (deadline_ns != INT64_MAX)
        e->timers |= ckf_explore_bit(self);
    ckf_explore_block();
    return !self->timed_out;
}

void ckf_explore_wake(struct ckf_sync *sync, unsigned count)
{
    ckf_explore_touch(CKF_THING(CKF_TOUCH_SLEEPERS, sync->address >> 3),
                      sync->waiters == 0 ? TOUCH_READ : TOUCH_WRITE);
    for (; count > 0 && sync->waiters != 0; count--) {
        uint16_t waiters = sync->waiters;
        unsigned many = (unsigned)__builtin_popcount(waiters);
        if ((ckf_explore_engine.options.without & CKF_WITHOUT_CHOICE_OF_SLEEPERS) != 0)
            many = 1;
        for (unsigned n = many > count ? ckf_explore_choose(CKF_CHOICE_WAKE, many) : 0; n > 0; n--)
            waiters &= (uint16_t)(waiters - 1);
        ckf_explore_make_ready(lowest(waiters), OP_LOCAL);
    }
}

/* Threads. */

static void note_company(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->undisturbed = e->alive == 1 + e->daemons && e->unjoined == 0;
}

static void finish(struct ckf_thread *self)
{
    struct ckf_engine *e = &ckf_explore_engine;
    ckf_explore_pthread_exit_keys(self);
    if (self->id == 0) {
        ckf_explore_reclaim_drain(0);
        if (e->hashing)
            e->last_state = ckf_explore_states_last();
        if (e->live_blocks > 0 && !e->options.leaves_memory)
            ckf_explore_fail(CKF_VERDICT_LEAK,
                             "ends, and %u allocation%s left that nobody has freed", e->live_blocks,
                             e->live_blocks == 1 ? " is" : "s are");
        end_execution();
    }
    if (UNLIKELY(e->dpor))
        ckf_explore_dpor_ends(self->id);
    self->state = THREAD_FINISHED;
    e->alive--;
    if (!self->daemon)
        e->unjoined++;
    note_company();
    for (uint16_t rest = self->joiners; rest != 0; rest &= (uint16_t)(rest - 1))
        ckf_explore_make_ready(lowest(rest), OP_LOCAL);
    go_on(self);
    __builtin_unreachable();
}

static void run_thread(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    self->body(self->arg);
    finish(self);
}

_Noreturn void ckf_explore_thread_exit(void)
{
    finish(ckf_explore_engine.running);
    __builtin_unreachable();
}

struct ckf_thread *ckf_explore_thread_start(ckf_explore_body body, void *arg, const char *name)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->thread_count == MAX_THREADS)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "more than %d threads in one execution",
                         MAX_THREADS);
    ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    struct ckf_thread *thread = &e->threads[e->thread_count];
    thread->id = e->thread_count++;
    thread->state = THREAD_READY;
    thread->begun = thread->ended = 0;
    thread->joined = thread->detached = thread->daemon = thread->begins = false;
    thread->op = (struct ckf_operation){.kind = OP_LOCAL};
    thread->joiners = 0;
    thread->depth = thread->watched_count = thread->progress = 0;
    thread->section_depth = thread->section_number = 0;
    thread->sleeps_on = NULL;
    thread->body = body;
    thread->arg = arg;
    thread->name = name;
    thread->result = NULL;
    thread->timed_out = thread->keys_used = false;
    ckf_explore_thread_changes(thread);
    thread->detail = 0;
    thread->frame = (uintptr_t)ckf_explore_stack_top(thread);
    thread->context = ckf_explore_context_make(ckf_explore_stack_top(thread), run_thread);
    ckf_explore_heap_begin(thread);
    if (e->tls.size != 0)
        start_tls(thread);
    if (e->solo && thread->id != 0) {
        e->solo = false;
        ckf_explore_model_leave_solo();
    }
    ckf_explore_model_start_thread(thread, e->running);
    ckf_explore_strategy_welcome(thread);
    e->alive++;
    note_company();
    if (UNLIKELY(e->dpor))
        ckf_explore_dpor_wakes(ckf_explore_bit(thread));
    e->local |= ckf_explore_bit(thread);
    return thread;
}

void ckf_explore_become_solo_if_alone(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->solo = e->alive == 1 && e->unjoined == 0;
    note_company();
}

void ckf_explore_thread_is_daemon(struct ckf_thread *thread)
{
    thread->daemon = true;
    ckf_explore_engine.daemons++;
    note_company();
}

static void see_end(struct ckf_thread *self, const struct ckf_thread *thread)
{
    if (EXPECT(!ckf_explore_engine.dpor))
        return;
    ckf_explore_dpor_sees_end(self->id, thread->id);
}

void ckf_explore_thread_wait(struct ckf_thread *thread, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    see_end(self, thread);
    if (thread->state != THREAD_FINISHED) {
        if (self->section_depth > 0)
            ckf_explore_fail(CKF_VERDICT_MISUSE, "waits for a thread inside a read section");
        self->op = (struct ckf_operation){.kind = OP_JOIN, .pc = pc, .address = (uintptr_t)thread};
        thread->joiners |= ckf_explore_bit(self);
        ckf_explore_block();
        see_end(self, thread);
    }
    if (!thread->joined && !thread->daemon) {
        thread->joined = true;
        ckf_explore_engine.unjoined--;
    }
    ckf_explore_view_acquire(self, thread->current);
    ckf_explore_become_solo_if_alone();
}

unsigned ckf_explore_spawn(ckf_explore_body body, void *arg, const char *name)
{
    return ckf_explore_thread_start(body, arg, name)->id;
}

void ckf_explore_join(unsigned thread)
{
    ckf_explore_thread_wait(&ckf_explore_engine.threads[thread], CALLER);
}

void ckf_explore_result(unsigned index, int64_t value)
{
    ckf_explore_touch(CKF_THING(CKF_TOUCH_COUNTERS, 1 + index), TOUCH_WRITE);
    ckf_explore_engine.registers[index] = value;
    ckf_explore_engine.note_hash +=
        ckf_explore_scramble(index * UINT64_C(1000003) ^ (uint64_t)value);
    if (ckf_explore_engine.registers_used <= index)
        ckf_explore_engine.registers_used = index + 1;
}

void ckf_explore_pause(void)
{
    ckf_explore_point(OP_PAUSE, 0, 0, 0, CALLER);
}

uint32_t ckf_explore_random(uint32_t bound)
{
    ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    uint64_t state = ckf_explore_engine.options.seed + 1000003u * ++ckf_explore_engine.randoms;
    return (uint32_t)((ckf_explore_random_next(&state) >> 32) * bound >> 32);
}

/* Executions. */

void ckf_explore_engine_prepare(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->threads != NULL)
        return;
    e->threads = ckf_explore_reserve(MAX_THREADS * sizeof *e->threads);
    e->syncs = ckf_explore_reserve(MAX_SYNCS * sizeof *e->syncs);
    e->choices = ckf_explore_reserve(MAX_CHOICES * sizeof *e->choices);
    e->tls = ckf_explore_find_tls_block();
    char *tls = ckf_explore_reserve((MAX_THREADS + 1) * (e->tls.size + 64));
    for (int i = 0; i < MAX_THREADS; i++)
        e->threads[i].tls = tls + (size_t)i * (e->tls.size + 64);
    e->hub_tls = tls + (size_t)MAX_THREADS * (e->tls.size + 64);
    ckf_explore_heap_prepare();
    ckf_explore_shadow_prepare();
    ckf_explore_model_prepare();
    ckf_explore_strategy_prepare();
    ckf_explore_states_prepare();
    ckf_explore_snapshots_prepare();
}

static void begin_verdict(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->discovered = e->diverged = false;
    e->verdict = CKF_VERDICT_OK;
    e->message[0] = '\0';
    e->failing = 0;
    e->conflict_address = 0;
}

static void begin_execution(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->newest_generation >= UINT32_MAX - 2 * MAX_CHOICES)
        ckf_explore_shadow_restart();
    e->execution = e->generation = ++e->newest_generation;
    e->step = e->moment = e->alone = 0;
    e->parked = NULL;
    e->steps_to_parking = e->options.parked_step;
    e->epoch = e->options.epoch != 0 ? e->options.epoch : e->execution;
    e->solo = true;
    e->weak = e->options.model != CKF_EXPLORE_SC;
    e->ready = e->local = e->spinning = e->yielded = e->timers = e->asleep = 0;
    e->undisturbed = false;
    e->alive = e->daemons = e->location_count = e->sync_count = 0;
    e->thread_count = e->unjoined = e->last = 0;
    e->timeouts_left = e->options.timeouts;
    e->spurious_left = e->options.spurious;
    e->idle_spins = e->spin_next = e->allocations = e->live_blocks = e->randoms = 0;
    e->hash = 0;
    e->now_ns = 1000000000;
    e->choice_count = 0;
    e->registers_used = 0;
    for (int i = 0; i < CKF_EXPLORE_REGISTERS; i++)
        e->registers[i] = 0;
    e->scratch_next = e->scratch;
    e->views = NULL;
    e->fenced = NULL;
    e->running = NULL;
    ckf_explore_strategy_begin();
    ckf_explore_states_begin();
    ckf_explore_pthread_begin();
    ckf_explore_reclaim_begin();
}

/* From the beginning. Returns who runs first. */
static struct ckf_thread *start_main(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    begin_execution();
    struct ckf_thread *main_thread = ckf_explore_thread_start(e->body, e->body_arg, "main");
    e->local = 0;
    main_thread->state = THREAD_RUNNING;
    return main_thread;
}

void ckf_explore_execute(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_thread *next = ckf_explore_snapshot_restore();
    begin_verdict();
    e->continued = next != NULL;
    e->steps_kept = next != NULL ? e->step : 0;
    if (next == NULL)
        next = start_main();
    for (;;) {
        switch_context(NULL, next);
        if (EXPECT(!e->wants_snapshot))
            break;
        e->wants_snapshot = false;
        ckf_explore_snapshot_take(next = e->stopped);
    }
    if (e->dpor)
        ckf_explore_dpor_end_execution(timers_that_may_be_early());
    if (!e->keeping)
        ckf_explore_undo_globals();
    ckf_explore_close_descriptors();
}
