/* pthread_ring.c - the queue that everybody writes: a mutex, two condition variables, an array.
 *
 * Signals are sent after the unlock and only where somebody waits.
 */
#include <pthread.h>
#include <stdlib.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    size_t capacity, head, count; /* guarded by lock, as is all that follows */
    unsigned receivers_waiting, senders_waiting;
    bool closed;
    uint64_t values[];
};

static void *create(size_t capacity)
{
    struct ring *ring = malloc(sizeof(*ring) + capacity * sizeof(ring->values[0]));
    if (ring == NULL)
        return NULL;
    *ring = (struct ring){.capacity = capacity};
    pthread_mutex_init(&ring->lock, NULL);
    pthread_cond_init(&ring->not_empty, NULL);
    pthread_cond_init(&ring->not_full, NULL);
    return ring;
}

static void destroy(void *argument)
{
    struct ring *ring = argument;
    pthread_cond_destroy(&ring->not_full);
    pthread_cond_destroy(&ring->not_empty);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

static bool push(void *argument, uint64_t value)
{
    struct ring *ring = argument;
    pthread_mutex_lock(&ring->lock);
    while (ring->count == ring->capacity && !ring->closed) {
        ring->senders_waiting++;
        pthread_cond_wait(&ring->not_full, &ring->lock);
        ring->senders_waiting--;
    }
    bool open = !ring->closed, wake = ring->receivers_waiting > 0;
    if (open) {
        size_t tail = ring->head + ring->count++;
        ring->values[tail < ring->capacity ? tail : tail - ring->capacity] = value;
    }
    pthread_mutex_unlock(&ring->lock);
    if (open && wake)
        pthread_cond_signal(&ring->not_empty);
    return open;
}

static bool pop(void *argument, uint64_t *value)
{
    struct ring *ring = argument;
    pthread_mutex_lock(&ring->lock);
    while (ring->count == 0 && !ring->closed) {
        ring->receivers_waiting++;
        pthread_cond_wait(&ring->not_empty, &ring->lock);
        ring->receivers_waiting--;
    }
    bool found = ring->count > 0, wake = ring->senders_waiting > 0;
    if (found) {
        *value = ring->values[ring->head];
        ring->head = ring->head + 1 == ring->capacity ? 0 : ring->head + 1;
        ring->count--;
    }
    pthread_mutex_unlock(&ring->lock);
    if (found && wake)
        pthread_cond_signal(&ring->not_full);
    return found;
}

static void close_ring(void *argument)
{
    struct ring *ring = argument;
    pthread_mutex_lock(&ring->lock);
    ring->closed = true;
    pthread_cond_broadcast(&ring->not_empty);
    pthread_cond_broadcast(&ring->not_full);
    pthread_mutex_unlock(&ring->lock);
}

CHANNEL_PEER_BODIES(bodies, push, pop, close_ring);
static const struct channel_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_pthread_ring = {
    .name = "pthread-ring",
    .label = "hand-written ring, pthread mutex and conditions",
    .note = "no deadlines, no contexts, no select; elements of 8 bytes",
    .bodies = bodies,
    .face = &face,
    .sleeps = true};
