/* explore/model.c - the memory model: which stores a load may read, and what is learnt by reading.
 *
 * Every location keeps its stores in modification order, which is the order of execution. Every
 * thread has a view: for each location the oldest store that it may still read, and a vector clock.
 * A release store carries the view of its thread; an acquire load that reads it joins it. A relaxed
 * store carries the view of its thread's last release fence; what relaxed loads receive is kept
 * aside (`acquired`) until an acquire fence. A read-modify-write reads the newest store and hands
 * on what that carried (C++20 release sequences: plain stores of the same thread do not). Views as
 * in Kang, Hur, Lahav, Vafeiadis, Dreyer, "A promising semantics for relaxed-memory concurrency",
 * POPL 2017, without promises.
 *
 * seq_cst: S, the order of these operations, is not the order of execution. It is kept as what must
 * come before what: program order, happens-before (C11; C++20 asks for a little less), and for each location
 * the operations that meet an older store before those that meet a newer one. A thread knows the newest
 * stores that operations before its next one in S have met (`passed`), and reads none older. A stale
 * read comes before all that have met newer stores, although they were executed earlier: who comes after
 * those is told what comes before it. A seq_cst fence comes after all that was executed before it, and
 * takes and gives all that was known then.
 *
 * TSO: stores enter one total order at once, and each thread reads the memory of some moment, its
 * tso_position, which only moves forward, with its own newer stores before that ("dual TSO", Abdulla,
 * Atig, Bouajjani, Ngo, LMCS 2018). Read-modify-writes, seq_cst stores and seq_cst fences move it
 * to now, as the locked instructions do that x86 compilers make of them.
 *
 * Fairness: no store is missed for ever. A thread that looks again at what it has just read, or whose
 * deadline fires because nobody else can go on, sees all stores to it; so does everybody after
 * STEPS_OF_TRAVEL steps.
 *
 * Not modelled: a load that reads a store which comes later in program order of another thread that
 * depends on it being read (load buffering); a store that enters the modification order before one
 * that has already been executed (the weak outcomes of 2+2W, S and their kin); stale reads of 16-byte
 * atomics, which are compare-and-swaps on the machines we know; consume, taken as acquire.
 *
 * Memory itself always holds the newest values. What plain code writes there is noticed by looking
 * (`resync`): it is ordered with everything, or else it is a data race and reported as one.
 */
#include "engine.h"

enum order { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

static inline bool acquires(int order)
{
    return order == ACQUIRE || order == CONSUME || order == ACQ_REL || order == SEQ_CST;
}

static inline bool releases(int order)
{
    return order == RELEASE || order == ACQ_REL || order == SEQ_CST;
}

static inline bool broken(unsigned what)
{
    return UNLIKELY((ckf_explore_engine.options.broken & what) != 0);
}

/* Views. */

/* A view that will be handed on, of which nothing is set but the length. */
static struct ckf_view *make_view(unsigned length)
{
    struct ckf_view *view = ckf_explore_scratch(sizeof *view + length * sizeof *view->at);
    view->length = view->room = length;
    view->at = (struct ckf_known *)(void *)(view + 1);
    view->older = ckf_explore_engine.views;
    ckf_explore_engine.views = view;
    return view;
}

static inline int16_t larger(int16_t a, int16_t b)
{
    return a > b ? a : b;
}

void ckf_explore_view_join(struct ckf_view *into, const struct ckf_view *from)
{
    for (int i = 0; i < MAX_THREADS; i++)
        into->clock[i] = into->clock[i] > from->clock[i] ? into->clock[i] : from->clock[i];
    for (unsigned i = 0; i < from->length; i++) {
        into->at[i].seen = larger(into->at[i].seen, from->at[i].seen);
        into->at[i].passed = larger(into->at[i].passed, from->at[i].passed);
    }
}

static void view_copy(struct ckf_view *into, const struct ckf_view *from)
{
    for (int i = 0; i < MAX_THREADS; i++)
        into->clock[i] = from->clock[i];
    into->length = from->length;
    for (unsigned i = 0; i < from->length; i++)
        into->at[i] = from->at[i];
}

static void view_clear(struct ckf_view *view)
{
    for (int i = 0; i < MAX_THREADS; i++)
        view->clock[i] = 0;
    view->length = ckf_explore_engine.location_count;
    for (unsigned i = 0; i < view->length; i++)
        view->at[i] = (struct ckf_known){0};
}

/* A copy of what the thread knows now, for others to receive. What it does next is not in it. */
struct ckf_view *ckf_explore_view_release(struct ckf_thread *thread)
{
    struct ckf_view *copy = make_view(thread->current->length);
    view_copy(copy, thread->current);
    if (ckf_explore_engine.hashing)
        copy->hash = ckf_explore_view_hash(copy);
    thread->current->clock[thread->id]++;
    return copy;
}

void ckf_explore_view_acquire(struct ckf_thread *thread, const struct ckf_view *view)
{
    if (view != NULL)
        ckf_explore_view_join(thread->current, view);
    thread->tso_position = ckf_explore_engine.step;
}

void ckf_explore_model_prepare(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_view *views = ckf_explore_reserve(2 * MAX_THREADS * sizeof *views);
    for (int i = 0; i < 2 * MAX_THREADS; i++) {
        views[i].at = ckf_explore_reserve(MAX_LOCATIONS * sizeof *views[i].at);
        views[i].room = MAX_LOCATIONS;
    }
    for (int i = 0; i < MAX_THREADS; i++) {
        e->threads[i].current = &views[2 * i];
        e->threads[i].acquired = &views[2 * i + 1];
    }
    e->locations = ckf_explore_reserve(MAX_LOCATIONS * sizeof *e->locations);
    e->salts = ckf_explore_reserve(MAX_LOCATIONS * sizeof *e->salts);
}

void ckf_explore_model_start_thread(struct ckf_thread *thread, struct ckf_thread *by)
{
    if (by != NULL) {
        view_copy(thread->current, by->current);
        by->current->clock[by->id]++;
    } else {
        view_clear(thread->current);
    }
    thread->current->clock[thread->id] = 1;
    view_clear(thread->acquired);
    thread->acquire_pending = false;
    thread->released = NULL;
    thread->tso_position = ckf_explore_engine.step;
}

/* Time has passed, and nobody has done anything meanwhile. */
void ckf_explore_see_everything(struct ckf_thread *thread)
{
    for (unsigned i = 0; i < ckf_explore_engine.location_count; i++)
        thread->current->at[i].seen = (int16_t)(ckf_explore_engine.locations[i].count - 1);
    thread->tso_position = ckf_explore_engine.step;
    ckf_explore_thread_changes(thread);
}

void ckf_explore_see_newest(const struct ckf_granule *granule, uintptr_t address)
{
    unsigned index = granule == NULL ? 0 : granule->location[address & 7];
    if (index-- == 0 || (index & BYTE_IS_PRIVATE) != 0)
        return;
    ckf_explore_engine.running->current->at[index].seen =
        (int16_t)(ckf_explore_engine.locations[index].count - 1);
}

/* Alone, a thread accesses memory directly; now that it gets company, what it did comes first. */
void ckf_explore_model_leave_solo(void)
{
    for (unsigned i = 0; i < ckf_explore_engine.location_count; i++)
        ckf_explore_engine.locations[i].resync = true;
}

/* Memory. */

uint64_t ckf_explore_native_load(uintptr_t address, unsigned size)
{
    switch (size) {
    case 1:
        return *(volatile uint8_t *)address;
    case 2:
        return *(volatile uint16_t *)address;
    case 4:
        return *(volatile uint32_t *)address;
    default:
        return *(volatile uint64_t *)address;
    }
}

static void native_store(uintptr_t address, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)address = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)address = value;
    }
}

