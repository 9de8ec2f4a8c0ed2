/* explore/snapshot.c - goes back to where an execution has been, instead of coming there again.
 *
 * A search that changes its nth choice would have to take all steps before it once more. Where something is left
 * to be tried, it makes a snapshot instead, and goes on from the last one that lies before the choice that
 * changes. They are a stack, as the choices of a depth-first search are: those behind the
 * changed choice are forgotten.
 *
 * What changes much is copied: what struct ckf_engine says of the execution, locations, mutexes, and of each
 * thread that has changed since the last snapshot its stack, views and thread-local storage. What is
 * large and changes little is kept when it is written for the first time after a snapshot, and put
 * back, the last first: the program's memory with what the shadow knows of it, by 8 bytes, and what
 * was handed on (stores, views). Memory that is allocated behind a snapshot is simply forgotten.
 *
 * That the first write is noticed: e->generation grows with each snapshot, and granules carry that in which they
 * were last used (find() in shadow.c). So all writes to the program's memory must be seen by the
 * shadow, or announced by ckf_explore_overwrite; those of threads to their own stacks need not be.
 *
 * A program may have state that neither of them sees: files, memory of other libraries, what the C library writes. If
 * it gives back what the engine does not know (free, close), there are no snapshots of it. And now and then
 * run.c takes all steps of an execution again from the beginning, and looks whether they lead to the same end.
 *
 * All threads stand still while a copy is made or put back: the running one switches to the hub for it, so
 * that its registers lie on its stack like everybody's.
 */
#include "engine.h"

enum {
    MAX_SNAPSHOTS = 1 << 14,
    MAX_KEPT = 1 << 20,        /* granules */
    KEPT_BYTES = 64 << 20,     /* of what was handed on */
    ROOM = 256 << 20,          /* of snapshots */
    ROOM_OF_ONE = 8 << 20,     /* at the most */
    STEPS_WORTH_A_SNAPSHOT = 1 /* that would have to be taken again */
};

enum kept_kind {
    KEPT_WHOLE, /* one granule and its word */
    KEPT_BLANK, /* the same; the granule was not used in this execution */
    KEPT_NEW,   /* a range of new memory */
    KEPT_FREED  /* a range of memory that is freed */
};
struct kept_granule {
    enum kept_kind kind;
    struct ckf_granule *granule;
    uint64_t *word;
    uint64_t value;             /* of the word; of a range: how many granules */
    struct ckf_granule content; /* of a whole one */
};

/* Ends what was kept of some bytes. */
struct kept_bytes {
    void *address;
    size_t size;
};

/* What follows it, and is copied in this order: see move_thread(). */
struct ckf_kept_thread {
    unsigned locations;
    bool
        ended; /* and its stack is not needed: not that of the thread that ends and picks the next one */
};

struct snapshot {
    struct ckf_thread *next; /* who goes on */
    size_t choices;          /* made before */
    uint32_t step;
    size_t kept_granules;
    char *kept_bytes;
    const struct ckf_kept_thread *threads[MAX_THREADS];
};

static struct {
    struct snapshot **stack;
    size_t count;
    char *room, *next;
    struct kept_granule *granules;
    size_t granule_count;
    char *bytes, *bytes_next;
} snapshots;

void *__real_memcpy(void *, const void *, size_t);

void ckf_explore_snapshots_prepare(void)
{
    snapshots.stack = ckf_explore_reserve(MAX_SNAPSHOTS * sizeof(void *));
    snapshots.room = snapshots.next = ckf_explore_reserve(ROOM);
    snapshots.granules = ckf_explore_reserve(MAX_KEPT * sizeof *snapshots.granules);
    snapshots.bytes = snapshots.bytes_next = ckf_explore_reserve(KEPT_BYTES);
}

/* What is overwritten. */

/* From now on executions begin at the beginning again. */
static void give_up(void)
{
    snapshots.count = snapshots.granule_count = 0;
    snapshots.next = snapshots.room;
    snapshots.bytes_next = snapshots.bytes;
    ckf_explore_engine.keeping = false;
}

void ckf_explore_snapshots_forget(void)
{
    if (!ckf_explore_engine.keeping)
        return;
    give_up();
    ckf_explore_undo_globals();
}

void ckf_explore_snapshots_refuse(void)
{
    give_up();
    ckf_explore_engine.snapshots = false;
    ckf_explore_engine.no_snapshots = true;
}

