/* stress/racy/channel_early_publish.c - a ring whose index says that an element is there before it is:
 * "reserve, then fill", without a word of its own for "filled". */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "channels.h"

enum { SLOTS = 8 };

struct early_ring {
    _Atomic(uint64_t) sent;
    _Atomic(bool) closed;
    uint64_t received; /* the one receiver's */
    uint64_t slots[SLOTS];
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)shape;
    (void)producers;
    (void)consumers;
    return ckf_stress_alloc(sizeof(struct early_ring));
}

static enum ckf_status send_early(void *arg, uint64_t value)
{
    struct early_ring *ring = arg;
    uint64_t ticket = atomic_fetch_add(&ring->sent, 1);
    ckf_stress_pause(NULL);
    ring->slots[ticket % SLOTS] = value;
    return CKF_OK;
}

static enum ckf_status recv_published(void *arg, uint64_t *value)
{
    struct early_ring *ring = arg;
    while (atomic_load(&ring->sent) == ring->received) {
        if (atomic_load(&ring->closed) && atomic_load(&ring->sent) == ring->received)
            return CKF_CLOSED;
        ckf_stress_spin(NULL);
    }
    *value = ring->slots[ring->received++ % SLOTS];
    return CKF_OK;
}

static void close_ring(void *arg)
{
    atomic_store(&((struct early_ring *)arg)->closed, true);
}

const struct channel_operations racy_early_publish_channel = {
    .create = create,
    .destroy = ckf_stress_free,
    .send = send_early,
    .recv = recv_published,
    .close = close_ring,
};
