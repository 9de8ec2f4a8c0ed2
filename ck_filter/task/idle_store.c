/* task/idle_store.c - a home for each thread, and a shared stack behind them.
 *
 * Roles:      every thread puts and takes.
 * Homes:      a few words each, in a line that other threads seldom touch, chosen by thread number:
 *             one exchange or compare-and-swap. A word holds one item or NULL, so there is no ABA.
 * Stack:      cells that are never freed before the store, named by index: those with items form one
 *             stack, vacant ones another (Treiber, "Systems programming: coping with parallelism",
 *             IBM RJ 5118, 1986). A head is an index and a tag that counts changes, in one word: a
 *             compare-and-swap that slept through 2^TAG_BITS changes could be deceived, which takes
 *             hours at the least. Who popped a cell owns its item field.
 * Growth:     chunks of cells, each twice as large as the one before, when no cell is vacant. Who
 *             installs a chunk pushes its cells; if that thread stops, others install the next one.
 * Bound:      homes and cells together are max_items, so the store is never fuller than that. A full
 *             home leads to the stack, an exhausted stack to the others' homes: nothing is out of
 *             reach, and a store used by one thread holds exactly max_items.
 */
#include "task/idle_store.h"

#include "base/atomics.h"
#include "base/backoff.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "base/memory.h"
#include "sync/per_thread.h"

enum {
    MAX_HOMES = 64,
    HOME_ITEMS = 8, /* with one, two threads that hold eight objects each were twice as slow as the
                       mutex: all but the first came from the stack */
    INDEX_BITS = 24,
    TAG_BITS = 64 - INDEX_BITS,
    NO_CELL = (1 << INDEX_BITS) - 1, /* as an index: the end of a stack */
    FIRST_CHUNK = 32,
    CHUNKS = 20 /* FIRST_CHUNK * (2^CHUNKS - 1) >= NO_CELL */
};

struct cell {
    void *item;             /* its owner's; the store's while it is in the stack of idle ones */
    _Atomic(uint32_t) next; /* index of the cell below; who pops reads it while others may push */
};

struct stack {
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) head; /* tag and index */
};

struct home {
    CKF_CACHELINE_ALIGNED _Atomic(void *) items[HOME_ITEMS];
};

struct ckf_idle_store {
    struct stack idle, vacant;
    CKF_CACHELINE_ALIGNED _Atomic(struct cell *) chunks[CHUNKS]; /* each set once */
    unsigned home_count;                                         /* these never change */
    unsigned home_items;
    uint32_t max_cells;
    struct home homes[];
};

/* --- cells --- */

static uint32_t chunk_start(unsigned chunk)
{
    return (uint32_t)FIRST_CHUNK * ((UINT32_C(1) << chunk) - 1);
}

static struct cell *cell_at(struct ckf_idle_store *store, uint32_t index)
{
    unsigned chunk = 31 - (unsigned)__builtin_clz(index / FIRST_CHUNK + 1);
    /* relaxed: the index came from a head, which was acquired after the chunk was installed */
    return &load_relaxed(&store->chunks[chunk])[index - chunk_start(chunk)];
}

static uint32_t head_index(uint64_t head)
{
    return (uint32_t)head & NO_CELL;
}

static uint64_t next_head(uint64_t head, uint32_t index)
{
    return ((head >> INDEX_BITS) + 1) << INDEX_BITS | index;
}

/* Pushes the cells that are linked from first to last. */
static void push(struct ckf_idle_store *store, struct stack *stack, uint32_t first, uint32_t last)
{
    /* relaxed: only compared, and written back below */
    uint64_t head = load_relaxed(&stack->head);
    do {
        /* relaxed: published by the head */
        store_relaxed(&cell_at(store, last)->next, head_index(head));
        /* edge idle-pushed: release; pairs with the acquire in pop(). Every change of a head is a
         * read-modify-write, so a pop acquires from all pushes whose cells are still there. */
    } while (!cas_release(&stack->head, &head, next_head(head, first)));
}

/* NO_CELL: there was none at some moment. */
static uint32_t pop(struct ckf_idle_store *store, struct stack *stack)
{
    /* edge idle-pushed: acquire, here and at the compare-and-swap; pairs with the release in push(). */
    uint64_t head = load_acquire(&stack->head);
    while (head_index(head) != NO_CELL) {
        uint32_t index = head_index(head);
        /* relaxed: if the cell was popped meanwhile this may be any value, and the tag has changed */
        uint32_t below = load_relaxed(&cell_at(store, index)->next);
        if (cas_acquire(&stack->head, &head, next_head(head, below)))
            return index;
    }
    return NO_CELL;
}

/* --- growth --- */

/* The cells from index `start` on, each linked to the one after it. */
static struct cell *create_chunk(uint32_t start, uint32_t count)
{
    struct cell *cells = ckf_alloc_array(count, sizeof *cells);
    if (cells == NULL)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        atomic_init(&cells[i].next, start + i + 1);
    return cells;
}

static unsigned count_chunks(struct ckf_idle_store *store)
{
    unsigned chunk = 0;
    /* relaxed: a chunk that is missed makes the installation below fail */
    while (chunk < CHUNKS && load_relaxed(&store->chunks[chunk]) != NULL)
        chunk++;
    return chunk;
}

/* A new cell of the caller's own; the rest of its chunk becomes vacant. NO_CELL: at the bound, or
 * without memory. */