void ckf_explore_keep_bytes(void *address, size_t size)
{
    size_t whole = (size + 15) & ~(size_t)15;
    size_t left = (size_t)(snapshots.bytes + KEPT_BYTES - snapshots.bytes_next);
    if (left < whole + sizeof(struct kept_bytes)) {
        give_up();
        return;
    }
    __real_memcpy(snapshots.bytes_next, address, size);
    struct kept_bytes *end = (struct kept_bytes *)(void *)(snapshots.bytes_next + whole);
    *end = (struct kept_bytes){address, size};
    snapshots.bytes_next = (char *)(end + 1);
}

/* NULL: there is no room left, and nothing needs to be kept any more. */
static struct kept_granule *keep(enum kept_kind kind, struct ckf_granule *granule, uint64_t value)
{
    if (snapshots.granule_count == MAX_KEPT) {
        give_up();
        return NULL;
    }
    struct kept_granule *kept = &snapshots.granules[snapshots.granule_count++];
    kept->kind = kind;
    kept->granule = granule;
    kept->value = value;
    return kept;
}

void ckf_explore_keep_granule(struct ckf_granule *granule, uintptr_t address)
{
    uint64_t *word = (uint64_t *)(address & ~(uintptr_t)7);
    bool blank = granule->generation < ckf_explore_engine.execution;
    struct kept_granule *kept = keep(blank ? KEPT_BLANK : KEPT_WHOLE, granule, *word);
    if (kept == NULL)
        return;
    kept->word = word;
    if (blank)
        return;
    kept->content = *granule;
    if (granule->more != 0)
        ckf_explore_keep_bytes(ckf_explore_accesses_of(granule),
                               granule->accesses * sizeof(struct ckf_access));
}

void ckf_explore_keep_new(struct ckf_granule *first, size_t count)
{
    keep(KEPT_NEW, first, count);
}

void ckf_explore_keep_freed(struct ckf_granule *first, size_t count)
{
    keep(KEPT_FREED, first, count);
}

static void put_back_granule(const struct kept_granule *kept)
{
    switch (kept->kind) {
    case KEPT_WHOLE:
        *kept->word = kept->value;
        *kept->granule = kept->content;
        break;
    case KEPT_BLANK:
        *kept->word = kept->value;
        kept->granule->generation = 0;
        break;
    case KEPT_NEW:
        for (uint64_t i = 0; i < kept->value; i++)
            kept->granule[i].generation = 0;
        break;
    case KEPT_FREED:
        for (uint64_t i = 0; i < kept->value; i++)
            kept->granule[i].flags &= (uint8_t)~GRANULE_FREED;
    }
}

static void put_back_kept(const struct snapshot *snapshot)
{
    while (snapshots.granule_count > snapshot->kept_granules)
        put_back_granule(&snapshots.granules[--snapshots.granule_count]);
    while (snapshots.bytes_next > snapshot->kept_bytes) {
        const struct kept_bytes *end = (struct kept_bytes *)(void *)snapshots.bytes_next - 1;
        size_t whole = (end->size + 15) & ~(size_t)15;
        snapshots.bytes_next = (char *)(uintptr_t)end - whole;
        __real_memcpy(end->address, snapshots.bytes_next, end->size);
    }
}

/* What is copied. */

/* Copies something to the next place, or back from there. */
static void move(char **place, void *memory, size_t size, bool back)
{
    if (back)
        __real_memcpy(memory, *place, size);
    else
        __real_memcpy(*place, memory, size);
    *place += (size + 7) & ~(size_t)7;
}

static void move_view(char **place, struct ckf_view *view, unsigned locations, bool back)
{
    move(place, view->clock, sizeof view->clock, back);
    move(place, view->at, locations * sizeof *view->at, back);
}

/* What of a thread is not copied anyway. */
static void move_thread(char **place, struct ckf_thread *thread, const struct ckf_kept_thread *kept,
                        bool back)
{
    move_view(place, thread->current, kept->locations, back);
    move_view(place, thread->acquired, kept->locations, back);
    if (kept->ended)
        return;
    char *top = ckf_explore_stack_top(thread);
    move(place, thread->context, (size_t)(top - (char *)thread->context), back);
    move(place, thread->tls, ckf_explore_engine.tls.size, back);
    unsigned depth = thread->depth < MAX_CALLS ? thread->depth : MAX_CALLS;
    move(place, thread->calls, depth * sizeof *thread->calls, back);
    move(place, thread->watched, thread->watched_count * sizeof *thread->watched, back);
    if (thread->keys_used)
        move(place, thread->keys, sizeof thread->keys, back);
}

