/* ck_ring.c - Concurrency Kit's single-producer single-consumer ring: the limit of what can be had.
 *
 * It has neither waiting nor close: both ends spin, and a flag beside it says that no more will
 * come.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_pr.h>
#include <ck_ring.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"

struct spsc {
    ck_ring_t ring;
    atomic_bool closed;
    ck_ring_buffer_t slots[];
};

/* One slot stays empty, so a ring of twice the capacity (a power of two) holds at least that much. */
static void *create(size_t capacity)
{
    size_t size = bench_doubled_to(4, capacity + 1);
    size_t bytes = sizeof(struct spsc) + size * sizeof(ck_ring_buffer_t);
    struct spsc *spsc =
        aligned_alloc(BENCH_CACHELINE_BYTES, (bytes + BENCH_CACHELINE_BYTES - 1) /
                                                 BENCH_CACHELINE_BYTES * BENCH_CACHELINE_BYTES);
    if (spsc == NULL)
        return NULL;
    ck_ring_init(&spsc->ring, (unsigned)size);
    atomic_init(&spsc->closed, false);
    return spsc;
}

static void destroy(void *spsc)
{
    free(spsc);
}

static bool push(void *argument, uint64_t value)
{
    struct spsc *spsc = argument;
    /* Values travel as the ring's pointers; 0 would be NULL, which it takes as well. */
    while (!ck_ring_enqueue_spsc(&spsc->ring, spsc->slots, (void *)(uintptr_t)value))
        ck_pr_stall();
    return true;
}

static bool pop(void *argument, uint64_t *value)
{
    struct spsc *spsc = argument;
    void *pointer;
    while (!ck_ring_dequeue_spsc(&spsc->ring, spsc->slots, &pointer)) {
        /* After the flag is seen, what was sent before it is there to be found. */
        if (atomic_load(&spsc->closed)) {
            if (!ck_ring_dequeue_spsc(&spsc->ring, spsc->slots, &pointer))
                return false;
            break;
        }
        ck_pr_stall();
    }
    *value = (uintptr_t)pointer;
    return true;
}

static void close_ring(void *argument)
{
    struct spsc *spsc = argument;
    atomic_store(&spsc->closed, true);
}

CHANNEL_PEER_BODIES(bodies, push, pop, close_ring);
static const struct channel_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_ck_ring = {.name = "ck_ring",
                                              .label = "Concurrency Kit ck_ring, SPSC",
                                              .note = "a limit: one producer and one consumer, "
                                                      "spins, cannot be closed",
                                              .bodies = bodies,
                                              .face = &face,
                                              .spins = true};
