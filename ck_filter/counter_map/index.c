/* counter_map/index.c - a tree of small hash tables, replaced whole.
 *
 * Shape:      each level of the tree takes six bits of the hash; a leaf is a table with linear
 *             probing over addresses with some bits of the hash above them, so that growth need not
 *             look at entries. A leaf that fills up is replaced by one twice as large, and one of
 *             MAX_LEAF_BITS by an inner node with 64 leaves: so no add copies more than a few
 *             thousand slots. Inner nodes stay for ever.
 * Roles:      any thread finds, inserts, unlinks and replaces; nobody waits but unlink.
 * Invariants: a slot goes from empty to an entry to GONE, or from empty to SEALED, and never back. So all
 *             who insert a key meet at the same first empty slot, and its key is there at most once
 *             (dead incarnations aside). Only who unlinks an entry writes to its slot.
 * Replacing:  mark the leaf; seal each empty slot, after which no entry comes; copy the leaf into a successor
 *             of one's own; publish that by one CAS of the link, which one thread wins. Who meets a sealed
 *             slot in need of a free one does the same, and so waits for nobody. Who unlinks an entry looks at the
 *             mark afterwards: if it is set a copy may have the entry, and it goes on to the successor. Counts
 *             stay where they are: entries do not move.
 * Hostile keys: an insert that passes too many entries replaces the leaf by one that is keyed with
 *             SipHash, and so is everything below it. One that passes many GONE slots, which the same few
 *             keys leave when they go and come again, replaces it as well, by a clean one.
 * Teardown:   replaced leaves are given back after a grace period, some dozens at a time.
 *
 * Related: Shun and Blelloch's phase-concurrent tables (SPAA 2014) for insertion, Click's hash table
 * (2007) for sealing, Prokopec et al., "Concurrent Tries" (PPoPP 2012) for the tree.
 */
#include "counter_map/index.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "sync/section.h"

enum {
    MAX_LEAF_BITS = CKF_SIZE(12, 4),
    MIN_LEAF_BITS = CKF_SIZE(3, 1),
    BITS_OF_SLOTS = CKF_SLOT_HASH_BITS, /* no leaf has more: a slot says where an entry belongs */
    MAX_PROBES = 160, /* at this fill a hash that spreads comes to it once in 10,000 full leaves */
    MAX_GONE = CKF_SIZE(12, 2), /* of one probe: keys that go and come again leave a trail */
    MANY_ENTRIES = CKF_INDEX_FANOUT * 16, /* of which hardly a child has twice its share */
    LEAVES_AT_ONCE = CKF_SIZE(32, 2)      /* given back together */
};

struct inner {
    alignas(CKF_ENTRY_ALIGN) struct ckf_counter_link links[CKF_INDEX_FANOUT];
};

_Static_assert(sizeof(struct ckf_counter_leaf) == CKF_ENTRY_ALIGN, "slots stand behind one line");

/* Where a key belongs. */
struct spot {
    struct ckf_counter_link *at;
    uintptr_t link; /* what `at` said */
    uint64_t hash;  /* the key's or, where that is re-keyed, SipHash */
    unsigned shift; /* bits of that hash that the tree has not used */
    bool rekeyed;
};

/* --- leaves --- */

static size_t capacity_of(uintptr_t link)
{
    return ckf_leaf_mask(link) + 1;
}

/* Five eighths. */
static size_t limit_of(size_t capacity)
{
    return capacity * 5 / 8;
}

static unsigned bits_for(size_t keys)
{
    unsigned bits = MIN_LEAF_BITS;
    while (limit_of((size_t)1 << bits) < keys)
        bits++;
    return bits;
}

/* Of slots that are no longer empty; behind the slots, away from what finders read. */
static _Atomic(uint32_t) *used_slots(uintptr_t link)
{
    return (_Atomic(uint32_t) *)(void *)&ckf_leaf_slots(link)[capacity_of(link)];
}

/* A leaf or an inner node, zeroed, that a link can lead to; NULL without memory. */
static void *make_node(size_t size)
{
    void *node = ckf_alloc_aligned(size, CKF_ENTRY_ALIGN);
    if (CKF_LIKELY(ckf_address_fits(node)))
        return node;
    ckf_free(node);
    return NULL;
}