static inline uint64_t mask_of(unsigned size)
{
    return size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

/* Locations. */

static inline unsigned index_of(const struct ckf_location *location)
{
    return (unsigned)(location - ckf_explore_engine.locations);
}

static inline unsigned newest(const struct ckf_location *location)
{
    return location->count - 1u;
}

static struct ckf_store *append(struct ckf_location *location, struct ckf_store store)
{
    if (UNLIKELY(location->count == location->capacity)) {
        if (location->capacity >= INT16_MAX / 2)
            ckf_explore_fail(CKF_VERDICT_LIVELOCK, "one word is written more than %d times",
                             location->capacity);
        struct ckf_store *larger = ckf_explore_scratch(2u * location->capacity * sizeof *larger);
        for (unsigned i = 0; i < location->count; i++)
            larger[i] = location->stores[i];
        location->stores = larger;
        location->capacity = (uint16_t)(location->capacity * 2);
    }
    location->stores[location->count] = store;
    return &location->stores[location->count++];
}

enum { FIRST_CAPACITY = 4 };

static struct ckf_location *make_location(uintptr_t address, unsigned size)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->location_count == MAX_LOCATIONS)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "more than %d atomic variables", MAX_LOCATIONS);
    unsigned index = e->location_count++;
    struct ckf_location *location = &e->locations[index];
    *location = (struct ckf_location){
        .address = address,
        .stores = ckf_explore_scratch(FIRST_CAPACITY * sizeof *location->stores),
        .count = 1,
        .capacity = FIRST_CAPACITY,
        .size = (uint8_t)size,
    };
    location->stores[0] = (struct ckf_store){.value = ckf_explore_native_load(address, size)};
    for (unsigned i = 0; i < e->thread_count; i++) {
        e->threads[i].current->at[index] = e->threads[i].acquired->at[index] =
            (struct ckf_known){0};
        e->threads[i].current->length = e->threads[i].acquired->length = index + 1;
    }
    e->salts[index] = ckf_explore_scramble(address) | 1;
    return location;
}

/* For states.c: the location has another store. */
static void note_store(struct ckf_location *location, const struct ckf_store *store)
{
    uint64_t hash = location->hash == 0 ? location->address : location->hash;
    hash = ckf_explore_scramble(hash ^ store->value * UINT64_C(0x9e3779b97f4a7c15));
    if (store->view != NULL)
        hash = ckf_explore_scramble(hash ^ store->view->hash);
    ckf_explore_engine.location_hash += hash - location->hash;
    location->hash = hash;
}

static uint64_t hash_of_meeting(const struct ckf_location *location, unsigned store);

/* Views have changed. */
static void hash_locations_again(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->location_hash = 0;
    for (unsigned i = 0; i < e->location_count; i++) {
        struct ckf_location *location = &e->locations[i];
        location->hash = 0;
        e->location_hash += hash_of_meeting(location, 0);
        for (unsigned store = 1; store < location->count; store++) {
            note_store(location, &location->stores[store]);
            e->location_hash += hash_of_meeting(location, store);
        }
    }
}

static void resync(struct ckf_location *location)
{
    uint64_t value = ckf_explore_native_load(location->address, location->size);
    if (value != location->stores[newest(location)].value) {
        const struct ckf_store *store =
            append(location, (struct ckf_store){.value = value, .step = ckf_explore_engine.step});
        if (ckf_explore_engine.hashing)
            note_store(location, store);
    }
    location->floor = (uint16_t)newest(location);
    location->resync = false;
}

/* Accesses of several sizes meet in one granule: from now on it is one location of 8 bytes, which
 * starts with what memory holds. */
static struct ckf_location *merge(struct ckf_granule *granule, uintptr_t address)
{
    struct ckf_location *location = make_location(address & ~(uintptr_t)7, 8);
    for (int i = 0; i < 8; i++) {
        if (granule->location[i] != 0)
            location->watchers |= ckf_explore_engine.locations[granule->location[i] - 1].watchers;
        granule->location[i] = (uint16_t)(index_of(location) + 1);
    }
    return location;
}

/* Its bytes are to have a location, and what was done to them so far is not known. */
static void stop_being_private(struct ckf_granule *granule, uintptr_t address)
{
    for (int i = 0; i < 8; i++) {
        if ((granule->location[i] & BYTE_IS_PRIVATE) == 0)
            continue;
        granule->location[i] = 0;
        ckf_explore_mark_contended(granule, address);
    }
}

static struct ckf_location *find_location(struct ckf_granule *granule, uintptr_t address,
                                          unsigned size)
{
    stop_being_private(granule, address);
    unsigned offset = address & 7;
    unsigned index = granule->location[offset];
    bool same = true;
    for (unsigned i = offset; i < offset + size; i++)
        same &= granule->location[i] == index;
    if (!same)
        return merge(granule, address);
    if (index != 0) /* part of a larger one */
        return &ckf_explore_engine.locations[index - 1];
    struct ckf_location *location = make_location(address, size);
    granule->flags |= GRANULE_LOCATED;
    for (unsigned i = offset; i < offset + size; i++)
        granule->location[i] = (uint16_t)(index_of(location) + 1);
    return location;
}

