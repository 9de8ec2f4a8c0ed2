/* explore/shadow.c - what is known of each 8 bytes of the program's memory: who has accessed it,
 * whether it is freed, and what it held before the execution.
 *
 * Data races: two accesses to a byte by two threads, at least one a write, at least one not atomic,
 * neither happening before the other. A granule keeps the accesses that can still take part in one;
 * an access that happens before a later one which conflicts with at least as much is dropped, so
 * that two or three are left as a rule. This is exact unless MAX_ACCESSES are concurrent.
 *
 * Freeing is a write to the whole block: an access that is not ordered with it is a use after free
 * even in an execution where it came first.
 *
 * Globals: the first write of an execution to a granule of the executable's data saves what was
 * there, and the end of the execution puts it back.
 *
 * Contention: an operation on memory that only one thread uses, or that nobody changes, commutes
 * with whatever the others do, so it need not be a point. Which granules several threads use while
 * one of them changes them is learnt from executions and kept; what an execution finds out counts
 * from the next one on (the search then starts again), and a schedule names what was known.
 *
 * While only one thread exists, everything it does happens before whatever comes, and only the
 * saving and the check for freed memory are left to do.
 */
#include "engine.h"

#include <sys/mman.h>

enum { MAX_UNDO = 1 << 20, MAX_CONTENDED = 1 << 18 };

static size_t data_granules(void)
{
    return (size_t)(ckf_explore_engine.data_end - ckf_explore_engine.data) / 8 + 2;
}

void ckf_explore_shadow_prepare(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->arena_shadow = ckf_explore_reserve(e->arena_size / 8 * sizeof(struct ckf_granule));
    e->data = (char *)((uintptr_t)__data_start & ~(uintptr_t)7);
    e->data_end = _end;
    e->data_shadow = ckf_explore_reserve(data_granules() * sizeof(struct ckf_granule));
    e->undo = ckf_explore_reserve(MAX_UNDO * sizeof(struct ckf_undo));
    e->contended = ckf_explore_reserve(MAX_CONTENDED * sizeof(struct ckf_contended));
}

static void make_blank(struct ckf_granule *granule)
{
    granule->generation = ckf_explore_engine.generation;
    granule->flags = 0;
    granule->accesses = 0;
    granule->sync = 0;
    for (int i = 0; i < 8; i++)
        granule->location[i] = 0;
    granule->more = 0;
    granule->unwritten = 0;
}

/* The same, as it would be before any snapshot. */
static void make_old(struct ckf_granule *granule)
{
    make_blank(granule);
    granule->generation = ckf_explore_engine.execution;
}

/* Its first use in this generation: what an earlier execution knew of it is nothing, and what this one does
 * can be told again after going back to the last snapshot. */
static inline void renew(struct ckf_granule *granule, uintptr_t address)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    if (UNLIKELY(e->keeping))
        ckf_explore_keep_granule(granule, address);
    if (granule->generation < e->execution)
        make_blank(granule);
    else
        granule->generation = e->generation;
}

static inline struct ckf_granule *find(uintptr_t address)
{
    struct ckf_granule *granule;
    size_t in_arena = address - (uintptr_t)ckf_explore_engine.arena;
    if (EXPECT(in_arena < ckf_explore_engine.arena_size)) {
        granule = &ckf_explore_engine.arena_shadow[in_arena >> 3];
    } else {
        size_t in_data = address - (uintptr_t)ckf_explore_engine.data;
        if (in_data >= (size_t)(ckf_explore_engine.data_end - ckf_explore_engine.data))
            return NULL;
        granule = &ckf_explore_engine.data_shadow[in_data >> 3];
    }
    if (granule->generation != ckf_explore_engine.generation)
        renew(granule, address);
    return granule;
}

struct ckf_granule *ckf_explore_granule_at(uintptr_t address)
{
    return find(address);
}

static inline bool in_data(uintptr_t address)
{
    return address - (uintptr_t)ckf_explore_engine.data <
           (size_t)(ckf_explore_engine.data_end - ckf_explore_engine.data);
}

