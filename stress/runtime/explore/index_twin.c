/* explore/index_twin.c - the counter map's index for the explore runtime. Linked instead of
 * counter_map/index.c, whose table is liburcu's and not compiled for it.
 *
 * A list, each operation of which is one step: find, insert, unlink, and each advance of an
 * iteration. Who finds an entry knows what its inserter knew, and nothing more. That liburcu's table
 * is linearizable is taken for granted here; so is its resizing.
 */
#include "engine.h"

#include <stdlib.h>

#include "counter_map/index.h"

/* Links live outside of the entries, in memory that goes with the execution. */
struct node {
    struct ckf_counter_entry *entry;
    struct node *next;           /* linked later */
    const struct ckf_view *view; /* of the inserter */
    bool linked;
};

struct ckf_counter_index {
    struct node *first, *last;
};

static void step(struct ckf_counter_index *index, enum ckf_operation_kind kind, uintptr_t pc)
{
    uintptr_t address = (uintptr_t)index;
    ckf_explore_point(kind, address, 8, 0, pc);
    ckf_explore_shadow_access(address, 8,
                              ACCESS_ATOMIC | (kind == OP_LOAD ? ACCESS_READ : ACCESS_WRITE));
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&ckf_explore_engine.running->op, 0, 0, 0);
}

/* For states.c: the list has changed. */
static void note_change(const struct node *node)
{
    ckf_explore_note_state((uintptr_t)node->entry * 2 + node->linked);
    if (node->linked && node->view != NULL)
        ckf_explore_note_state(node->view->hash);
}

static struct ckf_counter_entry *reach(struct node *node)
{
    if (node->view != NULL)
        ckf_explore_view_acquire(ckf_explore_engine.running, node->view);
    ckf_explore_shadow_access((uintptr_t)node->entry->link, sizeof node->entry->link,
                              ACCESS_ATOMIC | ACCESS_READ);
    return node->entry;
}

struct ckf_counter_index *ckf_counter_index_create(size_t expected_keys)
{
    (void)expected_keys;
    struct ckf_counter_index *index = ckf_explore_heap_allocate(sizeof *index, 16);
    if (index != NULL)
        *index = (struct ckf_counter_index){NULL, NULL};
    return index;
}

void ckf_counter_index_destroy(struct ckf_counter_index *index)
{
    ckf_explore_heap_free(index);
}

static struct node *look_up(const struct ckf_counter_index *index,
                            const struct ckf_counter_key *key)
{
    for (struct node *node = index->first; node != NULL; node = node->next)
        if (node->linked && node->entry->hash == key->hash &&
            ckf_counter_key_equals(key, node->entry->bytes, node->entry->length))
            return node;
    return NULL;
}

struct ckf_counter_entry *ckf_counter_index_find(struct ckf_counter_index *index,
                                                 const struct ckf_counter_key *key)
{
    step(index, OP_LOAD, CALLER);
    struct node *node = look_up(index, key);
    return node == NULL ? NULL : reach(node);
}

struct ckf_counter_entry *ckf_counter_index_insert(struct ckf_counter_index *index,
                                                   struct ckf_counter_entry *entry)
{
    struct ckf_counter_key key = {entry->bytes, entry->length, entry->hash};
    ckf_explore_engine.running->operands[0] = (uintptr_t)entry;
    step(index, OP_RMW, CALLER);
    struct node *there = look_up(index, &key);
    if (there != NULL)
        return reach(there);
    struct node *node = ckf_explore_scratch(sizeof *node);
    *node = (struct node){.entry = entry,
                          .view = ckf_explore_view_release(ckf_explore_engine.running),
                          .linked = true};
    *(index->last != NULL ? &index->last->next : &index->first) = node;
    index->last = node;
    entry->link[0] = node;
    note_change(node);
    return entry;
}

void ckf_counter_index_unlink(struct ckf_counter_index *index, struct ckf_counter_entry *entry)
{
    ckf_explore_engine.running->operands[0] = (uintptr_t)entry;
    step(index, OP_RMW, CALLER);
    struct node *node = entry->link[0];
    node->linked = false;
    note_change(node);
}

static struct node *next_linked(struct node *node)
{
    while (node != NULL && !node->linked)
        node = node->next;
    return node;
}

void ckf_counter_index_for_each(struct ckf_counter_index *index,
                                void (*visit)(struct ckf_counter_entry *entry, void *arg),
                                void *arg)
{
    step(index, OP_LOAD, CALLER);
    for (struct node *node = next_linked(index->first); node != NULL;) {
        visit(reach(node), arg);
        ckf_explore_engine.running->detail = (uintptr_t)node->entry;
        step(index, OP_LOAD, CALLER);
        node = next_linked(node->next);
    }
    ckf_explore_engine.running->detail = 0;
}