static inline void note_user(uint16_t *use, const struct ckf_thread *self, bool writes)
{
    uint8_t user = *use & BYTE_USER;
    ckf_explore_is_shared(&user, self);
    unsigned flags = BYTE_IS_PRIVATE | (writes ? BYTE_IS_WRITTEN : 0u) |
                     (self->daemon ? BYTE_IS_USED_BY_DAEMON : 0u);
    *use = (uint16_t)((*use & ~BYTE_USER) | flags | user);
}

static inline bool is_shared_byte(unsigned use)
{
    bool several = (use & BYTE_USER) == SEVERAL_USERS && (use & BYTE_IS_WRITTEN) != 0;
    bool with_daemon = (use & BYTE_IS_USED_BY_DAEMON) != 0 &&
                       (use & BYTE_WAS_USED_UNDISTURBED) != 0 &&
                       (use & (BYTE_IS_WRITTEN | BYTE_WAS_WRITTEN_UNDISTURBED)) != 0;
    return several || with_daemon;
}

/* Notes who uses the bytes of a private word. True if it is not: several do, and one of them writes. */
static inline bool is_used_by_others(struct ckf_granule *granule, uintptr_t address, unsigned size,
                                     unsigned kind)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    bool shared = false, writes = (kind & ACCESS_WRITE) != 0;
    for (unsigned i = address & 7, end = i + size; i < end && i < 8; i++) {
        uint16_t *use = &granule->location[i];
        if (ckf_explore_engine.undisturbed && !self->daemon)
            *use |= BYTE_IS_PRIVATE | BYTE_WAS_USED_UNDISTURBED |
                    (writes ? BYTE_WAS_WRITTEN_UNDISTURBED : 0);
        else
            note_user(use, self, writes);
        shared |= is_shared_byte(*use);
    }
    return shared;
}

/* Of bytes that have no location of just this kind. NULL: they need none. */
__attribute__((noinline)) static struct ckf_location *locate(struct ckf_granule *granule,
                                                             uintptr_t address, unsigned size,
                                                             unsigned kind)
{
    if (ckf_explore_has_no_location(granule, address)) {
        if (UNLIKELY(is_used_by_others(granule, address, size, kind)))
            ckf_explore_mark_contended(granule, address);
        return NULL;
    }
    if ((address & 7) + size > 8)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "an atomic access that is not aligned");
    return find_location(granule, address, size);
}

/* NULL: memory that is not watched, or a private word. It is accessed directly: there is nothing to choose, and
 * nothing to learn, where only one thread ever wrote and read, or where nobody writes. */
static inline struct ckf_location *location_at(uintptr_t address, unsigned size, unsigned kind)
{
    struct ckf_granule *granule = ckf_explore_shadow_access(address, size, kind | ACCESS_ATOMIC);
    if (UNLIKELY(granule == NULL) || ckf_explore_engine.solo)
        return NULL;
    unsigned index = granule->location[address & 7];
    bool located = EXPECT(index - 1 < BYTE_IS_PRIVATE - 1);
    struct ckf_location *location = located ? &ckf_explore_engine.locations[index - 1] : NULL;
    if (UNLIKELY(!located || location->size != size || location->address != address)) {
        location = locate(granule, address, size, kind);
        if (location == NULL)
            return NULL;
    }
    if (UNLIKELY(location->resync))
        resync(location);
    location->written |= (kind & ACCESS_WRITE) != 0;
    if (ckf_explore_is_shared(&location->user, ckf_explore_engine.running) && location->written &&
        UNLIKELY(ckf_explore_is_private(granule)))
        ckf_explore_mark_contended(granule, address);
    return location;
}

/* Of a word without a location: NULL if it is not watched. */
static struct ckf_granule *private_at(uintptr_t address)
{
    struct ckf_granule *granule = ckf_explore_engine.solo ? NULL : ckf_explore_granule_at(address);
    return granule != NULL && (granule->location[address & 7] & BYTE_IS_PRIVATE) != 0 ? granule
                                                                                      : NULL;
}

/* Part of a location that an access of `size` bytes at `address` means. */
static inline unsigned shift_of(const struct ckf_location *location, uintptr_t address)
{
    return 8 * (unsigned)(address - location->address);
}

/* For dpor.c. */
static inline void touch(uintptr_t address, enum ckf_touch how)
{
    if (EXPECT(!ckf_explore_engine.dpor) || ckf_explore_engine.private)
        return;
    ckf_explore_dpor_touch(CKF_THING(CKF_TOUCH_MEMORY, address >> 3), how);
    if (ckf_explore_engine.options.model == CKF_EXPLORE_TSO && how != TOUCH_READ)
        ckf_explore_dpor_touch(CKF_EVERYTHING, TOUCH_WRITE); /* one order of all stores */
}

static inline void touch_pair(uintptr_t address, enum ckf_touch how)
{
    touch(address, how);
    touch(address + 8, how);
}

/* The order S, in C11. */

static inline bool is_in_s(int order)
{
    return order == SEQ_CST && ckf_explore_engine.options.model == CKF_EXPLORE_C11;
}

/* What comes before the thread's next operation in S, alone. */
static struct ckf_view *passed_by(const struct ckf_thread *self)
{
    const struct ckf_view *current = self->current;
    struct ckf_view *copy = make_view(current->length);
    for (int i = 0; i < MAX_THREADS; i++)
        copy->clock[i] = 0;
    for (unsigned i = 0; i < current->length; i++)
        copy->at[i] = (struct ckf_known){.passed = current->at[i].passed};
    if (ckf_explore_engine.hashing)
        copy->hash = ckf_explore_view_hash(copy);
    return copy;
}

static void come_after_fences(struct ckf_thread *self)
{
    if (UNLIKELY(ckf_explore_engine.fenced != NULL))
        ckf_explore_view_join(self->current, ckf_explore_engine.fenced);
}

/* The thread's next operation in S comes after those that met a store older than the `end`th. */
static void come_after(struct ckf_thread *self, const struct ckf_location *location, unsigned end)
{
    come_after_fences(self);
    while (end-- > 0) {
        const struct ckf_store *older = &location->stores[end];
        if (older->read != NULL)
            ckf_explore_view_join(self->current, older->read);
        if (older->written != NULL) { /* came after those before it */
            ckf_explore_view_join(self->current, older->written);
            return;
        }
    }
}

