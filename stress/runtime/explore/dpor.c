/* explore/dpor.c - dynamic partial-order reduction: one execution for each way that dependent steps can
 * be ordered, without a bound on preemptions.
 *
 * Source sets with sleep sets: Abdulla, Aronis, Jonsson, Sagonas, "Optimal Dynamic Partial Order
 * Reduction", POPL 2014; the idea is of Flanagan, Godefroid, "Dynamic partial-order reduction for model
 * checking software", POPL 2005. A search follows one thread at each choice until an execution shows
 * that two steps depended on each other and could have come the other way round (a race); then who
 * leads there is tried at the choice before the first of the two. Whoever was tried at a choice sleeps
 * in what comes after the others, until a step is taken that its own depends on.
 *
 * A step is a visible operation and all that its thread does until its next one; so what a step
 * depends on is known only when it is over. It is recorded as the things that it has touched
 * (ckf_explore_touch), each with the way in which it did. Two steps are dependent if they touch one
 * thing and one of them does not merely read it. EVERYTHING is touched by each step.
 *
 * Whatever else is chosen within a step (which store a load reads, which sleeper is woken, whether a weak
 * compare-and-swap fails) is a branch of that step: all of them are tried before the thread counts
 * as tried, and it then sleeps until a step is taken on which any of them depends.
 *
 * What wakes a thread that waits comes before all that the thread does next, and never the other way
 * round. A mutex is different: who waits for it could have come before whoever held it. So the race of
 * a lock is with the last lock of the mutex, not with the unlock.
 *
 * An early deadline may be cut off by who wakes the sleeper, or by who leaves nobody that could go on, and
 * then shows in no execution that it might have fired: it is tried at every choice, and depends on all
 * steps. For the same reason all threads are tried at the choice before a step that ends the
 * execution while others could go on; and where nobody can go on, races are looked for of what the
 * waiting threads might have done earlier.
 *
 * A step that is taken only because nobody else can go on (far deadlines, spinning in vain) comes after all
 * that was before it and before all that comes later.
 *
 * What depends on the number of steps taken is refused: a thread that gives way without having read anything
 * goes on after any step of another, and stores arrive after STEPS_OF_TRAVEL steps (model.c).
 */
#include "dpor.h"

enum {
    MAX_EVENTS = 1 << 16,
    MAX_THINGS = 1 << 13,
    MAX_TOUCHED = 128,
    MAX_KEPT = 1 << 22, /* of one way */
    MAX_RACES = 256,
    NOBODY = 255
};

/* One step that was taken, or what a thread did in it that the step let go on (see scheduler.c: local). */
struct event {
    uint16_t clock[MAX_THREADS]; /* of each thread the last event that comes before this one */
    uint32_t place;              /* the choice of its thread; NO_PLACE: there was none */
    uint32_t step;               /* number of the event whose thread was chosen */
    uint8_t thread;
};
#define NO_PLACE UINT32_MAX

struct touched {
    uint64_t thing;
    uint8_t how; /* enum ckf_touch */
    uint8_t thread;
};

/* What has been done to a thing in this execution; events are counted from 1, 0: there was none. */
struct thing {
    uint64_t name;
    uint32_t execution;
    uint32_t written, locked;   /* the last events that did so */
    uint32_t read[MAX_THREADS]; /* since it was written */
    uint16_t readers;
};

/* A part of `kept`. */
struct extent {
    uint32_t first, count;
};

/* A choice of a thread on the way that the search is on. */
struct place {
    uint16_t candidates, backtrack, tried, asleep; /* sets; asleep: when it was reached */
    uint8_t first; /* alternative 0; NOBODY: in order of their numbers */
    uint8_t chosen;
    struct extent step; /* what the chosen thread's step has touched, in any of its branches */
    struct extent touched[MAX_THREADS]; /* what those of the tried threads have */
};

