/* stress/racy/channel_ticket.c - a ring of tickets (Vyukov 2010): a place is claimed by the index and
 * published by its own number, so who stops in between hides what lies behind. */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "channels.h"

struct ticket_cell {
    _Atomic(uint64_t) number; /* t: free for ticket t; t + 1: holds its element */
    uint64_t value;
};

struct ticket_ring {
    _Atomic(uint64_t) tail, head;
    uint64_t places;
    struct ticket_cell cells[];
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    size_t places = channel_places(shape);
    struct ticket_ring *ring = ckf_stress_alloc(sizeof *ring + places * sizeof ring->cells[0]);
    if (ring == NULL)
        return NULL;
    ring->places = places;
    for (size_t i = 0; i < places; i++)
        ring->cells[i].number = i;
    return ring;
}

static enum ckf_status try_send(void *arg, uint64_t value)
{
    struct ticket_ring *ring = arg;
    uint64_t ticket = atomic_load(&ring->tail);
    struct ticket_cell *cell;
    do {
        cell = &ring->cells[ticket % ring->places];
        if (atomic_load(&cell->number) < ticket)
            return CKF_AGAIN;
    } while (atomic_load(&cell->number) > ticket
                 ? (ticket = atomic_load(&ring->tail), true)
                 : !atomic_compare_exchange_strong(&ring->tail, &ticket, ticket + 1));
    ckf_stress_pause(NULL);
    cell->value = value;
    atomic_store(&cell->number, ticket + 1);
    return CKF_OK;
}

static enum ckf_status try_recv(void *arg, uint64_t *value)
{
    struct ticket_ring *ring = arg;
    uint64_t ticket = atomic_load(&ring->head);
    struct ticket_cell *cell;
    do {
        cell = &ring->cells[ticket % ring->places];
        if (atomic_load(&cell->number) <= ticket)
            return CKF_AGAIN;
    } while (atomic_load(&cell->number) > ticket + 1
                 ? (ticket = atomic_load(&ring->head), true)
                 : !atomic_compare_exchange_strong(&ring->head, &ticket, ticket + 1));
    ckf_stress_pause(NULL);
    *value = cell->value;
    atomic_store(&cell->number, ticket + ring->places);
    return CKF_OK;
}

const struct channel_operations racy_ticket_channel = {
    .create = create,
    .destroy = ckf_stress_free,
    .try_send = try_send,
    .try_recv = try_recv,
};
