/* filter/id_index.h - from rule ids to numbers: a small open-addressing table.
 *
 * Belongs to one thread at a time. Reserve first, which can fail; then insert, which cannot.
 */
#ifndef CKF_FILTER_ID_INDEX_H
#define CKF_FILTER_ID_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckf_id_entry {
    uint32_t id; /* 0: free */
    uint32_t value;
};

/* All zeros is an empty index. */
struct ckf_id_index {
    struct ckf_id_entry *entries;
    size_t size; /* a power of two, or 0 */
    size_t used;
    uint64_t seed; /* so that nobody can choose ids that collide */
};

/* Room for `more` ids beyond those in it. False without memory; the index is as before then. */
bool ckf_id_index_reserve(struct ckf_id_index *index, size_t more);

/* id is not 0, not in the index, and has room. */
void ckf_id_index_insert(struct ckf_id_index *index, uint32_t id, uint32_t value);

bool ckf_id_index_find(const struct ckf_id_index *index, uint32_t id, uint32_t *value);

/* Forgets all ids and keeps the room. */
void ckf_id_index_clear(struct ckf_id_index *index);

void ckf_id_index_destroy(struct ckf_id_index *index);

#endif
