/* stress/racy/channel_promised.c - a ring for one sender and one receiver, with plain stores, and a flag
 * beside it that says "closed": the sender looks at it first, and sends afterwards. */
#include <ck_filter/stress.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "channels.h"

struct ring {
    size_t capacity;
    atomic_size_t head, tail; /* the receiver's, the sender's */
    atomic_bool closed;
    uint64_t slots[];
};

static void *create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    if (capacity > 8)
        capacity = 8; /* unbounded, they think */
    struct ring *ring = calloc(1, sizeof *ring + capacity * sizeof ring->slots[0]);
    if (ring != NULL)
        ring->capacity = capacity;
    return ring;
}

static void destroy(void *ring)
{
    free(ring);
}

static enum ckf_status send_value(void *arg, uint64_t value)
{
    struct ring *ring = arg;
    if (atomic_load(&ring->closed))
        return CKF_CLOSED;
    size_t tail = atomic_load(&ring->tail);
    while (tail - atomic_load(&ring->head) == ring->capacity) {
        if (atomic_load(&ring->closed))
            return CKF_CLOSED;
        sched_yield();
    }
    ring->slots[tail % ring->capacity] = value;
    atomic_store(&ring->tail, tail + 1);
    return CKF_OK;
}

static enum ckf_status send_two(void *ring, const uint64_t values[2], size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < 2 && status == CKF_OK; *done += status == CKF_OK)
        status = send_value(ring, values[*done]);
    return *done > 0 ? CKF_OK : status;
}

static enum ckf_status recv_value(void *arg, uint64_t *value)
{
    struct ring *ring = arg;
    size_t head = atomic_load(&ring->head);
    while (head == atomic_load(&ring->tail)) {
        if (atomic_load(&ring->closed) && head == atomic_load(&ring->tail))
            return CKF_CLOSED;
        sched_yield();
    }
    *value = ring->slots[head % ring->capacity];
    atomic_store(&ring->head, head + 1);
    return CKF_OK;
}

static void close_ring(void *arg)
{
    atomic_store(&((struct ring *)arg)->closed, true);
}

const struct channel_operations racy_promised_channel = {.create = create,
                                                         .destroy = destroy,
                                                         .send = send_value,
                                                         .send_two = send_two,
                                                         .recv = recv_value,
                                                         .close = close_ring};