static inline void pass(struct ckf_thread *self, const struct ckf_location *location,
                        unsigned store)
{
    struct ckf_known *known = &self->current->at[index_of(location)];
    known->passed = larger(known->passed, (int16_t)store);
}

/* The thread is about to write the next store in S. */
static void come_to_write(struct ckf_thread *self, const struct ckf_location *location)
{
    ckf_explore_touch(CKF_ORDER_S, TOUCH_READ);
    come_after(self, location, location->count);
    pass(self, location, location->count);
}

static void come_to_read(struct ckf_thread *self, const struct ckf_location *location,
                         unsigned store)
{
    ckf_explore_touch(CKF_ORDER_S, TOUCH_READ);
    if (location->stores[store].written != NULL) {
        come_after_fences(self);
        ckf_explore_view_join(self->current, location->stores[store].written);
    } else {
        come_after(self, location, store);
    }
    pass(self, location, store);
}

static uint64_t hash_of_meeting(const struct ckf_location *location, unsigned store)
{
    const struct ckf_store *met = &location->stores[store];
    if (met->written == NULL && met->read == NULL)
        return 0;
    uint64_t hash = location->address ^ (met->written != NULL ? met->written->hash : 0);
    return ckf_explore_scramble(ckf_explore_scramble(hash) + store +
                                (met->read != NULL ? met->read->hash : 0));
}

static void make_room(struct ckf_view *view, unsigned length)
{
    if (view->room < length) {
        struct ckf_known *more = ckf_explore_scratch(length * sizeof *more);
        for (unsigned i = 0; i < view->length; i++)
            more[i] = view->at[i];
        view->at = more;
        view->room = length;
    }
    for (; view->length < length; view->length++)
        view->at[view->length] = (struct ckf_known){0};
}

/* The view is one that was handed on. */
static void keep_view(struct ckf_view *view)
{
    ckf_explore_keep_bytes(view, sizeof *view);
    ckf_explore_keep_bytes(view->at, view->length * sizeof *view->at);
}

static void add_to(struct ckf_view *view, const struct ckf_view *past)
{
    if (UNLIKELY(ckf_explore_engine.keeping))
        keep_view(view);
    make_room(view, past->length);
    for (unsigned i = 0; i < past->length; i++)
        view->at[i].passed = larger(view->at[i].passed, past->at[i].passed);
    if (ckf_explore_engine.hashing)
        view->hash = ckf_explore_view_hash(view);
}

/* The thread has written or read the store in S. */
static void meet(struct ckf_thread *self, struct ckf_location *location, unsigned store,
                 bool writes)
{
    struct ckf_store *met = &location->stores[store];
    bool hashing = ckf_explore_engine.hashing;
    uint64_t hash = hashing ? hash_of_meeting(location, store) : 0;
    if (UNLIKELY(ckf_explore_engine.keeping))
        ckf_explore_keep_bytes(met, sizeof *met);
    if (writes)
        met->written = passed_by(self);
    else if (met->read == NULL)
        met->read = passed_by(self);
    else
        add_to(met->read, self->current);
    if (hashing)
        ckf_explore_engine.location_hash += hash_of_meeting(location, store) - hash;
}

/* If the view is that of somebody who comes after those who have met newer stores than this one in S. */
static void tell_one(struct ckf_view *view, const struct ckf_view *past, unsigned location,
                     unsigned store)
{
    if (location >= view->length || view->at[location].passed <= (int)store)
        return;
    add_to(view, past);
}

/* The thread's operation in S has met a store that is not the newest: it comes before all who have met
 * newer ones, and so does whatever comes before it. */
static void tell(struct ckf_thread *self, const struct ckf_location *location, unsigned store)
{
    struct ckf_engine *e = &ckf_explore_engine;
    ckf_explore_touch(CKF_ORDER_S, TOUCH_WRITE);
    unsigned index = index_of(location);
    for (struct ckf_view *view = e->views; view != NULL; view = view->older)
        tell_one(view, self->current, index, store);
    for (unsigned i = 0; i < e->thread_count; i++) {
        tell_one(e->threads[i].current, self->current, index, store);
        tell_one(e->threads[i].acquired, self->current, index, store);
        ckf_explore_thread_changes(&e->threads[i]);
    }
    if (e->hashing)
        hash_locations_again();
}

/* Reading. */

/* A store reaches everybody some time: at the latest when so many steps have been taken. Without
 * this, who polls a word could be shown an old store for ever. */
enum { STEPS_OF_TRAVEL = 300 };

static inline unsigned arrived(const struct ckf_location *location, unsigned oldest)
{
    while (
        oldest < newest(location) &&
        UNLIKELY(location->stores[oldest + 1].step + STEPS_OF_TRAVEL < ckf_explore_engine.step)) {
        if (ckf_explore_engine.dpor)
            ckf_explore_fail(CKF_VERDICT_UNMODELLED,
                             "may miss a store for more than %d steps: too long for this strategy",
                             STEPS_OF_TRAVEL);
        oldest++;
    }
    return oldest;
}

static unsigned oldest_in_tso(const struct ckf_thread *self, const struct ckf_location *location)
{
    unsigned oldest = newest(location);
    while (oldest > location->floor && location->stores[oldest].thread != self->id + 1u &&
           location->stores[oldest].step > self->tso_position)
        oldest--;
    return arrived(location, oldest);
}

static inline unsigned oldest_readable(struct ckf_thread *self, const struct ckf_location *location,
                                       int order)
{
    if (!ckf_explore_engine.weak)
        return newest(location);
    if (ckf_explore_engine.options.model == CKF_EXPLORE_TSO)
        return oldest_in_tso(self, location);
    unsigned oldest = (unsigned)self->current->at[index_of(location)].seen;
    if (location->floor > oldest)
        oldest = location->floor;
    if (is_in_s(order) && oldest < newest(location) && !broken(CKF_BREAK_SC_LOAD)) {
        come_after_fences(self);
        unsigned passed = (unsigned)self->current->at[index_of(location)].passed;
        oldest = passed > oldest ? passed : oldest;
    }
    return arrived(location, oldest);
}

