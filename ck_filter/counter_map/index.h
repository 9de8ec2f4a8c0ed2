/* counter_map/index.h - from keys to entries, for any number of threads at once.
 *
 * Everything here but init, destroy and unlink runs inside a section (sync/section), which keeps the
 * entries that it finds in memory. Entries belong to the map: the index links and unlinks them.
 */
#ifndef CKF_COUNTER_MAP_INDEX_H
#define CKF_COUNTER_MAP_INDEX_H

#include "base/cacheline.h"
#include "base/check.h"
#include "base/effort.h"
#include "counter_map/entry.h"
#include "sync/section.h"

/* A word that leads on (a place in the tree): 0, or the address of a leaf or of an inner node, with
 * its kind in the low bits; of a leaf with the mask of its slots at the top. */
struct ckf_counter_link {
    _Atomic(uintptr_t) word;
};

enum {
    CKF_INDEX_BITS = 6, /* of the hash, that a level of the tree takes */
    CKF_INDEX_FANOUT = 1 << CKF_INDEX_BITS,
    /* In a link: */
    CKF_LINK_INNER = 1,
    CKF_LINK_REKEYED = 2, /* there and below SipHash takes the place of the keys' hashes */
    CKF_LINK_KINDS = 3,
    CKF_LEAF_GATHERED = CKF_SIZE(64, 1), /* slots that are looked through at once */
    /* In a slot of a leaf, which is 0 or an entry's address below bits of its hash: */
    CKF_SLOT_SEALED = 1,     /* empty for ever: the leaf is being replaced */
    CKF_SLOT_GONE = 2,       /* without an address: an entry was here */
    CKF_SLOT_HASH_BITS = 16, /* the lowest ones */
    /* Of links and slots, what stands above an address: */
    CKF_ADDRESS_BITS = 64 - CKF_SLOT_HASH_BITS
};

/* The first line of a leaf; the slots stand behind it. */
struct ckf_counter_leaf {
    alignas(CKF_ENTRY_ALIGN) struct ckf_retired retired;
    struct ckf_counter_leaf *next; /* of the replaced ones */
    _Atomic(bool) mark;            /* it is being replaced, or has been */
};

struct ckf_counter_index {
    CKF_CACHELINE_ALIGNED struct ckf_counter_link roots[CKF_INDEX_FANOUT];
    struct ckf_hash_key rekeyed_key;
    /* Leaves that were replaced and wait to be given back, many at a time. */
    CKF_CACHELINE_ALIGNED _Atomic(struct ckf_counter_leaf *) replaced;
    _Atomic(uint32_t) replaced_count;
    _Atomic(uint32_t) rekeyings;
    _Atomic(bool) has_retired; /* destroy waits for them */
};

void ckf_counter_index_init(struct ckf_counter_index *index);
/* Of an index that nobody uses, without its entries. Not inside a section. */
void ckf_counter_index_destroy(struct ckf_counter_index *index);
/* Makes room for so many keys, as far as memory goes; before anybody uses the index. False without
 * memory. */
bool ckf_counter_index_prepare(struct ckf_counter_index *index, size_t keys);

/* The key's entry, or NULL. Wait-free. */
struct ckf_counter_entry *ckf_counter_index_find(const struct ckf_counter_index *index,
                                                 const struct ckf_counter_key *key);

static inline uint64_t ckf_leaf_mask(uintptr_t link)
{
    return link >> CKF_ADDRESS_BITS;
}

/* User space lies below 2^47 or 2^48 on all machines, unless somebody asks for more. */
static inline bool ckf_address_fits(const void *address)
{
    return (uintptr_t)address >> CKF_ADDRESS_BITS == 0;
}

/* Of a link or a slot; NULL: it has none. */
static inline void *ckf_address_in(uintptr_t word)
{
    return (void *)(word & ((UINT64_C(1) << CKF_ADDRESS_BITS) - CKF_ENTRY_ALIGN));
}