static struct {
    struct event *events;
    uint32_t count;
    struct thing *things;
    unsigned thing_count;
    struct place *places;
    struct touched *kept;
    uint16_t clocks[MAX_THREADS][MAX_THREADS]; /* what comes before each thread's next event */
    uint16_t number[MAX_THREADS];              /* of events of each thread */
    uint32_t events_of[MAX_THREADS];           /* the last one */
    uint32_t everything;                       /* the last event that touched that */
    uint32_t finished[MAX_THREADS];            /* in which event each has ended */
    uint16_t asleep;
    struct extent sleeping[MAX_THREADS]; /* what their steps touch */
    /* The step that is being taken. */
    bool open;
    uint8_t thread;
    uint32_t place;
    struct touched touched[MAX_TOUCHED];
    unsigned touched_count;
    uint8_t acting[MAX_THREADS]; /* who has touched something in it: first the chosen thread */
    unsigned acting_count;
    uint16_t woken[MAX_THREADS];   /* whom each thread has let go on in it */
    uint16_t ended;                /* who has come to its end in it */
    uint16_t awaited[MAX_THREADS]; /* whose ends each thread has looked at since it was chosen */
} dpor;

void ckf_explore_dpor_prepare(void)
{
    dpor.events = ckf_explore_reserve(MAX_EVENTS * sizeof *dpor.events);
    dpor.things = ckf_explore_reserve(MAX_THINGS * sizeof *dpor.things);
    dpor.places = ckf_explore_reserve(MAX_CHOICES * sizeof *dpor.places);
    dpor.kept = ckf_explore_reserve(MAX_KEPT * sizeof *dpor.kept);
}

static void open_step(unsigned thread, uint32_t place)
{
    dpor.open = true;
    dpor.thread = (uint8_t)thread;
    dpor.place = place;
    dpor.touched_count = 0;
    dpor.acting[0] = (uint8_t)thread;
    dpor.acting_count = 1;
    dpor.awaited[thread] = dpor.ended = 0;
    for (int i = 0; i < MAX_THREADS; i++)
        dpor.woken[i] = 0;
}

void ckf_explore_dpor_begin(void)
{
    dpor.count = dpor.everything = dpor.thing_count = 0;
    dpor.asleep = 0;
    for (int i = 0; i < MAX_THREADS; i++) {
        dpor.number[i] = 0;
        dpor.events_of[i] = dpor.finished[i] = 0;
        dpor.awaited[i] = 0;
        for (int k = 0; k < MAX_THREADS; k++)
            dpor.clocks[i][k] = 0;
    }
    open_step(0, NO_PLACE);
}

/* What a step touches. */

static void touch(unsigned thread, uint64_t thing, enum ckf_touch how)
{
    if ((ckf_explore_engine.options.forgotten & ckf_explore_class_of(thing)) != 0)
        return;
    for (unsigned i = 0; i < dpor.touched_count; i++) {
        struct touched *known = &dpor.touched[i];
        if (known->thing != thing || known->thread != thread)
            continue;
        if (known->how < how)
            known->how = (uint8_t)how;
        return;
    }
    if (dpor.touched_count == MAX_TOUCHED - 1) /* one place is left for this */
        thing = CKF_EVERYTHING, how = TOUCH_WRITE;
    if (dpor.touched_count < MAX_TOUCHED)
        dpor.touched[dpor.touched_count++] = (struct touched){thing, (uint8_t)how, (uint8_t)thread};
}

/* Whose doing it is: of whoever runs, or of the thread that is being chosen. */
static unsigned actor(void)
{
    const struct ckf_thread *running = ckf_explore_engine.running;
    if (running->state != THREAD_RUNNING || running->id == dpor.thread)
        return dpor.thread;
    for (unsigned i = 0; i < dpor.acting_count; i++)
        if (dpor.acting[i] == running->id)
            return running->id;
    dpor.acting[dpor.acting_count++] = running->id;
    return running->id;
}

void ckf_explore_dpor_touch(uint64_t thing, enum ckf_touch how)
{
    if (!ckf_explore_engine.solo && dpor.open)
        touch(actor(), thing, how);
}

void ckf_explore_dpor_wakes(uint16_t threads)
{
    if (!ckf_explore_engine.solo && dpor.open)
        dpor.woken[actor()] |= threads;
}

static uint64_t end_of(unsigned thread)
{
    return CKF_THING(CKF_TOUCH_EVERYTHING, 1 + thread);
}

void ckf_explore_dpor_sees_end(unsigned self, unsigned ended)
{
    dpor.awaited[self] |= (uint16_t)(1u << ended);
    if (self == dpor.thread)
        ckf_explore_dpor_touch(end_of(ended), TOUCH_READ);
}