enum { REPEATS_THAT_ARE_A_SPIN = 2 };

/* Notes a read. True if it is the third of this store from this line without any progress. */
static bool watch_word(struct ckf_thread *self, uintptr_t address, uint16_t index, uint16_t count,
                       uintptr_t pc)
{
    struct ckf_watched *watched = self->watched, *end = watched + self->watched_count;
    while (watched != end && (watched->address != address || watched->pc != pc))
        watched++;
    if (watched == end && self->watched_count == MAX_WATCHED)
        return false;
    if (watched == end || watched->count != count) {
        self->watched_count += watched == end;
        *watched = (struct ckf_watched){pc, address, index, count, 0, ++self->progress};
        return false;
    }
    if (watched->progress != self->progress)
        watched->repeats = 0;
    watched->progress = self->progress;
    return ++watched->repeats >= REPEATS_THAT_ARE_A_SPIN;
}

static bool watch(struct ckf_thread *self, const struct ckf_location *location, unsigned store,
                  uintptr_t pc)
{
    return watch_word(self, location->address, (uint16_t)index_of(location), (uint16_t)(store + 1),
                      pc);
}

static bool watch_private(struct ckf_thread *self, uintptr_t address, uintptr_t pc)
{
    const struct ckf_granule *private = private_at(address);
    return private != NULL &&
           watch_word(self, address, NO_LOCATION, ckf_explore_writes_to(private, address), pc);
}

static inline void learn(struct ckf_thread *self, const struct ckf_location *location,
                         unsigned store, int order)
{
    struct ckf_known *known = &self->current->at[index_of(location)];
    const struct ckf_store *read = &location->stores[store];
    if (!broken(CKF_BREAK_COHERENCE))
        known->seen = larger(known->seen, (int16_t)store);
    if (read->thread != self->id + 1u && read->step > self->tso_position)
        self->tso_position = read->step;
    if (read->view == NULL)
        return;
    if (acquires(order) && !broken(CKF_BREAK_ACQUIRE)) {
        ckf_explore_view_join(self->current, read->view);
    } else {
        ckf_explore_view_join(self->acquired, read->view);
        self->acquire_pending = true;
    }
}

/* A load, or a compare-and-swap that fails. */
static inline void read_store(struct ckf_thread *self, struct ckf_location *location,
                              unsigned store, int order)
{
    learn(self, location, store, order);
    if (is_in_s(order)) {
        come_to_read(self, location, store);
        meet(self, location, store, false);
        if (store != newest(location) && !broken(CKF_BREAK_S))
            tell(self, location, store);
    }
}

static inline void note(const struct ckf_thread *self, uint64_t value, unsigned store,
                        const struct ckf_location *location)
{
    ckf_explore_mix(value);
    ckf_explore_engine.hash += ((uint64_t)store << 8) + self->id;
    if (UNLIKELY(ckf_explore_engine.tracing))
        ckf_explore_trace_event(&self->op, value, store, location == NULL ? 0 : location->count);
}

/* Writing. */

static inline const struct ckf_view *carried(struct ckf_thread *self, int order)
{
    if (releases(order) && !broken(CKF_BREAK_RELEASE))
        return ckf_explore_view_release(self);
    return self->released;
}

static inline void write(struct ckf_thread *self, struct ckf_location *location, uint64_t value,
                         const struct ckf_view *view, int order)
{
    const struct ckf_store *store =
        append(location, (struct ckf_store){.value = value,
                                            .view = view,
                                            .step = ckf_explore_engine.step,
                                            .thread = (uint8_t)(self->id + 1)});
    bool changed = store[-1].value != value;
    if (ckf_explore_engine.hashing)
        note_store(location, store);
    self->current->at[index_of(location)].seen = (int16_t)newest(location);
    if (is_in_s(order))
        meet(self, location, newest(location), true);
    if (order == SEQ_CST)
        self->tso_position = ckf_explore_engine.step;
    ckf_explore_overwrite(location->address);
    native_store(location->address, location->size, value);
    if (changed) {
        ckf_explore_engine.idle_spins = 0;
        self->progress++;
        if (UNLIKELY(location->watchers != 0))
            ckf_explore_wake_spinners(location);
    }
}

/* To a private word, or to memory that is not watched. */
static void write_in_place(struct ckf_thread *self, uintptr_t address, unsigned size,
                           uint64_t value)
{
    struct ckf_granule *private = private_at(address);
    if (private != NULL) {
        uint16_t *use = &private->location[address & 7];
        *use = (uint16_t)((*use & ~BYTE_WRITES) | ((*use + BYTE_ONE_WRITE) & BYTE_WRITES));
    }
    if (ckf_explore_native_load(address, size) != value) {
        ckf_explore_engine.idle_spins = 0;
        self->progress++;
    }
    native_store(address, size, value);
}

/* What a read-modify-write stores carries what the store it read carried, too. */
static const struct ckf_view *carried_on(struct ckf_thread *self, const struct ckf_view *read,
                                         int order)
{
    const struct ckf_view *own = carried(self, order);
    if (read == NULL || broken(CKF_BREAK_RELEASE_SEQUENCE))
        return own;
    if (own == NULL)
        return read;
    if (acquires(order) && releases(order))
        return own; /* knows it already */
    struct ckf_view *both = make_view(self->current->length);
    view_copy(both, own);
    make_room(both, read->length);
    ckf_explore_view_join(both, read);
    if (ckf_explore_engine.hashing)
        both->hash = ckf_explore_view_hash(both);
    return both;
}

static uint64_t calculate(enum ckf_rmw what, uint64_t old, uint64_t operand)
{
    switch (what) {
    case RMW_EXCHANGE:
        return operand;
    case RMW_ADD:
        return old + operand;
    case RMW_SUB:
        return old - operand;
    case RMW_AND:
        return old & operand;
    case RMW_OR:
        return old | operand;
    case RMW_XOR:
        return old ^ operand;
    default:
        return ~(old & operand);
    }
}

uint64_t ckf_explore_native_rmw(uintptr_t address, unsigned size, enum ckf_rmw what,
                                uint64_t operand)
{
    uint64_t old = ckf_explore_native_load(address, size);
    native_store(address, size, calculate(what, old, operand));
    return old;
}

enum { MAX_READABLE = 255 };