static uint32_t grow(struct ckf_idle_store *store)
{
    for (;;) {
        unsigned chunk = count_chunks(store);
        if (chunk == CHUNKS || chunk_start(chunk) >= store->max_cells)
            return NO_CELL;
        uint32_t start = chunk_start(chunk), count = (uint32_t)FIRST_CHUNK << chunk;
        if (count > store->max_cells - start)
            count = store->max_cells - start;
        struct cell *cells = create_chunk(start, count), *found = NULL;
        if (cells == NULL)
            return NO_CELL;
        /* relaxed: decides who installs; the cells reach others with their indices (edge idle-pushed) */
        if (cas_relaxed(&store->chunks[chunk], &found, cells)) {
            if (count > 1)
                push(store, &store->vacant, start + 1, start + count - 1);
            return start;
        }
        ckf_free(cells);
        uint32_t vacant = pop(store, &store->vacant);
        if (vacant != NO_CELL)
            return vacant;
    }
}

static bool put_in_stack(struct ckf_idle_store *store, void *item)
{
    uint32_t index = pop(store, &store->vacant);
    if (index == NO_CELL)
        index = grow(store);
    if (index == NO_CELL)
        return false;
    cell_at(store, index)->item = item;
    push(store, &store->idle, index, index);
    return true;
}

static void *take_from_stack(struct ckf_idle_store *store)
{
    uint32_t index = pop(store, &store->idle);
    if (index == NO_CELL)
        return NULL;
    void *item = cell_at(store, index)->item;
    push(store, &store->vacant, index, index);
    return item;
}

/* --- homes --- */

static bool fill(_Atomic(void *) *place, void *item)
{
    void *found = NULL;
    /* relaxed: spares a locked instruction on a full place; the compare-and-swap decides */
    if (load_relaxed(place) != NULL)
        return false;
    /* edge home-filled: release; pairs with the acquire in empty(). */
    return cas_release(place, &found, item);
}

static void *empty(_Atomic(void *) *place)
{
    /* relaxed: spares a locked instruction on an empty place; the exchange decides */
    if (load_relaxed(place) == NULL)
        return NULL;
    /* edge home-filled: acquire; pairs with the release in fill(). */
    return exchange_acquire(place, NULL);
}

static bool put_in_home(struct ckf_idle_store *store, unsigned home, void *item)
{
    for (unsigned i = 0; i < store->home_items; i++)
        if (fill(&store->homes[home].items[i], item))
            return true;
    return false;
}

static void *take_from_home(struct ckf_idle_store *store, unsigned home)
{
    void *item = NULL;
    for (unsigned i = 0; i < store->home_items && item == NULL; i++)
        item = empty(&store->homes[home].items[i]);
    return item;
}

static bool put_in_other_home(struct ckf_idle_store *store, unsigned own, void *item)
{
    for (unsigned step = 1; step < store->home_count; step++)
        if (put_in_home(store, (own + step) % store->home_count, item))
            return true;
    return false;
}

static void *take_from_other_home(struct ckf_idle_store *store, unsigned own)
{
    void *item = NULL;
    for (unsigned step = 1; step < store->home_count && item == NULL; step++)
        item = take_from_home(store, (own + step) % store->home_count);
    return item;
}

bool ckf_idle_store_put(struct ckf_idle_store *store, void *item)
{
    unsigned own = ckf_thread_number() % store->home_count;
    return CKF_LIKELY(put_in_home(store, own, item)) || put_in_stack(store, item) ||
           put_in_other_home(store, own, item);
}

void *ckf_idle_store_take(struct ckf_idle_store *store)
{
    unsigned own = ckf_thread_number() % store->home_count;
    void *item = take_from_home(store, own);
    if (CKF_UNLIKELY(item == NULL))
        item = take_from_stack(store);
    if (CKF_UNLIKELY(item == NULL))
        item = take_from_other_home(store, own);
    return item;
}

/* --- life --- */

/* Twice as many as threads can run at once, so that two of them seldom share one. */
static unsigned choose_home_count(size_t max_items)
{
    unsigned wanted = 2 * ckf_cpus_allowed();
    if (wanted > MAX_HOMES)
        wanted = MAX_HOMES;
    return max_items < wanted ? (unsigned)max_items : wanted;
}

struct ckf_idle_store *ckf_idle_store_create(size_t max_items)
{
    unsigned homes = choose_home_count(max_items);
    size_t share = max_items / homes;
    struct ckf_idle_store *store =
        ckf_alloc_aligned(sizeof *store + homes * sizeof store->homes[0], CKF_CACHELINE);
    if (store == NULL)
        return NULL;
    store->home_count = homes;
    store->home_items = share < HOME_ITEMS ? (unsigned)share : HOME_ITEMS;
    size_t cells = max_items - (size_t)homes * store->home_items;
    store->max_cells = cells < NO_CELL ? (uint32_t)cells : NO_CELL;
    atomic_init(&store->idle.head, NO_CELL);
    atomic_init(&store->vacant.head, NO_CELL);
    return store;
}

void ckf_idle_store_destroy(struct ckf_idle_store *store)
{
    for (unsigned chunk = 0; chunk < CHUNKS; chunk++)
        /* relaxed: no call is in progress, by rule, and the caller has seen their ends */
        ckf_free(load_relaxed(&store->chunks[chunk]));
    ckf_free(store);
}