void ckf_explore_dpor_ends(unsigned self)
{
    ckf_explore_dpor_touch(end_of(self), TOUCH_WRITE);
    dpor.ended |= (uint16_t)(1u << self);
}

/* Who waits for ends and does nothing else that matters does that whichever comes first. */
static void touch_ends(void)
{
    for (unsigned i = 1; i < dpor.acting_count; i++)
        for (uint16_t ends = dpor.awaited[dpor.acting[i]]; ends != 0; ends &= (uint16_t)(ends - 1))
            touch(dpor.acting[i], end_of((unsigned)__builtin_ctz(ends)), TOUCH_READ);
}

static bool depend(const struct touched *a, const struct touched *b)
{
    if (a->thing == CKF_EVERYTHING || b->thing == CKF_EVERYTHING)
        return true;
    return a->thing == b->thing && (a->how != TOUCH_READ || b->how != TOUCH_READ);
}

static bool depends_on_step(struct extent extent)
{
    for (unsigned i = 0; i < dpor.touched_count; i++)
        for (uint32_t k = 0; k < extent.count; k++)
            if (depend(&dpor.touched[i], &dpor.kept[extent.first + k]))
                return true;
    return false;
}

static struct thing *thing_named(uint64_t name)
{
    size_t place = ckf_explore_scramble(name) & (MAX_THINGS - 1);
    struct thing *thing = &dpor.things[place];
    while (thing->execution == ckf_explore_engine.execution && thing->name != name) {
        place = (place + 1) & (MAX_THINGS - 1);
        thing = &dpor.things[place];
    }
    if (thing->execution != ckf_explore_engine.execution) {
        thing->execution = ckf_explore_engine.execution;
        thing->name = name;
        thing->written = thing->locked = 0;
        thing->readers = 0;
        dpor.thing_count++;
    }
    return thing;
}

/* There is always room for one more step, with which the execution may end. */
static void check_room(void)
{
    uint32_t kept = dpor.place == NO_PLACE ? 0 : dpor.places[dpor.place].step.first;
    if (dpor.count >= MAX_EVENTS - MAX_THREADS || dpor.thing_count >= MAX_THINGS / 2 ||
        kept >= MAX_KEPT - MAX_CHOICES)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "takes more steps than this search can hold");
}

/* Happens-before. */

static struct event *event_at(uint32_t number)
{
    return &dpor.events[number - 1];
}

static void join(uint16_t into[MAX_THREADS], const uint16_t from[MAX_THREADS])
{
    for (int i = 0; i < MAX_THREADS; i++)
        into[i] = into[i] > from[i] ? into[i] : from[i];
}

static bool comes_before(const struct event *event, const uint16_t clock[MAX_THREADS])
{
    return clock[event->thread] >= event->clock[event->thread];
}

/* Races. */

struct races {
    uint32_t with[MAX_RACES];
    unsigned count;
};

static void add_race(struct races *races, uint32_t event)
{
    if (event == 0 || races->count == MAX_RACES)
        return;
    for (unsigned i = 0; i < races->count; i++)
        if (races->with[i] == event)
            return;
    races->with[races->count++] = event;
}

/* Threads that can take the first step of what does not come after `first`, followed by the last event. */
static uint16_t initials(const struct event *first, const struct event *last)
{
    const struct event *found[MAX_THREADS + 1];
    unsigned count = 0;
    uint16_t met = 0, set = 0;
    for (const struct event *event = first + 1; event <= last; event++) {
        if (event != last && (event->step != (uint32_t)(event - dpor.events) + 1 ||
                              comes_before(first, event->clock)))
            continue;
        uint16_t bit = (uint16_t)(1u << event->thread);
        if ((met & bit) != 0)
            continue;
        met |= bit;
        bool initial = true;
        for (unsigned i = 0; i < count && initial; i++)
            initial = !comes_before(found[i], event->clock);
        found[count++] = event;
        if (initial)
            set |= bit;
    }
    return set;
}

