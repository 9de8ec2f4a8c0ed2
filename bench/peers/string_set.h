/* peers/string_set.h - a set of strings, open addressing, built once and then read: what a program
 * would put behind a lock or an RCU pointer. Not safe against chosen strings. */
#ifndef CKF_BENCH_STRING_SET_H
#define CKF_BENCH_STRING_SET_H

#include <stdlib.h>
#include <string.h>

#include "cases/filter_bodies.h"

struct string_set {
    size_t mask; /* as many slots and one more follow behind it */
};

struct string_set_slot {
    uint32_t tag;           /* the upper half of the hash */
    uint32_t rule;          /* the id that ours have for that pattern */
    struct ckf_record text; /* data NULL: free. The corpus owns the bytes. */
};

static inline struct string_set_slot *string_set_slots(const struct string_set *set)
{
    return (struct string_set_slot *)(uintptr_t)(set + 1);
}

/* Eight bytes at a time: a hash of the kind that a program takes for speed. */
static inline uint64_t string_hash(const void *data, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)data;
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
    size_t size = bench_doubled_to(64, corpus->pattern_count * 2);
    struct string_set *set =
        (struct string_set *)calloc(1, sizeof(*set) + size * sizeof(struct string_set_slot));
    if (set == NULL)
        return NULL;
    set->mask = size - 1;
    struct string_set_slot *slots = string_set_slots(set);
    for (size_t i = 0; i < corpus->pattern_count; i++) {
        const struct ckf_record *text = &corpus->patterns[i];
        uint64_t hash = string_hash(text->data, text->len);
        size_t slot = hash & set->mask;
        while (slots[slot].text.data != NULL)
            slot = (slot + 1) & set->mask;
        slots[slot].tag = (uint32_t)(hash >> 32);
        slots[slot].rule = (uint32_t)i + 1;
        slots[slot].text = *text;
    }
    return set;
}

/* The rule of that text, which has that hash; 0: it is not in the set. */
static inline uint32_t string_set_find(const struct string_set *set, struct ckf_record record,
                                       uint64_t hash)
{
    const struct string_set_slot *slots = string_set_slots(set);
    for (size_t slot = hash & set->mask; slots[slot].text.data != NULL;
         slot = (slot + 1) & set->mask)
        if (slots[slot].tag == (uint32_t)(hash >> 32) && slots[slot].text.len == record.len &&
            memcmp(slots[slot].text.data, record.data, record.len) == 0)
            return slots[slot].rule;
    return 0;
}

static inline bool string_set_has(const struct string_set *set, struct ckf_record record)
{
    return string_set_find(set, record, string_hash(record.data, record.len)) != 0;
}

static inline size_t string_set_count(const struct string_set *set,
                                      const struct ckf_record *records, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += string_set_has(set, records[i]);
    return found;
}

#endif