/* True if whoever has received b may have received a, too, and would know no more. */
static bool is_part_of(const struct ckf_view *a, const struct ckf_view *b)
{
    if (a == NULL || a == b)
        return true;
    if (b == NULL)
        return false;
    bool less = true;
    for (int i = 0; i < MAX_THREADS; i++)
        less &= a->clock[i] <= b->clock[i];
    for (unsigned i = 0; i < a->length && i < b->length; i++)
        less &= a->at[i].seen <= b->at[i].seen && a->at[i].passed <= b->at[i].passed;
    for (unsigned i = b->length; i < a->length; i++)
        less &= a->at[i].seen == 0 && a->at[i].passed == 0;
    return less;
}

/* Of those readable stores that hold one value the oldest is worth a try, and others only if they do
 * not bring all that it brings: who reads the older may do whatever who reads the newer may. Not so in
 * S, where others meet these stores, too; nor is the older one in place of the newest of all, where stale
 * reads are counted. `found` are the readable stores from the newest on; the result is a set of their
 * places. */
static uint16_t worth_reading(const struct ckf_location *location, const uint16_t found[],
                              unsigned count, int order)
{
    if (!ckf_explore_engine.choosy || count > 16 || is_in_s(order))
        return UINT16_MAX;
    bool counted = ckf_explore_engine.stale_left != CKF_EXPLORE_UNBOUNDED;
    uint16_t set = counted;
    for (unsigned i = counted; i < count; i++) {
        const struct ckf_store *store = &location->stores[found[i]];
        bool covered = false;
        for (unsigned k = i + 1; k < count && !covered; k++) {
            const struct ckf_store *older = &location->stores[found[k]];
            covered = older->value == store->value && is_part_of(older->view, store->view);
        }
        if (!covered)
            set |= (uint16_t)(1u << i);
    }
    return set;
}

enum { NEWEST = 1 }; /* a set */

static unsigned choose_store(const struct ckf_location *location, const uint16_t found[],
                             unsigned count, int order)
{
    if (count == 1)
        return found[0];
    struct ckf_engine *e = &ckf_explore_engine;
    uint16_t set = e->stale_left == 0 ? NEWEST : worth_reading(location, found, count, order);
    unsigned chosen = ckf_explore_choose_among(CKF_CHOICE_READ, count, set);
    if (chosen != 0 && e->stale_left != CKF_EXPLORE_UNBOUNDED)
        e->stale_left--;
    return found[chosen];
}

static unsigned choose_readable(const struct ckf_location *location, unsigned oldest, int order)
{
    uint16_t found[MAX_READABLE];
    unsigned count = 0;
    for (unsigned store = newest(location) + 1; store-- > oldest && count < MAX_READABLE;)
        found[count++] = (uint16_t)store;
    return choose_store(location, found, count, order);
}

/* The operations. Each is a point first, and then one step of its own. */

uint64_t ckf_explore_atomic_load(uintptr_t address, unsigned size, int order, uintptr_t pc)
{
    order = ckf_explore_order(OP_LOAD, address, order, pc);
    ckf_explore_memory_point(OP_LOAD, address, size, order, pc);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct ckf_location *location = location_at(address, size, ACCESS_READ);
    if (location == NULL) {
        uint64_t native = ckf_explore_native_load(address, size);
        note(self, native, 0, NULL);
        if (UNLIKELY(watch_private(self, address, pc)))
            ckf_explore_spin(pc);
        return native;
    }
    touch(address, TOUCH_READ);
    if (is_in_s(order))
        ckf_explore_touch(CKF_ORDER_S, TOUCH_READ);
    unsigned last = newest(location);
    unsigned oldest = oldest_readable(self, location, order);
    unsigned store = last;
    if (oldest != last)
        store = choose_readable(location, oldest, order);
    read_store(self, location, store, order);
    uint64_t value = location->stores[store].value >> shift_of(location, address) & mask_of(size);
    note(self, value, store, location);
    if (UNLIKELY(watch(self, location, store, pc)))
        ckf_explore_spin(pc);
    return value;
}

void ckf_explore_atomic_store(uintptr_t address, unsigned size, uint64_t value, int order,
                              uintptr_t pc)
{
    order = ckf_explore_order(OP_STORE, address, order, pc);
    ckf_explore_engine.running->operands[0] = value;
    ckf_explore_memory_point(OP_STORE, address, size, order, pc);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct ckf_location *location = location_at(address, size, ACCESS_WRITE);
    value &= mask_of(size);
    note(self, value, location == NULL ? 0 : location->count, location);
    if (location == NULL) {
        write_in_place(self, address, size, value);
        return;
    }
    touch(address, TOUCH_WRITE);
    if (UNLIKELY(location->size != size)) {
        unsigned shift = shift_of(location, address);
        value =
            (location->stores[newest(location)].value & ~(mask_of(size) << shift)) | value << shift;
    }
    if (is_in_s(order))
        come_to_write(self, location);
    write(self, location, value, carried(self, order), order);
}

static void read_modify_write(struct ckf_thread *self, struct ckf_location *location,
                              unsigned store, uint64_t value, int order, uintptr_t pc)
{
    const struct ckf_view *read = location->stores[store].view;
    learn(self, location, store, order);
    if (is_in_s(order))
        come_to_write(self, location);
    write(self, location, value, carried_on(self, read, order), order);
    self->tso_position = ckf_explore_engine.step;
    watch(self, location, newest(location), pc);
}

uint64_t ckf_explore_atomic_rmw(uintptr_t address, unsigned size, enum ckf_rmw what,
                                uint64_t operand, int order, uintptr_t pc)
{
    order = ckf_explore_order(OP_RMW, address, order, pc);
    ckf_explore_engine.running->operands[0] = operand;
    ckf_explore_memory_point(OP_RMW, address, size, order, pc);
    ckf_explore_shadow_update(address, size);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct ckf_location *location = location_at(address, size, ACCESS_WRITE);
    if (location == NULL) {
        uint64_t native = ckf_explore_native_load(address, size);
        write_in_place(self, address, size, calculate(what, native, operand));
        self->progress++;
        note(self, native, 0, NULL);
        return native;
    }
    touch(address, TOUCH_WRITE);
    unsigned store = newest(location);
    if (broken(CKF_BREAK_RMW)) {
        unsigned oldest = oldest_readable(self, location, order);
        store -= ckf_explore_choose(CKF_CHOICE_READ, store - oldest + 1);
    }
    unsigned shift = shift_of(location, address);
    uint64_t mask = mask_of(size) << shift;
    uint64_t whole = location->stores[store].value;
    uint64_t old = (whole & mask) >> shift;
    uint64_t new = (calculate(what, old, operand) << shift & mask) | (whole & ~mask);
    note(self, old, location->count, location);
    read_modify_write(self, location, store, new, order, pc);
    return old;
}