/* The last event could have come before this one: so somebody who leads there is tried there. */
static void try_the_other_way(const struct event *first, const struct event *last)
{
    first = event_at(first->step);
    if (first->place == NO_PLACE)
        return;
    struct place *place = &dpor.places[first->place];
    uint16_t set = initials(first, last);
    if ((set & (place->backtrack | place->asleep)) != 0)
        return;
    set &= place->candidates;
    uint16_t wanted = (uint16_t)(1u << last->thread);
    if (set == 0)
        place->backtrack |= place->candidates;
    else
        place->backtrack |= (set & wanted) != 0 ? wanted : (uint16_t)(set & -set);
}

/* Is told what was done to the things that the step touches, and by that what comes before it. */
static void find_past(struct event *event, struct races *races, struct races *locks,
                      uint32_t *unlocked)
{
    for (unsigned i = 0; i < dpor.touched_count; i++) {
        const struct touched *touched = &dpor.touched[i];
        if (touched->thread != event->thread)
            continue;
        struct thing *thing = thing_named(touched->thing);
        bool locks_it = touched->how == TOUCH_LOCK;
        if (thing->written != 0)
            join(event->clock, event_at(thing->written)->clock);
        if (locks_it) {
            add_race(locks, thing->locked);
            if (thing->written > *unlocked)
                *unlocked = thing->written;
        } else {
            add_race(races, thing->written);
        }
        for (uint16_t rest = touched->how == TOUCH_READ ? 0 : thing->readers; rest != 0;
             rest &= (uint16_t)(rest - 1)) {
            uint32_t reader = thing->read[__builtin_ctz(rest)];
            join(event->clock, event_at(reader)->clock);
            if (!locks_it)
                add_race(races, reader);
        }
    }
}

static bool touches_everything(const struct event *event)
{
    for (unsigned i = 0; i < dpor.touched_count; i++)
        if (dpor.touched[i].thing == CKF_EVERYTHING && dpor.touched[i].thread == event->thread)
            return true;
    return false;
}

static void find_past_of_everything(struct event *event, struct races *races, bool everything)
{
    if (dpor.everything != 0) {
        join(event->clock, event_at(dpor.everything)->clock);
        add_race(races, dpor.everything);
    }
    for (unsigned i = 0; everything && i < ckf_explore_engine.thread_count; i++) {
        if (dpor.events_of[i] == 0)
            continue;
        join(event->clock, event_at(dpor.events_of[i])->clock);
        add_race(races, dpor.events_of[i]);
    }
}

static void note_touches(const struct event *event, uint32_t number)
{
    for (unsigned i = 0; i < dpor.touched_count; i++) {
        const struct touched *touched = &dpor.touched[i];
        if (touched->thread != event->thread)
            continue;
        struct thing *thing = thing_named(touched->thing);
        if (touched->how == TOUCH_READ) {
            thing->readers |= (uint16_t)(1u << event->thread);
            thing->read[event->thread] = number;
            continue;
        }
        thing->written = number;
        thing->readers = 0;
        if (touched->how >= TOUCH_TRYLOCK)
            thing->locked = number;
    }
}

/* `before`: what comes before the step by what its threads have done and by who woke them. */
static void search_races(const struct event *event, const struct races *races,
                         const struct races *locks, uint32_t unlocked,
                         const uint16_t before[MAX_THREADS])
{
    for (unsigned i = 0; i < races->count; i++) {
        const struct event *other = event_at(races->with[i]);
        bool direct = !comes_before(other, before);
        if (unlocked != 0) /* it could not have come in between */
            direct = direct && !comes_before(other, event_at(unlocked)->clock);
        for (unsigned k = 0; k < races->count && direct; k++)
            direct = k == i || !comes_before(other, event_at(races->with[k])->clock);
        if (direct)
            try_the_other_way(other, event);
    }
    for (unsigned i = 0; i < locks->count; i++)
        if (!comes_before(event_at(locks->with[i]), before))
            try_the_other_way(event_at(locks->with[i]), event);
}

/* Keeps what the step has touched, for those after whom its thread will sleep. */
static void keep_touched(struct place *place)
{
    for (unsigned i = 0; i < dpor.touched_count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < place->step.count && !known; k++) {
            struct touched *old = &dpor.kept[place->step.first + k];
            known = old->thing == dpor.touched[i].thing;
            if (known && old->how < dpor.touched[i].how)
                old->how = dpor.touched[i].how;
        }
        if (!known)
            dpor.kept[place->step.first + place->step.count++] = dpor.touched[i];
    }
}

