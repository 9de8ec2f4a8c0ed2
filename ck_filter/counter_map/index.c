/* counter_map/index.c - an index on liburcu's lock-free hash table.
 *
 * cds_lfht keeps all nodes in one list in the order of their reversed hashes, with buckets as
 * short cuts into it (Shalev, Shavit: "Split-Ordered Lists", J. ACM 2006), so growth moves no node
 * and an iteration meets no node twice. add_unique puts a node before all others of its hash, so
 * neither does it meet a key again that was removed and made anew.
 *
 * Roles:      any thread finds, links and unlinks; one worker thread of liburcu resizes.
 * Memory:     buckets are liburcu's, from the C library; it aborts if they cannot be had.
 * Teardown:   destroy waits for a resize that is under way, which itself waits for grace periods:
 *             hence not inside a section.
 *
 * ThreadSanitizer cannot see how liburcu publishes a node, so readers take the entry's own edge:
 * they load `state`, which the maker stored with release before it linked the entry. Nor can it see
 * how liburcu hands blocks that it allocates to its worker, so it is told to pass over what calls
 * that may allocate or free do on this thread.
 */
#include "counter_map/index.h"

#include <urcu/rculfhash.h>

#include "base/backoff.h"
#include "base/memory.h"

_Static_assert(sizeof(struct cds_lfht_node) == sizeof(((struct ckf_counter_entry *)0)->link),
               "an entry has room for liburcu's node");

struct ckf_counter_index {
    struct cds_lfht *table;
};

#ifdef CKF_INSTRUMENTED
/* Weak: a runtime other than ThreadSanitizer's may not have them. */
__attribute__((weak)) void __tsan_ignore_thread_begin(void);
__attribute__((weak)) void __tsan_ignore_thread_end(void);

static void enter_liburcu(void)
{
    if (__tsan_ignore_thread_begin != NULL)
        __tsan_ignore_thread_begin();
}

static void leave_liburcu(void)
{
    if (__tsan_ignore_thread_end != NULL)
        __tsan_ignore_thread_end();
}
#else
static inline void enter_liburcu(void)
{
}

static inline void leave_liburcu(void)
{
}
#endif

enum { MIN_BUCKETS = 64, MAX_INITIAL_BUCKETS = 1 << 20 };

static struct cds_lfht_node *node_of(struct ckf_counter_entry *entry)
{
    return (struct cds_lfht_node *)(void *)entry->link;
}

static struct ckf_counter_entry *entry_of(struct cds_lfht_node *node)
{
    char *address = (char *)node - offsetof(struct ckf_counter_entry, link);
    struct ckf_counter_entry *entry = (struct ckf_counter_entry *)(void *)address;
    /* edge entry-published: acquire; pairs with the release in make_entry(). */
    (void)load_acquire(&entry->state);
    return entry;
}

struct ckf_counter_index *ckf_counter_index_create(size_t expected_keys)
{
    size_t buckets = MIN_BUCKETS;
    while (buckets < expected_keys && buckets < MAX_INITIAL_BUCKETS)
        buckets *= 2;
    struct ckf_counter_index *index = ckf_alloc(sizeof *index);
    if (index == NULL)
        return NULL;
    enter_liburcu();
    index->table =
        cds_lfht_new_flavor(buckets, MIN_BUCKETS, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING,
                            ckf_reclaim_flavor(), NULL);
    leave_liburcu();
    if (index->table == NULL) {
        ckf_free(index);
        return NULL;
    }
    return index;
}

void ckf_counter_index_destroy(struct ckf_counter_index *index)
{
    enter_liburcu();
    cds_lfht_destroy(index->table, NULL);
    leave_liburcu();
    ckf_free(index);
}

static int has_key(struct cds_lfht_node *node, const void *key)
{
    const struct ckf_counter_entry *entry = entry_of(node);
    return ckf_counter_key_equals(key, entry->bytes, entry->length);
}

struct ckf_counter_entry *ckf_counter_index_find(struct ckf_counter_index *index,
                                                 const struct ckf_counter_key *key)
{
    struct cds_lfht_iter at;
    cds_lfht_lookup(index->table, key->hash, has_key, key, &at);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&at);
    return node == NULL ? NULL : entry_of(node);
}

struct ckf_counter_entry *ckf_counter_index_insert(struct ckf_counter_index *index,
                                                   struct ckf_counter_entry *entry)
{
    struct ckf_counter_key key = {entry->bytes, entry->length, entry->hash};
    enter_liburcu();
    struct cds_lfht_node *there =
        cds_lfht_add_unique(index->table, entry->hash, has_key, &key, node_of(entry));
    leave_liburcu();
    return entry_of(there);
}

void ckf_counter_index_unlink(struct ckf_counter_index *index, struct ckf_counter_entry *entry)
{
    enter_liburcu();
    cds_lfht_del(index->table, node_of(entry)); /* fails if it was unlinked: as well */
    leave_liburcu();
}

void ckf_counter_index_for_each(struct ckf_counter_index *index,
                                void (*visit)(struct ckf_counter_entry *entry, void *arg),
                                void *arg)
{
    struct cds_lfht_iter at;
    struct cds_lfht_node *node;
    cds_lfht_first(index->table, &at);
    while ((node = cds_lfht_iter_get_node(&at)) != NULL) {
        visit(entry_of(node), arg);
        cds_lfht_next(index->table, &at);
    }
}