static void save(struct ckf_granule *granule, uintptr_t address)
{
    uint64_t *word = (uint64_t *)(address & ~(uintptr_t)7);
    granule->flags |= GRANULE_SAVED;
    if (ckf_explore_engine.undo_count == MAX_UNDO)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "more than %d words of globals are written",
                         MAX_UNDO);
    ckf_explore_engine.undo[ckf_explore_engine.undo_count++] = (struct ckf_undo){word, *word};
}

void ckf_explore_undo_globals(void)
{
    while (ckf_explore_engine.undo_count > 0) {
        const struct ckf_undo *undo = &ckf_explore_engine.undo[--ckf_explore_engine.undo_count];
        *undo->address = undo->value;
    }
}

static inline bool conflict(unsigned a, unsigned b)
{
    return ((a | b) & ACCESS_WRITE) != 0 && (a & b & ACCESS_ATOMIC) == 0;
}

/* True if whatever conflicts with an access of kind `old` conflicts with one of kind `new` too. */
static inline bool covers(unsigned new, unsigned old)
{
    static const uint8_t covered[4] = {
        [ACCESS_READ] = 1u << ACCESS_READ | 1u << ACCESS_ATOMIC,
        [ACCESS_WRITE] = 15,
        [ACCESS_ATOMIC] = 1u << ACCESS_ATOMIC,
        [ACCESS_ATOMIC | ACCESS_WRITE] = 1u << ACCESS_ATOMIC | 1u << (ACCESS_ATOMIC | ACCESS_WRITE),
    };
    return (covered[new] >> old & 1) != 0;
}

static const char *kind_name(unsigned kind)
{
    static const char *const names[4] = {"read", "write", "atomic read", "atomic write"};
    return names[kind & 3];
}

_Noreturn static void fail_unordered(const struct ckf_access *earlier, unsigned kind, bool freeing,
                                     uintptr_t address)
{
    ckf_explore_engine.conflict_address = address;
    ckf_explore_engine.conflict_thread = earlier->thread;
    const char *other = ckf_explore_engine.threads[earlier->thread].name;
    if (freeing)
        ckf_explore_fail(CKF_VERDICT_USE_AFTER_FREE,
                         "frees memory that %s uses (%s) with nothing to order the two", other,
                         kind_name(earlier->kind));
    ckf_explore_fail(CKF_VERDICT_RACE,
                     "%s of memory that %s uses (%s) with nothing to order the two",
                     kind_name(kind), other, kind_name(earlier->kind));
}

_Noreturn static void fail_forbidden(const struct ckf_granule *granule, unsigned kind,
                                     uintptr_t address)
{
    ckf_explore_engine.conflict_address = address;
    ckf_explore_engine.conflict_thread = ckf_explore_engine.running->id;
    if ((granule->flags & GRANULE_FREED) != 0)
        ckf_explore_fail(CKF_VERDICT_USE_AFTER_FREE, "%s of freed memory", kind_name(kind));
    ckf_explore_fail(CKF_VERDICT_CRASH, "%s outside of the allocated memory", kind_name(kind));
}

/* What somebody has written whom the engine does not see (the C library) does not look like new memory
 * any more. Of what is copied with its padding, something was written. */
static void check_written(const struct ckf_granule *granule, unsigned bytes, uintptr_t address)
{
    const unsigned char *word = (const unsigned char *)(address & ~(uintptr_t)7);
    if ((bytes & ~granule->unwritten) != 0)
        return;
    for (int i = 0; i < 8; i++)
        if ((bytes >> i & 1) != 0 && word[i] != (unsigned char)JUNK)
            return;
    ckf_explore_engine.conflict_address = address;
    ckf_explore_engine.conflict_thread = ckf_explore_engine.running->id;
    ckf_explore_fail(CKF_VERDICT_UNWRITTEN, "reads memory that was allocated and never written");
}

static struct ckf_access *make_room(struct ckf_granule *granule)
{
    struct ckf_access *more = ckf_explore_scratch(MAX_ACCESSES * sizeof *more);
    for (int i = 0; i < INLINE_ACCESSES; i++)
        more[i] = granule->first[i];
    granule->more = (uint32_t)(((char *)more - ckf_explore_engine.scratch) >> 4) & 0xffffff;
    return more;
}