static void wake_sleepers(void)
{
    for (uint16_t rest = dpor.asleep; rest != 0; rest &= (uint16_t)(rest - 1)) {
        unsigned id = (unsigned)__builtin_ctz(rest);
        if (depends_on_step(dpor.sleeping[id]))
            dpor.asleep &= (uint16_t) ~(1u << id);
    }
}

/* The thread's next event comes after the event, and after the ends that it has seen. */
static void tell(unsigned thread, const struct event *event)
{
    join(dpor.clocks[thread], event->clock);
    for (uint16_t rest = dpor.awaited[thread]; rest != 0; rest &= (uint16_t)(rest - 1)) {
        uint32_t ended = dpor.finished[__builtin_ctz(rest)];
        if (ended != 0)
            join(dpor.clocks[thread], event_at(ended)->clock);
    }
}

static void add_event(unsigned thread, uint32_t step)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    struct event *event = &dpor.events[dpor.count];
    struct races races = {.count = 0}, locks = {.count = 0};
    uint32_t unlocked = 0;
    *event = (struct event){.thread = (uint8_t)thread,
                            .place = step == dpor.count + 1 ? dpor.place : NO_PLACE,
                            .step = step};
    join(event->clock, dpor.clocks[thread]);
    bool everything = touches_everything(event);
    find_past(event, &races, &locks, &unlocked);
    find_past_of_everything(event, &races, everything);
    event->clock[thread] = ++dpor.number[thread];
    uint32_t number = ++dpor.count;
    if (e->choice_count >= e->choice_limit)
        search_races(event, &races, &locks, unlocked, dpor.clocks[thread]);
    note_touches(event, number);
    if (everything)
        dpor.everything = number;
    dpor.events_of[thread] = number;
    if ((dpor.ended >> thread & 1) != 0)
        dpor.finished[thread] = number;
    for (uint16_t rest = (uint16_t)(1u << thread | dpor.woken[thread]); rest != 0;
         rest &= (uint16_t)(rest - 1))
        tell((unsigned)__builtin_ctz(rest), event);
}

/* The step is over: what it has touched is known. */
void ckf_explore_dpor_end_step(void)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    if (!dpor.open)
        return;
    touch_ends();
    dpor.open = false;
    if (e->running != NULL)
        check_room();
    if (e->choice_count >= e->choice_limit && dpor.place != NO_PLACE)
        keep_touched(&dpor.places[dpor.place]);
    uint32_t step = dpor.count + 1;
    for (unsigned i = 0; i < dpor.acting_count; i++)
        add_event(dpor.acting[i], step);
    wake_sleepers();
}

/* The step that ended the execution may have kept others from what they could have done. */
static void end_last_step(void)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    bool cuts_off = e->verdict != CKF_VERDICT_OK || (e->ready | e->timers) != 0;
    if (cuts_off) {
        dpor.touched[dpor.touched_count < MAX_TOUCHED ? dpor.touched_count++ : 0] =
            (struct touched){CKF_EVERYTHING, TOUCH_WRITE, dpor.thread};
        if (dpor.place != NO_PLACE)
            dpor.places[dpor.place].backtrack |= dpor.places[dpor.place].candidates;
    }
    ckf_explore_dpor_end_step();
}

/* It waits for a mutex, and may do so for ever or until somebody goes on who sleeps; but it could have had it
 * before others. */
static void search_race_for_mutex(const struct ckf_thread *thread)
{
    const struct thing *mutex = thing_named(CKF_THING(CKF_TOUCH_MUTEXES, thread->op.address >> 3));
    struct event *event = &dpor.events[dpor.count];
    if (mutex->locked == 0)
        return;
    *event = (struct event){.thread = thread->id};
    join(event->clock, dpor.clocks[thread->id]);
    if (!comes_before(event_at(mutex->locked), event->clock))
        try_the_other_way(event_at(mutex->locked), event);
}

