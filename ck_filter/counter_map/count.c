/* counter_map/count.c - three places for an entry's adds.
 *
 * Roles:      who adds to an entry that is there; sums and takes.
 * Invariants: as in entry.h. Each part only grows, so a sum needs no second look.
 * Promotion:  an entry gets a cell id, once, and adds go to cells from then on: as long as many ids are left, at
 *             the first add after the one that made it. Then the first thread that comes owns it, and a second one
 *             has it promoted. Once most ids are in use, threads sample some of their adds to entries of
 *             others instead, and one that is met often within a period gets an id.
 */
#include "counter_map/count.h"

#include <errno.h>

#include "base/effort.h"
#include "base/step.h"

/* An entry is promoted that is met by SAMPLES samples within a period, which ends when a thread has
 * taken PERIOD samples, of one in EVERY of its adds to entries that others own: by keys with at least
 * some thousandth of those adds, however many keys there are. */
enum { SAMPLE_EVERY = 16, SAMPLES_TO_PROMOTE = 4, SAMPLES_OF_A_PERIOD = 1024 };
enum { HEAT_BITS = 4 }; /* of `heat`, that count; the others say in which period */

/* Of an entry that had this state and was not HOT. True: it is now, with an id of this thread's, and *state says
 * so; otherwise that is as it was. */
static bool promote(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry,
                    struct ckf_place *place, uint64_t *state)
{
    uint32_t id;
    uint64_t seen = *state, hot = 0;
    int saved_errno = errno;
    if (ckf_cells_take_id(&map->cells, place, &id)) {
        bool is_ours = false;
        while (!is_ours && !CKF_STEP((seen & CKF_ENTRY_HOT) != 0)) {
            hot = (seen & ~CKF_ENTRY_HOME) | ckf_entry_home(CKF_ENTRY_HOT, id);
            /* edge entry-promoted: release; pairs with the acquires of `state` by who counts in cells, and
             * in ckf_lockfree_all_adds(). It hands over the id's birth, which has no add in it that this
             * lets happen. */
            is_ours = cas_release(&entry->state, &seen, hot);
        }
        if (is_ours)
            *state = hot;
        else
            ckf_cells_keep_id(&map->cells, place, id);
    }
    errno = saved_errno;
    return (*state & CKF_ENTRY_HOT) != 0;
}

static void sample(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry,
                   struct ckf_place *place, uint64_t state)
{
    /* relaxed, all of it: a guess at what is hot */
    if (place->ticks % (SAMPLE_EVERY * SAMPLES_OF_A_PERIOD) == 0)
        fetch_add_relaxed(&map->period, 1);
    uint16_t period = (uint16_t)(load_relaxed(&map->period) << HEAT_BITS);
    uint16_t heat = load_relaxed(&entry->heat);
    heat = (uint16_t)((heat >> HEAT_BITS == period >> HEAT_BITS ? heat : period) + 1);
    if ((heat & ((1u << HEAT_BITS) - 1)) < CKF_RARELY(SAMPLES_TO_PROMOTE))
        store_relaxed(&entry->heat, heat);
    else
        (void)promote(map, entry, place, &state);
}

/* Of an entry that nobody owned when its state was this. */
static bool claim(struct ckf_counter_entry *entry, uint64_t state, struct ckf_place *place)
{
    /* relaxed: the claim hands over nothing; `own` was never written */
    return (state & (CKF_ENTRY_OWNED | CKF_ENTRY_HOT)) == 0 &&
           cas_relaxed(&entry->state, &state,
                       state | ckf_entry_home(CKF_ENTRY_OWNED, place->number));
}

/* The entry has been promoted, and this thread comes to it for the first time. */
static _Atomic(uint64_t) *make_cell(struct ckf_lockfree_map *map, uint64_t state,
                                    struct ckf_place *place)
{
    int saved_errno = errno;
    _Atomic(uint64_t) *word = ckf_cells_make_mine(&map->cells, place, ckf_entry_number(state));
    errno = saved_errno;
    return word;
}

/* The thread has met an entry that another one owns. */
static void meet(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry,
                 struct ckf_place *place, uint64_t state)
{
    if (++place->ticks % CKF_RARELY(SAMPLE_EVERY) == 0)
        sample(map, entry, place, state);
}

_Atomic(uint64_t) *ckf_lockfree_make_word(struct ckf_lockfree_map *map,
                                          struct ckf_counter_entry *entry, struct ckf_place *place)
{
    if (!ckf_place_is_own(place))
        return NULL;
    /* edge entry-promoted: acquire; pairs with the release in promote(). */
    uint64_t state = load_acquire(&entry->state);
    if (ckf_entry_is_owned_by(state, place))
        return &entry->own;
    bool is_hot = (state & CKF_ENTRY_HOT) != 0;
    if (!is_hot && ckf_cells_abound(&map->cells, (state & CKF_ENTRY_OWNED) != 0))
        is_hot = promote(map, entry, place, &state);
    if (is_hot)
        return make_cell(map, state, place);
    if (claim(entry, state, place))
        return &entry->own;
    meet(map, entry, place, state);
    return NULL;
}

void ckf_lockfree_count(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry, uint64_t n,
                        struct ckf_place *place)
{
    _Atomic(uint64_t) *word = ckf_lockfree_make_word(map, entry, place);
    if (word != NULL)
        ckf_count_in(word, n);
    else
        ckf_lockfree_count_in_base(entry, n);
    if (CKF_UNLIKELY(ckf_add_is_marked(n)))
        /* relaxed: a sweep that runs at the same time may or may not see it */
        store_relaxed(&entry->was_touched, true);
}

uint64_t ckf_lockfree_all_adds(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge counter-added: acquire; pairs with the releases in ckf_lockfree_count_in_base() and ckf_count_in(): who
     * sees an add sees the takes before it in the next load. */
    uint64_t sum = load_acquire(&entry->base) + load_acquire(&entry->own);
    /* edge entry-promoted: acquire; pairs with the release in promote(). */
    uint64_t state = load_acquire(&entry->state);
    if ((state & CKF_ENTRY_HOT) != 0)
        sum += ckf_cells_sum(&map->cells, ckf_entry_number(state));
    return sum;
}

uint64_t ckf_lockfree_value_slowly(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in ckf_lockfree_take_value(): no sum that is read now is
     * older than the one that was taken. */
    uint64_t taken = load_acquire(&entry->taken);
    for (;;) {
        uint64_t sum = ckf_lockfree_all_adds(map, entry);
        /* edge counter-taken: acquire, as above */
        uint64_t still_taken = load_acquire(&entry->taken);
        if (!CKF_STEP(still_taken != taken))
            return sum - taken;
        taken = still_taken;
    }
}

uint64_t ckf_lockfree_take_value(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in the CAS below. */
    uint64_t taken = load_acquire(&entry->taken);
    for (;;) {
        uint64_t sum = ckf_lockfree_all_adds(map, entry);
        /* edge counter-taken: release; pairs with the acquires here and in ckf_lockfree_value(). Who loses
         * acquires the winner's, so that its next sum is not older. */
        if (sum == taken || cas_acq_rel(&entry->taken, &taken, sum))
            return sum - taken;
    }
}
