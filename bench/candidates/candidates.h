/* candidates/candidates.h - cores that a channel could have had, as contestants: what they share.
 *
 * A candidate is the core alone, values of a word, without sleep, close or events: it writes create(),
 * destroy(), try_push() and try_pop() and ends with CANDIDATE(...). All wait alike, and all stay away
 * for a while after a lost compare-and-swap, as the library does.
 */
#ifndef CKF_BENCH_CANDIDATES_H
#define CKF_BENCH_CANDIDATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "peers/channel_peer.h"
#include "peers/spin.h"

extern const struct bench_contestant candidate_cells, candidate_tickets, candidate_indices,
    candidate_nodes, candidate_arrays;

enum { CANDIDATE_APART = 128 }; /* bytes between words of different writers */
#define CANDIDATE_ALIGNED __attribute__((aligned(CANDIDATE_APART)))

enum { LOST_PAUSES = 100 };

static inline void candidate_lost(void)
{
    for (int i = 0; i < LOST_PAUSES; i++)
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("" : : : "memory");
#endif
}

/* Two words that change together; each can be read alone. */
struct candidate_pair {
    _Alignas(16) _Atomic(uint64_t) low;
    _Atomic(uint64_t) high;
};

__extension__ typedef unsigned __int128 candidate_word __attribute__((may_alias));

static inline bool candidate_pair_cas(struct candidate_pair *pair, uint64_t old_low,
                                      uint64_t old_high, uint64_t low, uint64_t high)
{
    return __sync_bool_compare_and_swap((candidate_word *)(void *)pair,
                                        (candidate_word)old_high << 64 | old_low,
                                        (candidate_word)high << 64 | low);
}

static inline void *candidate_alloc(size_t size)
{
    size = (size + CANDIDATE_APART - 1) / CANDIDATE_APART * CANDIDATE_APART;
    void *memory = aligned_alloc(CANDIDATE_APART, size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

/* struct queue has an atomic_bool closed. */
#define CANDIDATE(symbol, name_, label_, note_)                                                    \
    static bool push(void *queue, uint64_t value)                                                  \
    {                                                                                              \
        for (unsigned spins = 0; !try_push(queue, value);)                                         \
            spin_once(&spins);                                                                     \
        return true;                                                                               \
    }                                                                                              \
    static bool pop(void *argument, uint64_t *value)                                               \
    {                                                                                              \
        struct queue *queue = argument;                                                            \
        for (unsigned spins = 0; !try_pop(queue, value);) {                                        \
            /* After the flag is seen, what was sent before it is there to be found. */            \
            if (atomic_load(&queue->closed))                                                       \
                return try_pop(queue, value);                                                      \
            spin_once(&spins);                                                                     \
        }                                                                                          \
        return true;                                                                               \
    }                                                                                              \
    static void close_queue(void *queue)                                                           \
    {                                                                                              \
        atomic_store(&((struct queue *)queue)->closed, true);                                      \
    }                                                                                              \
    CHANNEL_PEER_BODIES(bodies, push, pop, close_queue);                                           \
    static const struct channel_face face = {.create = create, .destroy = destroy};                \
    const struct bench_contestant symbol = {                                                       \
        .name = (name_), .label = (label_), .note = (note_), .bodies = bodies, .face = &face}

#endif