static const struct ckf_kept_thread *keep_thread(struct ckf_thread *thread, bool goes_on)
{
    struct ckf_kept_thread *kept = (struct ckf_kept_thread *)(void *)snapshots.next;
    kept->locations = ckf_explore_engine.location_count;
    kept->ended = thread->state == THREAD_FINISHED && !goes_on;
    snapshots.next += sizeof *kept;
    move_thread(&snapshots.next, thread, kept, false);
    return kept;
}

/* Locations that were not known then have not been seen then. */
static void put_back_thread(struct ckf_thread *thread, const struct ckf_kept_thread *kept)
{
    char *place = (char *)(uintptr_t)(kept + 1);
    move_thread(&place, thread, kept, true);
    for (unsigned i = kept->locations; i < ckf_explore_engine.location_count; i++)
        thread->current->at[i] = thread->acquired->at[i] = (struct ckf_known){0};
}

enum {
    STATE_BYTES = offsetof(struct ckf_engine, options),
    HEAD_BYTES = offsetof(struct ckf_thread, watched) - offsetof(struct ckf_thread, context)
};

/* All but the threads. */
static void move_state(char **place, bool back)
{
    struct ckf_engine *e = &ckf_explore_engine;
    move(place, e, STATE_BYTES, back);
    move(place, e->locations, e->location_count * sizeof *e->locations, back);
    move(place, e->syncs, e->sync_count * sizeof *e->syncs, back);
    *place += ckf_explore_reclaim_copy(*place, back);
    if (e->outside != NULL)
        *place += e->outside(*place, back);
    for (unsigned i = 0; i < e->thread_count; i++)
        move(place, &e->threads[i].context, HEAD_BYTES, back);
}

void ckf_explore_snapshot_take(struct ckf_thread *next)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct snapshot *snapshot = (struct snapshot *)(void *)snapshots.next;
    snapshots.next += sizeof *snapshot;
    snapshot->next = next;
    snapshot->choices = e->choice_count;
    snapshot->step = e->step;
    snapshot->kept_granules = snapshots.granule_count;
    snapshot->kept_bytes = snapshots.bytes_next;
    ckf_explore_states_wrote();
    e->keeping = true;
    e->generation++;
    if (e->newest_generation < e->generation)
        e->newest_generation = e->generation;
    move_state(&snapshots.next, false);
    for (unsigned i = 0; i < e->thread_count; i++) {
        if (e->threads[i].kept == NULL)
            e->threads[i].kept = keep_thread(&e->threads[i], &e->threads[i] == next);
        snapshot->threads[i] = e->threads[i].kept;
    }
    next->kept = NULL;
    snapshots.stack[snapshots.count++] = snapshot;
}

struct ckf_thread *ckf_explore_snapshot_restore(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (snapshots.count == 0)
        return NULL;
    const struct snapshot *snapshot = snapshots.stack[snapshots.count - 1];
    put_back_kept(snapshot);
    char *place = (char *)(uintptr_t)(snapshot + 1);
    move_state(&place, true);
    for (unsigned i = 0; i < e->thread_count; i++) {
        struct ckf_thread *thread = &e->threads[i];
        if (thread->kept != snapshot->threads[i])
            put_back_thread(thread, snapshot->threads[i]);
        thread->kept = snapshot->threads[i];
        thread->current->length = thread->acquired->length = e->location_count;
    }
    snapshot->next->kept = NULL;
    ckf_explore_states_go_back();
    return snapshot->next;
}

/* Which. */

void ckf_explore_snapshots_forget_beyond(size_t choices)
{
    if (snapshots.count == 0)
        return;
    while (snapshots.count > 0 && snapshots.stack[snapshots.count - 1]->choices > choices)
        snapshots.next = (char *)snapshots.stack[--snapshots.count];
    if (snapshots.count == 0)
        ckf_explore_snapshots_forget();
}

void ckf_explore_snapshot_if_worth_it(void)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    uint32_t before = snapshots.count > 0 ? snapshots.stack[snapshots.count - 1]->step : 0;
    if (e->step - before < STEPS_WORTH_A_SNAPSHOT &&
        (e->options.without & CKF_WITHOUT_REPLAYS) == 0)
        return;
    if (e->discovered || snapshots.count == MAX_SNAPSHOTS ||
        snapshots.next + ROOM_OF_ONE > snapshots.room + ROOM || ckf_explore_descriptors_are_open())
        return;
    ckf_explore_stop_for_snapshot();
}