struct ckf_access *ckf_explore_accesses_of(struct ckf_granule *granule)
{
    if (granule->more == 0)
        return granule->first;
    return (struct ckf_access *)(void *)(ckf_explore_engine.scratch + ((size_t)granule->more << 4));
}

/* For states.c. */
static inline uint64_t weigh(const struct ckf_access *access, uintptr_t address)
{
    uint64_t what = (uint64_t)access->clock | (uint64_t)access->thread << 16 |
                    (uint64_t)access->bytes << 24 | (uint64_t)access->kind << 32;
    return ckf_explore_scramble((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) ^ what);
}

static void record(struct ckf_granule *granule, unsigned bytes, unsigned kind, uintptr_t address)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    const uint16_t *clock = self->current->clock;
    const bool hashing = ckf_explore_engine.hashing;
    struct ckf_access *only = &granule->first[0];
    if (EXPECT(granule->accesses == 1) && only->thread == self->id && only->kind == kind &&
        only->bytes == bytes && granule->more == 0) {
        if (only->clock == clock[self->id])
            return;
        if (hashing)
            ckf_explore_engine.access_hash -= weigh(only, address);
        only->clock = clock[self->id];
        if (hashing)
            ckf_explore_engine.access_hash += weigh(only, address);
        return;
    }
    struct ckf_access *list = ckf_explore_accesses_of(granule);
    /* What it has done already since it last told others anything is known and checked. */
    for (unsigned i = 0; i < granule->accesses; i++)
        if (list[i].thread == self->id && list[i].clock == clock[self->id] &&
            (bytes & ~(unsigned)list[i].bytes) == 0 && covers(list[i].kind, kind))
            return;
    unsigned kept = 0;
    for (unsigned i = 0; i < granule->accesses; i++) {
        struct ckf_access old = list[i];
        bool ordered = old.clock <= clock[old.thread];
        if (!ordered && (old.bytes & bytes) != 0 && conflict(kind, old.kind))
            fail_unordered(&old, kind, false, address);
        if (ordered && (old.bytes & ~bytes) == 0 && covers(kind, old.kind)) {
            if (hashing)
                ckf_explore_engine.access_hash -= weigh(&old, address);
            continue;
        }
        list[kept++] = old;
    }
    if (kept == INLINE_ACCESSES && granule->more == 0)
        list = make_room(granule);
    if (kept == MAX_ACCESSES)
        kept--;
    list[kept] = (struct ckf_access){.clock = clock[self->id],
                                     .thread = self->id,
                                     .bytes = (uint8_t)bytes,
                                     .kind = (uint8_t)kind};
    if (hashing)
        ckf_explore_engine.access_hash += weigh(&list[kept], address);
    granule->accesses = (uint8_t)(kept + 1);
}

static void note_plain_write(struct ckf_granule *granule, unsigned bytes)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (EXPECT((granule->flags & GRANULE_LOCATED) == 0))
        return;
    for (int i = 0; i < 8; i++) {
        if ((bytes >> i & 1) == 0 || granule->location[i] == 0 ||
            (granule->location[i] & BYTE_IS_PRIVATE) != 0)
            continue;
        struct ckf_location *location = &e->locations[granule->location[i] - 1];
        uint64_t hash = ckf_explore_scramble(location->hash + location->address);
        e->location_hash += hash - location->hash;
        location->hash = hash;
        location->resync = true;
    }
}

/* What is written now tells states apart: until a second thread starts, all executions do the same. */
static inline bool differs(void)
{
    return ckf_explore_engine.hashing && ckf_explore_engine.thread_count > 1;
}

/* Perhaps not to the thread's own. */
static void note_stack_write(uintptr_t address)
{
    struct ckf_thread *owner = ckf_explore_stack_owner(address);
    if (owner != NULL)
        ckf_explore_thread_changes(owner);
}

void ckf_explore_keep_word(uintptr_t address)
{
    find(address);
    note_stack_write(address);
}

