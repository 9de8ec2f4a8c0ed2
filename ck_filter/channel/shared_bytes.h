/* channel/shared_bytes.h - elements that a receiver reads before it knows whether they are its own.
 *
 * A receiver copies an element out and then takes it. If others were quicker, a sender may be writing
 * the next element over it meanwhile: so the bytes are shared word by word, and what was read counts
 * only if the taking succeeds.
 */
#ifndef CKF_CHANNEL_SHARED_BYTES_H
#define CKF_CHANNEL_SHARED_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/atomics.h"
#include "base/backoff.h" /* CKF_INSTRUMENTED */
#include "base/doubling.h"
#include "base/poison.h" /* CKF_CAN_POISON */
#include "channel/core.h"

/* The block whose address a cell holds. */
static inline _Atomic(uint64_t) *ckf_block_of(uint64_t word)
{
    return (_Atomic(uint64_t) *)(uintptr_t)word;
}

/* Words for an element of that size. */
static inline size_t ckf_words_for(size_t elem_size)
{
    return (elem_size + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

/* Bytes for an element, such that small ones do not lie across two lines, and large ones begin with
 * one. */
static inline size_t ckf_stride_for(size_t elem_size)
{
    enum { LINE = 64 };
    return elem_size > LINE ? (elem_size + LINE - 1) / LINE * LINE
                            : ckf_doubled_to(sizeof(uint64_t), elem_size);
}

/* Word by word is what C has for bytes that change meanwhile, and what tools can watch. A string
 * instruction does the same quicker from some hundred bytes on: to the compiler it is a black box, and the
 * processor keeps it before later stores and before the CAS that follows. */
enum { CKF_LONG_BYTES = 256 };
#if defined(__x86_64__) && !defined(CKF_INSTRUMENTED) && !defined(CKF_CAN_POISON)
#define CKF_COPIES_BY_STRING 1
#else
#define CKF_COPIES_BY_STRING 0
#endif

static inline void ckf_copy_by_string(void *to, const void *from, size_t size)
{
#if CKF_COPIES_BY_STRING
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
#else
    (void)to, (void)from, (void)size;
#endif
}

static inline void ckf_bytes_write(_Atomic(uint64_t) *words, const void *elem, size_t elem_size)
{
    const unsigned char *bytes = elem;
    uint64_t word;
    if (CKF_COPIES_BY_STRING && elem_size >= CKF_LONG_BYTES) {
        ckf_copy_by_string((void *)words, elem, elem_size);
        return;
    }
    /* relaxed, all: published by who makes the element reachable */
    for (; elem_size >= sizeof word; elem_size -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        store_relaxed(words++, word);
    }
    if (elem_size > 0) {
        word = 0;
        memcpy(&word, bytes, elem_size);
        store_relaxed(words, word);
    }
}

static inline void ckf_bytes_read(uint64_t *copy, const _Atomic(uint64_t) *words, size_t count)
{
    if (CKF_COPIES_BY_STRING && count * sizeof *copy >= CKF_LONG_BYTES) {
        ckf_copy_by_string(copy, (const void *)words, count * sizeof *copy);
        return;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = load_relaxed(&words[i]); /* relaxed: acquired with the cell; see above */
}

/* Reads the nth element before it is certain whose it will be: the word of its cell, or the words_each of
 * its block. copy NULL: nobody wants it. */
CKF_ALWAYS_INLINE void ckf_read_ahead(uint64_t *copy, size_t nth, uint64_t word, bool in_blocks,
                                      size_t words_each)
{
    if (copy == NULL)
        return;
    if (in_blocks)
        ckf_bytes_read(copy + nth * words_each, ckf_block_of(word), words_each);
    else
        copy[nth] = word;
}

/* Room for what a receiver reads: one of the largest elements, or several. */
struct ckf_copies {
    uint64_t words[CKF_MAX_ELEM_SIZE / sizeof(uint64_t)];
};

/* How many of `count` elements one receive may copy. */
static inline size_t ckf_copies_fit(size_t words_each, size_t count)
{
    size_t fit = sizeof(struct ckf_copies) / sizeof(uint64_t) / words_each;
    if (fit > CKF_RUN)
        fit = CKF_RUN;
    return count < fit ? count : fit;
}

static inline void ckf_copies_to(unsigned char *elems, const struct ckf_copies *copies,
                                 size_t count, size_t elem_size)
{
    size_t words_each = ckf_words_for(elem_size);
    for (size_t i = 0; i < count; i++)
        memcpy(elems + i * elem_size, copies->words + i * words_each, elem_size);
}

#endif