static inline _Atomic(bool) *ckf_leaf_mark(uintptr_t link)
{
    return &((struct ckf_counter_leaf *)ckf_address_in(link))->mark;
}

static inline _Atomic(uintptr_t) *ckf_leaf_slots(uintptr_t link)
{
    return (_Atomic(uintptr_t) *)(void *)((char *)ckf_address_in(link) + CKF_ENTRY_ALIGN);
}

static inline struct ckf_counter_entry *ckf_slot_entry(uintptr_t slot)
{
    return (struct ckf_counter_entry *)ckf_address_in(slot);
}

/* The entry, if there is one whose hash has the same bits there. */
static inline struct ckf_counter_entry *ckf_slot_entry_of(uintptr_t slot, uint64_t hash)
{
    uintptr_t address = slot ^ hash << CKF_ADDRESS_BITS;
    return address >> CKF_ADDRESS_BITS == 0
               ? (struct ckf_counter_entry *)(address & ~(uintptr_t)(CKF_ENTRY_ALIGN - 1))
               : NULL;
}

/* What a finder looks for: is this entry the key's? */
typedef bool (*ckf_counter_entry_test)(const struct ckf_counter_entry *entry, const void *key);

static inline bool ckf_is_entry_of_short_key(const struct ckf_counter_entry *entry, const void *key)
{
    return ckf_entry_has_short_key(entry, *(const struct ckf_short_key *)key);
}

enum { CKF_ENTRY_UNFOUND = CKF_ENTRY_DEAD | CKF_ENTRY_PENDING }; /* what finders do not find */

/* Looks through a leaf for the key's entry, and says in which state it was found. That of a leaf which is
 * being replaced, or has been since it was looked up, tells as much: had the key an entry then, it was here. */
CKF_ALWAYS_INLINE struct ckf_counter_entry *ckf_leaf_find(uintptr_t link, uint64_t hash,
                                                          ckf_counter_entry_test is_of,
                                                          const void *key, uint64_t *state)
{
    _Atomic(uintptr_t) *slots = ckf_leaf_slots(link);
    uint64_t mask = ckf_leaf_mask(link), first = hash & mask, at = first;
    do {
        /* edge entry-published: acquire; pairs with the release in index.c, put().
         * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
        uintptr_t slot = load_seq_cst(&slots[at]);
        if (slot <= CKF_SLOT_SEALED)
            return NULL;
        struct ckf_counter_entry *entry = ckf_slot_entry_of(slot, hash);
        if (entry != NULL && is_of(entry, key)) {
            /* edge entry-promoted: acquire; pairs with the release in count.c, promote(). */
            *state = load_acquire(&entry->state);
            if (CKF_LIKELY((*state & CKF_ENTRY_UNFOUND) == 0))
                return entry;
        }
        at = (at + 1) & mask;
    } while (at != first);
    return NULL;
}

/* The same in the index; or NULL, and *unsure, where keys have been hashed anew. For who has loaded the fronts'
 * tag in this section: a tag from before a removal is as good as a link from before it, and who has the tag of
 * the removal sees what that left out. */
CKF_ALWAYS_INLINE struct ckf_counter_entry *ckf_counter_index_find_quickly(
    struct ckf_counter_index *index, uint64_t hash, ckf_counter_entry_test is_of, const void *key,
    uint64_t *state, bool *unsure)
{
    enum { SHIFT = 64 - CKF_INDEX_BITS };
    uint64_t left = hash;
    *unsure = true;
    /* edge leaf-published: acquire; pairs with the releases in index.c, replace() and plant(). */
    uintptr_t link = load_acquire(&index->roots[left >> SHIFT].word);
    while (CKF_LIKELY((link & CKF_LINK_KINDS) != 0)) {
        if (CKF_UNLIKELY((link & CKF_LINK_REKEYED) != 0))
            return NULL;
        struct ckf_counter_link *links = (void *)(link - CKF_LINK_INNER);
        left <<= CKF_INDEX_BITS;
        /* edge leaf-published: acquire, as above */
        link = load_acquire(&links[left >> SHIFT].word);
    }
    *unsure = false;
    if (CKF_UNLIKELY(link == 0))
        return NULL;
    return ckf_leaf_find(link, hash, is_of, key, state);
}