/* A link to a new leaf; 0 without memory. */
static uintptr_t make_leaf(unsigned bits, uintptr_t kind)
{
    if (bits > BITS_OF_SLOTS)
        return 0;
    size_t slots = (size_t)1 << bits;
    struct ckf_counter_leaf *leaf =
        make_node(sizeof *leaf + slots * sizeof(uintptr_t) + CKF_ENTRY_ALIGN);
    if (leaf == NULL)
        return 0;
    return (uintptr_t)leaf | kind | (uintptr_t)(slots - 1) << CKF_ADDRESS_BITS;
}

static void free_nodes(uintptr_t link)
{
    if (link == 0)
        return;
    if ((link & CKF_LINK_INNER) != 0) {
        struct inner *inner = ckf_address_in(link);
        for (int i = 0; i < CKF_INDEX_FANOUT; i++)
            free_nodes(load_relaxed(&inner->links[i].word)); /* relaxed: nobody else has it */
    }
    ckf_free(ckf_address_in(link));
}

static void reclaim_leaves(struct ckf_retired *retired)
{
    ckf_section_wait_for_retired();
    for (struct ckf_counter_leaf *leaf = (void *)retired, *next; leaf != NULL; leaf = next) {
        next = leaf->next;
        ckf_free(leaf);
    }
}

static void give_back(struct ckf_counter_index *index, struct ckf_counter_leaf *leaf)
{
    leaf->next = load_relaxed(&index->replaced); /* relaxed: only handed on */
    /* edge leaf-replaced: release; pairs with the acquire below. */
    while (!cas_release(&index->replaced, &leaf->next, leaf))
        ;
    /* relaxed: how many go together is no matter of order */
    if (fetch_add_relaxed(&index->replaced_count, 1) % LEAVES_AT_ONCE != LEAVES_AT_ONCE - 1)
        return;
    /* edge leaf-replaced: acquire; pairs with the release above. */
    struct ckf_counter_leaf *all = exchange_acquire(&index->replaced, NULL);
    if (all == NULL)
        return;
    store_relaxed(&index->has_retired, true); /* relaxed: read by destroy, after all calls */
    ckf_retire(&all->retired, reclaim_leaves);
}

static uint64_t hash_of(const struct ckf_counter_index *index,
                        const struct ckf_counter_entry *entry, bool rekeyed)
{
    return rekeyed ? ckf_siphash13(&index->rekeyed_key, entry->bytes, entry->length) : entry->hash;
}

static uintptr_t slot_of(const struct ckf_counter_entry *entry, uint64_t hash)
{
    return (uintptr_t)entry | (uintptr_t)hash << CKF_ADDRESS_BITS;
}

/* --- finding --- */