/* A mutated operation may not be stronger when it fails. */
static inline int failure_order(int success, int failure)
{
    if (success == RELAXED || success == RELEASE)
        return UNLIKELY(ckf_explore_engine.watching_sites) ? RELAXED : failure;
    return failure == SEQ_CST && success != SEQ_CST ? ACQUIRE : failure;
}

/* Stores that a failing compare-and-swap may read: stale ones that differ from what it expects,
 * and the newest. Fills `found` from the newest on. */
static unsigned readable_by_failure(struct ckf_thread *self, const struct ckf_location *location,
                                    int order, unsigned shift, uint64_t mask, uint64_t expected,
                                    uint16_t found[MAX_READABLE])
{
    unsigned count = 0;
    unsigned oldest = oldest_readable(self, location, order);
    found[count++] = (uint16_t)newest(location);
    for (unsigned store = newest(location); store-- > oldest && count < MAX_READABLE;)
        if ((location->stores[store].value >> shift & mask) != expected)
            found[count++] = (uint16_t)store;
    return count;
}

static bool fails_without_cause(void)
{
    if (ckf_explore_engine.options.spurious == 0)
        return false;
    ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    if (ckf_explore_engine.spurious_left == 0 || ckf_explore_choose(CKF_CHOICE_SPURIOUS, 2) == 0)
        return false;
    ckf_explore_engine.spurious_left--;
    return true;
}

/* Of a private word, or of memory that is not watched. */
static bool compare_and_swap_in_place(struct ckf_thread *self, uintptr_t address, unsigned size,
                                      uint64_t *expected, uint64_t desired, bool weak)
{
    uint64_t native = ckf_explore_native_load(address, size);
    bool equal = native == *expected;
    if (equal && weak && private_at(address) != NULL) {
        equal = !fails_without_cause();
        /* a snapshot may have been made at this choice */
        ckf_explore_shadow_access(address, size, ACCESS_WRITE | ACCESS_ATOMIC);
    }
    if (equal)
        write_in_place(self, address, size, desired);
    *expected = native;
    note(self, native, 0, NULL);
    return equal;
}

bool ckf_explore_atomic_cas(uintptr_t address, unsigned size, uint64_t *expected, uint64_t desired,
                            int success, int failure, bool weak, uintptr_t pc)
{
    success = ckf_explore_order(OP_CAS, address, success, pc);
    failure = failure_order(success, failure);
    ckf_explore_engine.running->operands[0] = desired;
    ckf_explore_engine.running->operands[1] = *expected;
    ckf_explore_memory_point(OP_CAS, address, size, success, pc);
    ckf_explore_shadow_update(address, size);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct ckf_location *location = location_at(address, size, ACCESS_WRITE);
    if (location == NULL) {
        bool done = compare_and_swap_in_place(self, address, size, expected, desired, weak);
        watch_private(self, address, pc);
        return done;
    }
    unsigned shift = shift_of(location, address);
    uint64_t mask = mask_of(size);
    uint16_t found[MAX_READABLE];
    unsigned count = readable_by_failure(self, location, failure, shift, mask, *expected, found);
    unsigned store = choose_store(location, found, count, failure);
    uint64_t whole = location->stores[store].value;
    uint64_t value = whole >> shift & mask;
    bool equal = value == *expected;
    if (equal && weak)
        equal = !fails_without_cause();
    note(self, value, equal ? location->count : store, location);
    touch(address, equal ? TOUCH_WRITE : TOUCH_READ);
    if (equal) {
        uint64_t new = (whole & ~(mask << shift)) | (desired & mask) << shift;
        read_modify_write(self, location, store, new, success, pc);
        return true;
    }
    read_store(self, location, store, failure);
    watch(self, location, store, pc);
    *expected = value;
    return false;
}

/* 16 bytes are two locations of 8 that change together. */

struct pair_of_locations {
    struct ckf_location *low, *high;
};

/* NULL both, or none. */
static struct pair_of_locations pair_at(uintptr_t address, unsigned kind, uintptr_t pc)
{
    struct ckf_location *low = location_at(address, 8, kind);
    struct ckf_location *high = location_at(address + 8, 8, kind);
    if (low == NULL)
        watch_private(ckf_explore_engine.running, address, pc);
    if (EXPECT((low == NULL) == (high == NULL)))
        return (struct pair_of_locations){low, high};
    /* Whoever shares one half shares the other. */
    uintptr_t half = low == NULL ? address : address + 8;
    ckf_explore_mark_contended(ckf_explore_granule_at(half), half);
    return (struct pair_of_locations){NULL, NULL};
}

static void write_pair_in_place(struct ckf_thread *self, uintptr_t address, struct ckf_pair value)
{
    write_in_place(self, address, 8, value.low);
    write_in_place(self, address + 8, 8, value.high);
}

static struct ckf_pair native_pair(uintptr_t address)
{
    return (struct ckf_pair){ckf_explore_native_load(address, 8),
                             ckf_explore_native_load(address + 8, 8)};
}

static void learn_pair(struct ckf_thread *self, struct pair_of_locations pair, int order,
                       uintptr_t pc)
{
    learn(self, pair.low, newest(pair.low), order);
    learn(self, pair.high, newest(pair.high), order);
    watch(self, pair.low, newest(pair.low), pc);
    watch(self, pair.high, newest(pair.high), pc);
}

/* One event: both sides come after whatever one of them comes after. */
static void come_to_write_pair(struct ckf_thread *self, struct pair_of_locations pair)
{
    come_to_write(self, pair.low);
    come_to_write(self, pair.high);
}

static void read_pair(struct ckf_thread *self, struct pair_of_locations pair, int order,
                      uintptr_t pc)
{
    learn_pair(self, pair, order, pc);
    if (is_in_s(order)) {
        come_to_read(self, pair.low, newest(pair.low));
        come_to_read(self, pair.high, newest(pair.high));
        meet(self, pair.low, newest(pair.low), false);
        meet(self, pair.high, newest(pair.high), false);
    }
}