/* Links the entry, whose hash and key are set, unless its key has one that is not dead: returns the
 * entry that is there, which may be pending. Lock-free, as far as the allocator is. NULL without
 * memory. */
struct ckf_counter_entry *ckf_counter_index_insert(struct ckf_counter_index *index,
                                                   struct ckf_counter_entry *entry);

/* Makes sure that the entry, which is dead, is not linked any more. Not inside a section: may wait
 * for a leaf that another thread is replacing. The fence is the map's; NULL: the caller keeps off whoever takes
 * entries out and waits behind it. */
void ckf_counter_index_unlink(struct ckf_counter_index *index, struct ckf_fence *fence,
                              struct ckf_counter_entry *entry);

typedef void (*ckf_counter_entry_visit)(struct ckf_counter_entry *entry, void *arg);

/* Calls for each link that leads to keys, outside of sections, until a call says false. What it leads
 * to is the same part of all keys for ever. False: stopped. */
bool ckf_counter_index_for_each_part(struct ckf_counter_index *index,
                                     bool (*each)(struct ckf_counter_link *part, void *arg),
                                     void *arg);

/* Of an index that nobody else uses: it is empty afterwards, and the parts are the caller's, to be visited and
 * freed, without the entries. */
void ckf_counter_index_take_roots(struct ckf_counter_index *index,
                                  struct ckf_counter_link parts[CKF_INDEX_FANOUT]);
void ckf_counter_index_free_part(struct ckf_counter_link *part);

/* Visits each entry of the part whose state has none of these flags; one for which that is true
 * throughout, once. Inside a section. */
void ckf_counter_index_visit_part(struct ckf_counter_link *part, uint32_t but_for,
                                  ckf_counter_entry_visit visit, void *arg);

/* The entries of a leaf, some at a time: `now` to be looked at, while `next` are fetched. */
struct ckf_leaf_walk {
    _Atomic(uintptr_t) *slot, *end;
    size_t now, next; /* entries in each half */
    struct ckf_counter_entry *entries[2][CKF_LEAF_GATHERED];
    unsigned half; /* that is `now` */
};

/* Those of the next slots; how many. */
size_t ckf_leaf_gather(struct ckf_leaf_walk *walk, struct ckf_counter_entry **entries);

static inline void ckf_leaf_walk_start(struct ckf_leaf_walk *walk, uintptr_t link)
{
    walk->slot = ckf_leaf_slots(link);
    walk->end = walk->slot + ckf_leaf_mask(link) + 1;
    walk->half = 1;
    walk->next = ckf_leaf_gather(walk, walk->entries[0]);
}

/* The next entries, walk->now of them; NULL at the end. */
static inline struct ckf_counter_entry **ckf_leaf_walk_on(struct ckf_leaf_walk *walk)
{
    do {
        walk->half ^= 1;
        walk->now = walk->next;
        if (walk->now == 0 && walk->slot == walk->end)
            return NULL;
        walk->next = ckf_leaf_gather(walk, walk->entries[walk->half ^ 1]);
    } while (walk->now == 0);
    return walk->entries[walk->half];
}

/* The same for one leaf, inlined with its visitor. */
CKF_ALWAYS_INLINE void ckf_leaf_visit(uintptr_t link, uint32_t but_for,
                                      ckf_counter_entry_visit visit, void *arg)
{
    struct ckf_leaf_walk walk;
    ckf_leaf_walk_start(&walk, link);
    for (struct ckf_counter_entry **entries; (entries = ckf_leaf_walk_on(&walk)) != NULL;)
        for (size_t i = 0; i < walk.now; i++)
            /* relaxed: says what becomes of the entry, no more */
            if (CKF_LIKELY((load_relaxed(&entries[i]->state) & but_for) == 0))
                visit(entries[i], arg);
}

#endif
