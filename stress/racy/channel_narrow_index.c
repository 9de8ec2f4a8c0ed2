/* stress/racy/channel_narrow_index.c - a ring whose indices are bytes taken modulo a capacity that
 * does not divide 256: at the wrap the ring jumps. */
#include <pthread.h>
#include <stdlib.h>

#include "channels.h"

struct ring {
    pthread_mutex_t lock;
    size_t capacity;
    uint8_t head, tail; /* count up for ever, they think */
    uint64_t slots[];
};

static void *create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    struct ring *ring = calloc(1, sizeof *ring + capacity * sizeof ring->slots[0]);
    if (ring == NULL)
        return NULL;
    pthread_mutex_init(&ring->lock, NULL);
    ring->capacity = capacity;
    return ring;
}

static void destroy(void *arg)
{
    struct ring *ring = arg;
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

static enum ckf_status try_send(void *arg, uint64_t value)
{
    struct ring *ring = arg;
    pthread_mutex_lock(&ring->lock);
    bool room = (uint8_t)(ring->tail - ring->head) < ring->capacity;
    if (room)
        ring->slots[ring->tail++ % ring->capacity] = value;
    pthread_mutex_unlock(&ring->lock);
    return room ? CKF_OK : CKF_AGAIN;
}

static enum ckf_status try_recv(void *arg, uint64_t *value)
{
    struct ring *ring = arg;
    pthread_mutex_lock(&ring->lock);
    bool got = ring->head != ring->tail;
    if (got)
        *value = ring->slots[ring->head++ % ring->capacity];
    pthread_mutex_unlock(&ring->lock);
    return got ? CKF_OK : CKF_AGAIN;
}

const struct channel_operations racy_narrow_index_channel = {
    .create = create, .destroy = destroy, .try_send = try_send, .try_recv = try_recv};