/* The thread's deadline might have fired before anything that it has not waited for. */
static void search_races_of_timer(unsigned thread)
{
    struct event *event = &dpor.events[dpor.count];
    struct races races = {.count = 0};
    *event = (struct event){.thread = (uint8_t)thread};
    join(event->clock, dpor.clocks[thread]);
    find_past_of_everything(event, &races, true);
    event->clock[thread]++;
    const struct races none = {.count = 0};
    search_races(event, &races, &none, 0, dpor.clocks[thread]);
}

/* What those who wait might have done earlier, and may not show for long: `timers` are those whose
 * deadlines might have fired as long as others could go on. */
static void search_races_of_waiting(uint16_t timers)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    if (e->choice_count < e->choice_limit)
        return;
    for (uint16_t rest = timers; rest != 0; rest &= (uint16_t)(rest - 1))
        search_races_of_timer((unsigned)__builtin_ctz(rest));
    for (unsigned i = 0; i < e->thread_count; i++)
        if (e->threads[i].state == THREAD_BLOCKED && e->threads[i].op.kind == OP_LOCK)
            search_race_for_mutex(&e->threads[i]);
}

void ckf_explore_dpor_end_execution(uint16_t timers)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    if (e->verdict == CKF_VERDICT_DIVERGED || e->verdict == CKF_VERDICT_UNMODELLED)
        return;
    if (dpor.open)
        end_last_step();
    search_races_of_waiting(timers);
}

/* Choices. */

uint16_t ckf_explore_dpor_asleep(void)
{
    return dpor.asleep;
}

void ckf_explore_dpor_only(unsigned thread)
{
    open_step(thread, NO_PLACE);
}

/* Nobody but this thread could go on, in a way that is open to it only for that reason. `timers`: whose
 * deadlines might have fired as long as others could. */
void ckf_explore_dpor_after_all(unsigned thread, uint16_t timers)
{
    search_races_of_waiting(timers);
    uint16_t all[MAX_THREADS] = {0};
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++)
        join(all, dpor.clocks[i]);
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++)
        join(dpor.clocks[i], all);
    open_step(thread, NO_PLACE);
}

static uint32_t end_of_kept(size_t index)
{
    while (index-- > 0)
        if (ckf_explore_engine.choices[index].kind == CKF_CHOICE_THREAD)
            return dpor.places[index].step.first + dpor.places[index].step.count;
    return 0;
}

/* The choice at this index has been made. `always`: those that are tried here in any case. */
void ckf_explore_dpor_chose(size_t index, uint16_t candidates, uint16_t always, bool last_is_first,
                            unsigned thread)
{
    struct place *place = &dpor.places[index];
    if (index >= ckf_explore_engine.choice_limit)
        *place = (struct place){
            .candidates = candidates,
            .backtrack = (uint16_t)(1u << thread | always),
            .asleep = dpor.asleep,
            .first = last_is_first ? ckf_explore_engine.last : NOBODY,
            .step = {.first = end_of_kept(index)},
        };
    place->chosen = (uint8_t)thread;
    for (uint16_t rest = place->tried; rest != 0; rest &= (uint16_t)(rest - 1)) {
        unsigned id = (unsigned)__builtin_ctz(rest);
        dpor.asleep |= (uint16_t)(1u << id);
        dpor.sleeping[id] = place->touched[id];
    }
    open_step(thread, (uint32_t)index);
}

static unsigned alternative_of(const struct place *place, unsigned thread)
{
    if (thread == place->first)
        return 0;
    unsigned before = (unsigned)__builtin_popcount(place->candidates & ((1u << thread) - 1));
    bool shifted = place->first != NOBODY && place->first > thread;
    return before + shifted;
}

bool ckf_explore_dpor_next(size_t index)
{
    struct place *place = &dpor.places[index];
    place->touched[place->chosen] = place->step;
    place->tried |= (uint16_t)(1u << place->chosen);
    place->step = (struct extent){.first = place->step.first + place->step.count};
    uint16_t rest = place->backtrack & (uint16_t) ~(place->tried | place->asleep);
    if (rest == 0)
        return false;
    unsigned thread = (unsigned)__builtin_ctz(rest);
    struct ckf_choice *choice = &ckf_explore_engine.choices[index];
    choice->thread = (uint8_t)thread;
    choice->chosen = (uint8_t)alternative_of(place, thread);
    return true;
}
