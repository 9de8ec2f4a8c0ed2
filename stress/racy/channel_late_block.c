/* stress/racy/channel_late_block.c - an unbounded channel whose next block is installed at the senders' end
 * first: until it is linked to the last one, receivers find nothing. */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "channels.h"

enum { CELLS = 128 };

struct block {
    _Atomic(struct block *) next;
    _Atomic(uint64_t) sent;
    _Atomic(bool) filled[CELLS];
};

struct block_channel {
    _Atomic(struct block *) tail;
    struct block *head; /* the one receiver's, and so is: */
    uint64_t received;  /* cells of that block */
    _Atomic(bool) closed;
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)shape;
    (void)producers;
    (void)consumers;
    struct block_channel *channel = ckf_stress_alloc(sizeof *channel);
    channel->head = ckf_stress_alloc(sizeof *channel->head);
    atomic_store(&channel->tail, channel->head);
    return channel;
}

/* Senders go on with the new block at once; receivers find it by the old one's link. */
static void install_block(struct block_channel *channel, struct block *full)
{
    struct block *fresh = ckf_stress_alloc(sizeof *fresh), *expected = full;
    if (!atomic_compare_exchange_strong(&channel->tail, &expected, fresh)) {
        ckf_stress_free(fresh);
        return;
    }
    ckf_stress_pause(NULL);
    atomic_store(&full->next, fresh);
}

static enum ckf_status send_into_block(void *arg, uint64_t value)
{
    struct block_channel *channel = arg;
    (void)value;
    if (atomic_load(&channel->closed))
        return CKF_CLOSED;
    for (;;) {
        struct block *block = atomic_load(&channel->tail);
        uint64_t cell = atomic_fetch_add(&block->sent, 1);
        if (cell < CELLS) {
            atomic_store(&block->filled[cell], true);
            return CKF_OK;
        }
        install_block(channel, block);
    }
}

/* False: it seems that all was received. */
static bool find_next(struct block_channel *channel)
{
    if (channel->received == CELLS) {
        struct block *next = atomic_load(&channel->head->next);
        if (next == NULL)
            return false;
        channel->head = next;
        channel->received = 0;
    }
    return atomic_load(&channel->head->filled[channel->received]);
}

static enum ckf_status recv_from_block(void *arg, uint64_t *value)
{
    struct block_channel *channel = arg;
    while (!find_next(channel)) {
        if (atomic_load(&channel->closed) && !find_next(channel))
            return CKF_CLOSED;
        ckf_stress_spin(NULL);
    }
    *value = channel->received++;
    return CKF_OK;
}

static void close_blocks(void *arg)
{
    atomic_store(&((struct block_channel *)arg)->closed, true);
}

static void destroy(void *arg)
{
    ckf_stress_free(arg); /* blocks are taken back with the iteration */
}

const struct channel_operations racy_late_block_channel = {
    .create = create,
    .destroy = destroy,
    .send = send_into_block,
    .recv = recv_from_block,
    .close = close_blocks,
};