static inline struct ckf_granule *touch(uintptr_t address, unsigned bytes, unsigned kind)
{
    const bool copy = (kind & ACCESS_COPY) != 0;
    kind &= ~(unsigned)ACCESS_COPY;
    struct ckf_granule *granule = find(address);
    if (granule == NULL)
        return NULL;
    if (UNLIKELY((granule->flags & (GRANULE_FREED | GRANULE_REDZONE)) != 0))
        fail_forbidden(granule, kind, address);
    if (UNLIKELY(granule->unwritten != 0)) {
        if ((kind & ACCESS_WRITE) != 0)
            granule->unwritten &= ~bytes & 255;
        else if (!copy)
            check_written(granule, bytes, address);
    }
    if ((kind & ACCESS_WRITE) != 0) {
        if ((granule->flags & GRANULE_SAVED) == 0 && in_data(address))
            save(granule, address);
        if (kind == ACCESS_WRITE)
            note_plain_write(granule, bytes);
        if (UNLIKELY(differs()))
            ckf_explore_states_write(address, kind == ACCESS_WRITE || ckf_explore_engine.solo ||
                                                  ckf_explore_has_no_location(granule, address));
        if (UNLIKELY(ckf_explore_engine.keeping))
            note_stack_write(address);
    }
    if (!ckf_explore_engine.solo)
        record(granule, bytes, kind, address);
    return granule;
}

struct ckf_granule *ckf_explore_shadow_access(uintptr_t address, size_t size, unsigned kind)
{
    unsigned offset = address & 7;
    if (UNLIKELY(differs()) && (kind & ACCESS_WRITE) != 0)
        ckf_explore_states_wrote();
    if (EXPECT(offset + size <= 8))
        return touch(address, ((1u << size) - 1) << offset, kind);
    struct ckf_granule *first = NULL;
    for (size_t done = 0; done < size;) {
        offset = (address + done) & 7;
        unsigned here = size - done < 8 - offset ? (unsigned)(size - done) : 8 - offset;
        struct ckf_granule *granule = touch(address + done, ((1u << here) - 1) << offset, kind);
        if (done == 0)
            first = granule;
        done += here;
    }
    return first;
}

/* Of new memory. */
static struct ckf_granule *begin_blank(uintptr_t address, size_t size)
{
    struct ckf_granule *first = find(address);
    if (UNLIKELY(ckf_explore_engine.keeping))
        ckf_explore_keep_new(first, (size + 7) / 8);
    return first;
}

void ckf_explore_shadow_unwritten(uintptr_t address, size_t size)
{
    struct ckf_granule *granule = begin_blank(address, size);
    for (size_t done = 0; done < size; done += 8, granule++) {
        make_blank(granule);
        granule->unwritten = 255;
    }
}

void ckf_explore_shadow_update(uintptr_t address, size_t size)
{
    const struct ckf_granule *granule = find(address);
    if (granule != NULL && UNLIKELY(granule->unwritten != 0))
        check_written(granule, ((1u << size) - 1) << (address & 7), address);
}

void ckf_explore_shadow_fresh(uintptr_t address, size_t size)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    if (ckf_explore_engine.solo)
        return;
    const struct ckf_access initial = {.clock = self->current->clock[self->id],
                                       .thread = self->id,
                                       .bytes = 255,
                                       .kind = ACCESS_WRITE};
    struct ckf_granule *granule = begin_blank(address, size);
    for (size_t done = 0; done < size; done += 8, granule++) {
        make_blank(granule);
        granule->first[0] = initial;
        granule->accesses = 1;
    }
    /* One weight for all of them: those that are dropped later are subtracted, one by one. */
    if (ckf_explore_engine.hashing)
        ckf_explore_engine.access_hash += weigh(&initial, address);
}

