/* peers/string_set.h - a set of strings, open addressing, built once and then read: what a program
 * would put behind a lock or an RCU pointer. No hit counts, not safe against chosen strings. */
#ifndef CKF_BENCH_STRING_SET_H
#define CKF_BENCH_STRING_SET_H

#include <stdlib.h>
#include <string.h>

#include "cases/filter_bodies.h"

struct string_set {
    size_t mask;
    struct {
        uint64_t hash;
        struct ckf_record text; /* data NULL: free. The corpus owns the bytes. */
    } slots[];
};

/* Eight bytes at a time: a hash of the kind that a program takes for speed. */
static inline uint64_t string_hash(const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t hash = len, word;
    for (; len >= sizeof(word); len -= sizeof(word), bytes += sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    for (size_t i = 0; i < len; i++)
        word = word << 8 | bytes[i];
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static inline struct string_set *string_set_make(const struct filter_corpus *corpus)
{
    size_t size = 64;
    while (size < corpus->pattern_count * 2)
        size *= 2;
    struct string_set *set = calloc(1, sizeof(*set) + size * sizeof(set->slots[0]));
    if (set == NULL)
        return NULL;
    set->mask = size - 1;
    for (size_t i = 0; i < corpus->pattern_count; i++) {
        const struct ckf_record *text = &corpus->patterns[i];
        uint64_t hash = string_hash(text->data, text->len);
        size_t slot = hash & set->mask;
        while (set->slots[slot].text.data != NULL)
            slot = (slot + 1) & set->mask;
        set->slots[slot].hash = hash;
        set->slots[slot].text = *text;
    }
    return set;
}

static inline bool string_set_has(const struct string_set *set, struct ckf_record record)
{
    uint64_t hash = string_hash(record.data, record.len);
    for (size_t slot = hash & set->mask; set->slots[slot].text.data != NULL;
         slot = (slot + 1) & set->mask)
        if (set->slots[slot].hash == hash && set->slots[slot].text.len == record.len &&
            memcmp(set->slots[slot].text.data, record.data, record.len) == 0)
            return true;
    return false;
}

#endif