static struct spot locate(const struct ckf_counter_index *index, const void *bytes, size_t length,
                          uint64_t hash)
{
    struct spot spot = {.hash = hash, .shift = 64};
    const struct ckf_counter_link *links = index->roots;
    for (;;) {
        spot.shift -= CKF_INDEX_BITS;
        spot.at = (struct ckf_counter_link *)(uintptr_t)&links[spot.hash >> spot.shift &
                                                               (CKF_INDEX_FANOUT - 1)];
        /* edge leaf-published: acquire; pairs with the releases in replace() and plant().
         * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
        spot.link = load_seq_cst(&spot.at->word);
        if ((spot.link & CKF_LINK_REKEYED) != 0 && !spot.rekeyed) {
            spot.rekeyed = true;
            spot.hash = ckf_siphash13(&index->rekeyed_key, bytes, length);
            spot.shift = 64;
        }
        if ((spot.link & CKF_LINK_INNER) == 0)
            return spot;
        links = ((struct inner *)ckf_address_in(spot.link))->links;
    }
}

static bool is_entry_of_key(const struct ckf_counter_entry *entry, const void *key)
{
    return ckf_entry_has_key(entry, *(const struct ckf_counter_key *)key);
}

struct ckf_counter_entry *ckf_counter_index_find(const struct ckf_counter_index *index,
                                                 const struct ckf_counter_key *key)
{
    uint64_t state;
    struct spot spot = locate(index, key->bytes, key->length, key->hash);
    return spot.link != 0 ? ckf_leaf_find(spot.link, spot.hash, is_entry_of_key, key, &state)
                          : NULL;
}

/* --- replacing --- */

/* No entry comes into the slot any more; what is in it. */
static uintptr_t seal(_Atomic(uintptr_t) *slot)
{
    uintptr_t empty = 0;
    /* relaxed, both: only keeps others from filling it */
    if (load_relaxed(slot) == 0)
        (void)cas_relaxed(slot, &empty, CKF_SLOT_SEALED);
    /* edge entry-published: acquire; pairs with the release in put(): who finds the entry by a copy has it from us.
     * edge unlinked-or-copied: seq_cst, for a store->load race: the mark before this. */
    return load_seq_cst(slot);
}

static void seal_all(uintptr_t link)
{
    for (size_t i = 0; i < capacity_of(link); i++)
        (void)seal(&ckf_leaf_slots(link)[i]);
}

/* Calls for each entry of a leaf, with the hash by which its successors know it. */
static bool for_each_in(const struct ckf_counter_index *index, uintptr_t link, bool rekeyed,
                        bool (*each)(struct ckf_counter_entry *entry, uint64_t hash, void *arg),
                        void *arg)
{
    struct ckf_leaf_walk walk;
    ckf_leaf_walk_start(&walk, link);
    for (struct ckf_counter_entry **entries; (entries = ckf_leaf_walk_on(&walk)) != NULL;)
        for (size_t i = 0; i < walk.now; i++)
            /* relaxed: leaving out a dead one is a kindness to the successor */
            if ((load_relaxed(&entries[i]->state) & CKF_ENTRY_DEAD) == 0 &&
                !each(entries[i], hash_of(index, entries[i], rekeyed), arg))
                return false;
    return true;
}

/* A successor in the making: a leaf, or an inner node over some. */
struct successor {
    uintptr_t link, kind;
    unsigned shift; /* of the inner node's links in the hash */
    uint32_t counts[CKF_INDEX_FANOUT];
};

static unsigned child_of(const struct successor *successor, uint64_t hash)
{
    return (unsigned)(hash >> successor->shift) & (CKF_INDEX_FANOUT - 1);
}

static bool count_one(struct ckf_counter_entry *entry, uint64_t hash, void *arg)
{
    struct successor *successor = arg;
    (void)entry;
    successor->counts[child_of(successor, hash)]++;
    return true;
}

static size_t entries_in(uintptr_t link)
{
    size_t entries = 0;
    for (size_t i = 0; i < capacity_of(link); i++)
        /* relaxed: a size to begin with */
        entries += ckf_slot_entry(load_relaxed(&ckf_leaf_slots(link)[i])) != NULL;
    return entries;
}

/* Without a look at the entries. If some child has more than its room, which is twice that, they will be counted. */
static void expect_even_shares(struct successor *successor, size_t entries)
{
    for (int i = 0; i < CKF_INDEX_FANOUT; i++)
        successor->counts[i] = (uint32_t)(entries / CKF_INDEX_FANOUT);
}

static bool make_children(struct successor *successor)
{
    struct inner *inner = make_node(sizeof *inner);
    if (inner == NULL)
        return false;
    successor->link = (uintptr_t)inner | CKF_LINK_INNER | successor->kind;
    for (int i = 0; i < CKF_INDEX_FANOUT; i++) {
        if (successor->counts[i] == 0)
            continue;
        uintptr_t leaf = make_leaf(bits_for(2 * (size_t)successor->counts[i]), successor->kind);
        if (leaf == 0)
            return false;
        store_relaxed(&inner->links[i].word, leaf); /* relaxed: ours alone until it is published */
    }
    return true;
}

/* Into a leaf that nobody else has, in which there is room. */
static inline void put_alone(uintptr_t link, uintptr_t slot, uint64_t hash)
{
    /* relaxed, all of it: ours alone until it is published */
    _Atomic(uintptr_t) *slots = ckf_leaf_slots(link);
    uint64_t mask = ckf_leaf_mask(link), at = hash & mask;
    while (load_relaxed(&slots[at]) != 0)
        at = (at + 1) & mask;
    store_relaxed(&slots[at], slot);
}

static bool copy_one(struct ckf_counter_entry *entry, uint64_t hash, void *arg)
{
    struct successor *successor = arg;
    uintptr_t link = successor->link;
    if ((link & CKF_LINK_INNER) != 0) /* relaxed, as below: ours alone */
        link = load_relaxed(
            &((struct inner *)ckf_address_in(link))->links[child_of(successor, hash)].word);
    if (link == 0)
        return false;
    uint32_t used = load_relaxed(used_slots(link));
    if (used > limit_of(capacity_of(link)))
        return false;
    put_alone(link, slot_of(entry, hash), hash);
    store_relaxed(used_slots(link), used + 1);
    return true;
}

/* Seals the old leaf and copies it, without a look at the entries: their slots have what it takes. False: it is
 * too full. */
static bool copy_slots(uintptr_t old, uintptr_t fresh)
{
    _Atomic(uintptr_t) *from = ckf_leaf_slots(old), *end = from + capacity_of(old);
    uint32_t used = 0, limit = (uint32_t)limit_of(capacity_of(fresh));
    for (; from < end; from++) {
        uintptr_t slot = seal(from);
        if (ckf_slot_entry(slot) == NULL)
            continue;
        if (used++ > limit)
            return false;
        put_alone(fresh, slot, slot >> CKF_ADDRESS_BITS);
    }
    store_relaxed(used_slots(fresh), used); /* relaxed: ours alone until it is published */
    return true;
}

/* Makes a whole copy of the leaf at the spot; false without memory. The leaf is marked and sealed only once
 * there is memory; then more may turn out to be in it than there was at first. */
static bool copy_leaf(struct ckf_counter_index *index, const struct spot *spot, bool rekey,
                      struct successor *successor)
{
    uintptr_t old = spot->link;
    bool is_rekeyed = rekey || spot->rekeyed;
    unsigned shift = rekey && !spot->rekeyed ? 64 : spot->shift;
    for (bool is_first = true;; is_first = false) {
        *successor = (struct successor){.kind = is_rekeyed ? CKF_LINK_REKEYED : 0,
                                        .shift = shift - CKF_INDEX_BITS};
        size_t entries = entries_in(old);
        unsigned bits = bits_for(2 * entries);
        bool splits = bits > MAX_LEAF_BITS && successor->shift >= BITS_OF_SLOTS + CKF_INDEX_BITS;
        bool slots_suffice = !splits && !rekey;
        if (splits && is_first && entries >= MANY_ENTRIES)
            expect_even_shares(successor, entries);
        else if (splits)
            for_each_in(index, old, is_rekeyed, count_one, successor);
        else
            successor->link = make_leaf(bits, successor->kind);
        if (splits ? !make_children(successor) : successor->link == 0) {
            free_nodes(successor->link);
            return false;
        }
        /* edge unlinked-or-copied: seq_cst, for a store->load race: this against the looks at slots that follow. */
        store_seq_cst(ckf_leaf_mark(old), true);
        if (!slots_suffice)
            seal_all(old);
        if (slots_suffice ? copy_slots(old, successor->link)
                          : for_each_in(index, old, is_rekeyed, copy_one, successor))
            return true;
        free_nodes(successor->link);
    }
}

/* Sees to it that the spot's link leads to a successor of what it leads to; false without memory. */
static bool replace(struct ckf_counter_index *index, const struct spot *spot, bool rekey)
{
    struct successor successor;
    /* relaxed: the CAS decides; this spares a copy in vain */
    if (load_relaxed(&spot->at->word) != spot->link)
        return true;
    if (!copy_leaf(index, spot, rekey, &successor))
        return false;
    uintptr_t old = spot->link;
    /* edge leaf-published: release; pairs with the acquires of all who follow links. */
    if (!cas_release(&spot->at->word, &old, successor.link)) {
        free_nodes(successor.link);
        return true;
    }
    if (rekey)
        fetch_add_relaxed(&index->rekeyings, 1); /* relaxed: a number for people */
    give_back(index, ckf_address_in(spot->link));
    return true;
}

/* --- inserting --- */

static bool plant(const struct spot *spot, uintptr_t kind)
{
    uintptr_t nothing = 0, leaf = make_leaf(MIN_LEAF_BITS, kind);
    if (leaf == 0)
        return false;
    /* edge leaf-published: release; pairs with the acquires of all who follow links. */
    if (!cas_release(&spot->at->word, &nothing, leaf))
        free_nodes(leaf);
    return true;
}

struct put {
    struct ckf_counter_entry *there; /* NULL: the leaf has no free slot any more */
    unsigned probes, gone;           /* slots that were passed, and those of them that are GONE */
};

static struct put put(const struct spot *spot, struct ckf_counter_entry *entry,
                      const struct ckf_counter_key *key)
{
    _Atomic(uintptr_t) *slots = ckf_leaf_slots(spot->link);
    uint64_t mask = ckf_leaf_mask(spot->link), at = spot->hash & mask;
    struct put result = {NULL, 0, 0};
    while (result.probes <= mask) {
        /* edge entry-published: acquire; pairs with the release below.
         * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
        uintptr_t slot = load_seq_cst(&slots[at]);
        /* edge entry-published: release; pairs with the acquires of all who look into slots. */
        if (slot == 0 && cas_acq_rel(&slots[at], &slot, slot_of(entry, spot->hash))) {
            result.there = entry;
            return result;
        }
        if (slot == CKF_SLOT_SEALED)
            return result;
        struct ckf_counter_entry *other = ckf_slot_entry_of(slot, spot->hash);
        /* edge entry-dying: acquire; pairs with the release that sets DEAD: who finds the key's next entry sees
         * that a removal was noted. */
        if (other != NULL && ckf_entry_has_key(other, *key) &&
            (load_acquire(&other->state) & CKF_ENTRY_DEAD) == 0) {
            result.there = other;
            return result;
        }
        result.probes++;
        result.gone += ckf_slot_entry(slot) == NULL;
        at = (at + 1) & mask;
    }
    return result;
}

static void look_after(struct ckf_counter_index *index, const struct spot *spot,
                       const struct put *put)
{
    /* relaxed: says when the leaf should be replaced; whether it can is another matter */
    uint32_t used = load_relaxed(used_slots(spot->link)) + 1;
    store_relaxed(used_slots(spot->link), used); /* two at once may count one */
    bool rekey = put->probes - put->gone > MAX_PROBES && !spot->rekeyed;
    if (used >= limit_of(capacity_of(spot->link)) || put->gone > MAX_GONE || rekey)
        (void)replace(index, spot, rekey);
}

struct ckf_counter_entry *ckf_counter_index_insert(struct ckf_counter_index *index,
                                                   struct ckf_counter_entry *entry)
{
    struct ckf_counter_key key = {entry->bytes, entry->length, entry->hash};
    for (;;) {
        struct spot spot = locate(index, key.bytes, key.length, key.hash);
        if (spot.link == 0) {
            if (!plant(&spot, spot.rekeyed ? CKF_LINK_REKEYED : 0))
                return NULL;
            continue;
        }
        struct put result = put(&spot, entry, &key);
        if (result.there == entry)
            look_after(index, &spot, &result);
        if (result.there != NULL)
            return result.there;
        if (!replace(index, &spot, false))
            return NULL;
    }
}

/* --- unlinking --- */

/* True: the entry is in no copy of the leaf either, nor will it be. */
static bool unlink_at(const struct spot *spot, const struct ckf_counter_entry *entry)
{
    _Atomic(uintptr_t) *slots = ckf_leaf_slots(spot->link);
    uint64_t mask = ckf_leaf_mask(spot->link), at = spot->hash & mask;
    for (uint64_t left = mask + 1; left > 0; left--, at = (at + 1) & mask) {
        uintptr_t slot = load_relaxed(&slots[at]); /* relaxed: only compared */
        if (slot <= CKF_SLOT_SEALED)
            break;
        if (ckf_slot_entry(slot) != entry)
            continue;
        /* edge fence-passed: seq_cst, for a store->load race: this against the wait's look.
         * edge unlinked-or-copied: seq_cst, for a store->load race: this against the look at the mark. */
        store_seq_cst(&slots[at], CKF_SLOT_GONE);
        break;
    }
    /* edge unlinked-or-copied: seq_cst, as above */
    return !load_seq_cst(ckf_leaf_mark(spot->link));
}

/* A link past which the entry was left out is seen by the last round, whose seq_cst load of it stands for
 * the store in what is said of the fence. */
void ckf_counter_index_unlink(struct ckf_counter_index *index, struct ckf_fence *fence,
                              struct ckf_counter_entry *entry)
{
    for (unsigned round = 0;; round++) {
        struct ckf_place *place =
            fence != NULL ? ckf_section_begin_behind_by_call(fence) : ckf_section_begin();
        struct spot spot = locate(index, entry->bytes, entry->length, entry->hash);
        bool is_out = spot.link == 0 || unlink_at(&spot, entry);
        bool may_go_on = is_out || replace(index, &spot, false);
        ckf_section_end(place);
        if (is_out)
            return;
        if (!may_go_on)
            ckf_section_pause(round);
    }
}

/* --- visiting --- */

/* Without branches, to which it would be a matter of luck whether a slot has an entry. Empty addresses are
 * not fetched: they are in no page. */
static inline size_t gather(_Atomic(uintptr_t) *slot, struct ckf_counter_entry **entries,
                            size_t count)
{
    /* edge entry-published: acquire; pairs with the release in put().
     * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
    struct ckf_counter_entry *entry = ckf_slot_entry(load_seq_cst(slot));
    entries[count] = entry;
    return count + (entry != NULL);
}

size_t ckf_leaf_gather(struct ckf_leaf_walk *walk, struct ckf_counter_entry **entries)
{
    _Atomic(uintptr_t) *slot = walk->slot, *end = walk->end;
    if (end - slot > CKF_LEAF_GATHERED)
        end = slot + CKF_LEAF_GATHERED;
    size_t count = 0;
    for (; end - slot >= 4; slot += 4) {
        count = gather(slot, entries, count);
        count = gather(slot + 1, entries, count);
        count = gather(slot + 2, entries, count);
        count = gather(slot + 3, entries, count);
    }
    for (; slot < end; slot++)
        count = gather(slot, entries, count);
    walk->slot = end;
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(entries[i]);
    return count;
}

static bool for_each_part_below(struct ckf_counter_link *link,
                                bool (*each)(struct ckf_counter_link *part, void *arg), void *arg)
{
    /* edge leaf-published: acquire; pairs with the release in replace(). Inner nodes stay. */
    uintptr_t word = load_acquire(&link->word);
    if (word == 0)
        return true;
    if ((word & CKF_LINK_INNER) == 0)
        return each(link, arg);
    struct inner *inner = ckf_address_in(word);
    for (int i = 0; i < CKF_INDEX_FANOUT; i++)
        if (!for_each_part_below(&inner->links[i], each, arg))
            return false;
    return true;
}

bool ckf_counter_index_for_each_part(struct ckf_counter_index *index,
                                     bool (*each)(struct ckf_counter_link *part, void *arg),
                                     void *arg)
{
    for (int i = 0; i < CKF_INDEX_FANOUT; i++)
        if (!for_each_part_below(&index->roots[i], each, arg))
            return false;
    return true;
}

void ckf_counter_index_visit_part(struct ckf_counter_link *part, uint32_t but_for,
                                  ckf_counter_entry_visit visit, void *arg)
{
    /* edge leaf-published: acquire; pairs with the releases in replace() and plant().
     * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
    uintptr_t link = load_seq_cst(&part->word);
    if ((link & CKF_LINK_INNER) == 0) {
        if (link != 0)
            ckf_leaf_visit(link, but_for, visit, arg);
        return;
    }
    /* since it was found */
    struct inner *inner = ckf_address_in(link);
    for (int i = 0; i < CKF_INDEX_FANOUT; i++)
        ckf_counter_index_visit_part(&inner->links[i], but_for, visit, arg);
}

/* --- life --- */

void ckf_counter_index_init(struct ckf_counter_index *index)
{
    ckf_hash_key_init(&index->rekeyed_key);
}

bool ckf_counter_index_prepare(struct ckf_counter_index *index, size_t keys)
{
    size_t each = keys / CKF_INDEX_FANOUT;
    if (each < limit_of((size_t)1 << MIN_LEAF_BITS))
        return true;
    each += each / 4; /* they do not spread evenly */
    unsigned bits = bits_for(each) < MAX_LEAF_BITS ? bits_for(each) : MAX_LEAF_BITS;
    for (int i = 0; i < CKF_INDEX_FANOUT; i++) {
        uintptr_t leaf = make_leaf(bits, 0);
        if (leaf == 0)
            return false;
        store_relaxed(&index->roots[i].word, leaf); /* relaxed: nobody else has the index */
    }
    return true;
}

void ckf_counter_index_take_roots(struct ckf_counter_index *index,
                                  struct ckf_counter_link parts[CKF_INDEX_FANOUT])
{
    for (int i = 0; i < CKF_INDEX_FANOUT; i++) {
        /* relaxed: nobody else uses the index */
        atomic_init(&parts[i].word, load_relaxed(&index->roots[i].word));
        store_relaxed(&index->roots[i].word, 0);
    }
}

void ckf_counter_index_free_part(struct ckf_counter_link *part)
{
    free_nodes(load_relaxed(&part->word)); /* relaxed: nobody else has it */
}

void ckf_counter_index_destroy(struct ckf_counter_index *index)
{
    for (int i = 0; i < CKF_INDEX_FANOUT; i++)
        ckf_counter_index_free_part(&index->roots[i]);
    struct ckf_counter_leaf *leaf = load_relaxed(&index->replaced); /* relaxed: likewise */
    for (struct ckf_counter_leaf *next; leaf != NULL; leaf = next) {
        next = leaf->next;
        ckf_free(leaf);
    }
    if (load_relaxed(&index->has_retired)) /* relaxed: nobody else uses the index */
        ckf_wait_for_reclaim();
}