/* Who receives one half by an acquire cannot miss the other: what both stores carry knows of both. */
static void foresee_pair(struct ckf_thread *self, struct pair_of_locations pair)
{
    self->current->at[index_of(pair.low)].seen = (int16_t)pair.low->count;
    self->current->at[index_of(pair.high)].seen = (int16_t)pair.high->count;
}

static void write_pair(struct ckf_thread *self, struct pair_of_locations pair,
                       struct ckf_pair value, int order)
{
    foresee_pair(self, pair);
    if (is_in_s(order))
        come_to_write_pair(self, pair);
    const struct ckf_view *low = pair.low->stores[newest(pair.low)].view;
    const struct ckf_view *high = pair.high->stores[newest(pair.high)].view;
    low = carried_on(self, low, order);
    high = carried_on(self, high, order);
    write(self, pair.low, value.low, low, order);
    write(self, pair.high, value.high, high, order);
    self->tso_position = ckf_explore_engine.step;
}

struct ckf_pair ckf_explore_atomic_load_pair(uintptr_t address, int order, uintptr_t pc)
{
    order = ckf_explore_order(OP_LOAD, address, order, pc);
    ckf_explore_memory_point(OP_LOAD, address, 16, order, pc);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct pair_of_locations pair = pair_at(address, ACCESS_READ, pc);
    struct ckf_pair value = native_pair(address);
    touch_pair(address, TOUCH_READ);
    note(self, value.low ^ value.high, 0, pair.low);
    if (pair.low != NULL)
        read_pair(self, pair, order, pc);
    return value;
}

void ckf_explore_atomic_store_pair(uintptr_t address, struct ckf_pair value, int order,
                                   uintptr_t pc)
{
    order = ckf_explore_order(OP_STORE, address, order, pc);
    ckf_explore_engine.running->operands[0] = value.low;
    ckf_explore_engine.running->operands[1] = value.high;
    ckf_explore_memory_point(OP_STORE, address, 16, order, pc);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct pair_of_locations pair = pair_at(address, ACCESS_WRITE, pc);
    touch_pair(address, TOUCH_WRITE);
    note(self, value.low ^ value.high, 0, pair.low);
    if (pair.low != NULL) {
        foresee_pair(self, pair);
        if (is_in_s(order))
            come_to_write_pair(self, pair);
        const struct ckf_view *view = carried(self, order);
        write(self, pair.low, value.low, view, order);
        write(self, pair.high, value.high, view, order);
        return;
    }
    write_pair_in_place(self, address, value);
}

bool ckf_explore_atomic_cas_pair(uintptr_t address, struct ckf_pair *expected,
                                 struct ckf_pair desired, int success, int failure, uintptr_t pc)
{
    success = ckf_explore_order(OP_CAS, address, success, pc);
    failure = failure_order(success, failure);
    ckf_explore_engine.running->operands[0] = desired.low;
    ckf_explore_engine.running->operands[1] = desired.high;
    ckf_explore_engine.running->operands[2] = expected->low ^ ckf_explore_scramble(expected->high);
    ckf_explore_memory_point(OP_CAS, address, 16, success, pc);
    struct ckf_thread *self = ckf_explore_engine.running;
    struct pair_of_locations pair = pair_at(address, ACCESS_WRITE, pc);
    struct ckf_pair found = native_pair(address);
    bool equal = found.low == expected->low && found.high == expected->high;
    touch_pair(address, equal ? TOUCH_WRITE : TOUCH_READ);
    note(self, found.low ^ found.high, equal, pair.low);
    if (equal && pair.low != NULL) {
        learn_pair(self, pair, success, pc);
        write_pair(self, pair, desired, success);
    } else if (pair.low != NULL) {
        read_pair(self, pair, failure, pc);
    } else if (equal) {
        write_pair_in_place(self, address, desired);
    }
    *expected = found;
    return equal;
}

/* A seq_cst fence: everything in S comes before it or after it. */
static void exchange_in_s(struct ckf_thread *self)
{
    struct ckf_engine *e = &ckf_explore_engine;
    for (unsigned i = 0; i < e->location_count; i++)
        come_after(self, &e->locations[i], e->locations[i].count);
    for (unsigned i = 0; i < e->location_count; i++) {
        struct ckf_known *known = &self->current->at[i];
        known->seen = known->passed = larger(known->seen, known->passed);
    }
    e->fenced = passed_by(self);
}

void ckf_explore_atomic_fence(int order, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    order = ckf_explore_order(OP_FENCE, 0, order, pc);
    if (order == SEQ_CST)
        ckf_explore_point(OP_FENCE, 0, 0, order, pc);
    if (ckf_explore_engine.solo)
        return;
    if (acquires(order) && self->acquire_pending) {
        ckf_explore_view_join(self->current, self->acquired);
        self->acquire_pending = false;
    }
    if (order == SEQ_CST) {
        note(self, 0, 0, NULL);
        ckf_explore_touch(CKF_ORDER_S, TOUCH_WRITE);
        if (ckf_explore_engine.options.model == CKF_EXPLORE_TSO)
            ckf_explore_touch(CKF_EVERYTHING, TOUCH_WRITE);
        if (!broken(CKF_BREAK_FENCE) && is_in_s(order))
            exchange_in_s(self);
        if (!broken(CKF_BREAK_FENCE))
            self->tso_position = ckf_explore_engine.step;
    }
    if (releases(order))
        self->released = ckf_explore_view_release(self);
}

/* A write is noticed when the location is next used as an atomic one; what a spinner waits for may
 * be a volatile word, so it looks again after every one. */
void ckf_explore_volatile(struct ckf_granule *granule, uintptr_t address, unsigned size,
                          unsigned kind, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    note(self, kind, 0, NULL);
    ckf_explore_engine.private = false;
    touch_pair(address, TOUCH_WRITE);
    if (size > 8)
        return;
    struct ckf_location *location = find_location(granule, address, size);
    if (location->resync)
        resync(location);
    if (kind == ACCESS_READ) {
        if (UNLIKELY(watch(self, location, newest(location), pc)))
            ckf_explore_spin(pc);
        return;
    }
    location->resync = location->written = true;
    ckf_explore_note_state(address);
    ckf_explore_engine.idle_spins = 0;
    if (location->watchers != 0)
        ckf_explore_wake_spinners(location);
}