/* Whoever uses it from now on fails for that: so the release of it need not be remembered. */
void ckf_explore_shadow_free(uintptr_t address, size_t size)
{
    const uint16_t *clock = ckf_explore_engine.running->current->clock;
    struct ckf_granule *granule = find(address);
    if (UNLIKELY(ckf_explore_engine.keeping))
        ckf_explore_keep_freed(granule, (size + 7) / 8);
    for (size_t done = 0; done < size; done += 8, granule++) {
        if (granule->generation < ckf_explore_engine.execution)
            make_old(granule);
        const struct ckf_access *list = ckf_explore_accesses_of(granule);
        for (unsigned i = 0; i < granule->accesses && !ckf_explore_engine.solo; i++)
            if (list[i].clock > clock[list[i].thread])
                fail_unordered(&list[i], ACCESS_WRITE, true, address + done);
        granule->flags |= GRANULE_FREED;
    }
}

void ckf_explore_shadow_redzone(uintptr_t address)
{
    find(address)->flags |= GRANULE_REDZONE;
    find(address + 8)->flags |= GRANULE_REDZONE;
}

struct ckf_sync *ckf_explore_sync_at(uintptr_t address)
{
    struct ckf_granule *granule = find(address);
    if (granule == NULL)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED,
                         "a mutex, condition or futex outside heap, stacks and globals");
    if (granule->sync == 0) {
        if (ckf_explore_engine.sync_count == MAX_SYNCS)
            ckf_explore_fail(CKF_VERDICT_UNMODELLED, "more than %d mutexes and conditions",
                             MAX_SYNCS);
        ckf_explore_engine.syncs[ckf_explore_engine.sync_count] =
            (struct ckf_sync){.address = address};
        granule->sync = (uint16_t)++ckf_explore_engine.sync_count;
    }
    return &ckf_explore_engine.syncs[granule->sync - 1];
}

static void mark_contended_since(struct ckf_granule *granule, uintptr_t address, uint32_t execution)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (granule->contended != 0)
        return;
    if (e->contended_count == MAX_CONTENDED)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "more than %d words are shared", MAX_CONTENDED);
    granule->contended = execution;
    e->contended[e->contended_count++] = (struct ckf_contended){granule, address & ~(uintptr_t)7};
}

void ckf_explore_mark_contended(struct ckf_granule *granule, uintptr_t address)
{
    if (!ckf_explore_is_private(granule))
        return;
    mark_contended_since(granule, address, ckf_explore_engine.execution);
    ckf_explore_engine.discovered = true;
}

void ckf_explore_forget_contended(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    while (e->contended_count > 0)
        e->contended[--e->contended_count].granule->contended = 0;
}

/* The numbers of executions have run out. */
void ckf_explore_shadow_restart(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    madvise(e->arena_shadow, e->arena_size / 8 * sizeof(struct ckf_granule), MADV_DONTNEED);
    madvise(e->data_shadow, data_granules() * sizeof(struct ckf_granule), MADV_DONTNEED);
    e->newest_generation = 1;
    for (size_t i = 0; i < e->contended_count; i++)
        e->contended[i].granule->contended = 1;
}

size_t ckf_explore_contended(uint32_t epoch, struct ckf_explore_place *places, size_t room)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    size_t count = 0;
    for (size_t i = 0; i < e->contended_count; i++) {
        const struct ckf_contended *contended = &e->contended[i];
        if (contended->granule->contended >= epoch)
            continue;
        bool global = in_data(contended->address);
        if (count < room)
            places[count] = (struct ckf_explore_place){
                global, contended->address - (uintptr_t)(global ? e->data : e->arena)};
        count++;
    }
    return count;
}

bool ckf_explore_set_contended(const struct ckf_explore_place *places, size_t count)
{
    struct ckf_engine *e = &ckf_explore_engine;
    ckf_explore_engine_prepare();
    ckf_explore_forget_contended();
    for (size_t i = 0; i < count; i++) {
        uintptr_t address = places[i].offset + (uintptr_t)(places[i].global ? e->data : e->arena);
        struct ckf_granule *granule =
            places[i].offset < e->arena_size ? ckf_explore_granule_at(address) : NULL;
        if (granule == NULL)
            return false;
        mark_contended_since(granule, address, 1);
    }
    if (e->newest_generation < 1)
        e->newest_generation = 1;
    return true;
}
