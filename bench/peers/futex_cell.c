/* futex_cell.c - a word and a futex: what waking a sleeping thread costs, and nothing else. */
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"

enum { EMPTY, FULL, CLOSED };

struct cell {
    _Atomic(uint32_t) state;
    uint64_t value;
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

static void *create(size_t capacity)
{
    struct cell *cell = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*cell));
    if (cell == NULL || capacity != 1) {
        free(cell);
        return NULL;
    }
    atomic_init(&cell->state, EMPTY);
    return cell;
}

static void set(struct cell *cell, uint32_t state)
{
    atomic_store_explicit(&cell->state, state, memory_order_release);
    syscall(SYS_futex, &cell->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The other side has taken what was there before: it has answered. */
static bool push(void *argument, uint64_t value)
{
    struct cell *cell = argument;
    cell->value = value;
    set(cell, FULL);
    return true;
}

static bool pop(void *argument, uint64_t *value)
{
    struct cell *cell = argument;
    uint32_t state;
    while ((state = atomic_load_explicit(&cell->state, memory_order_acquire)) == EMPTY)
        syscall(SYS_futex, &cell->state, FUTEX_WAIT_PRIVATE, EMPTY, NULL, NULL, 0);
    if (state == CLOSED)
        return false;
    *value = cell->value;
    atomic_store_explicit(&cell->state, EMPTY, memory_order_relaxed);
    return true;
}

static void close_cell(void *argument)
{
    set(argument, CLOSED);
}

static void ping(struct bench_run *run, void *state)
{
    channel_ping_asleep(run, state, push, pop, close_cell);
}

static void pong(struct bench_run *run, void *state)
{
    channel_pong_asleep(run, state, push, pop);
}

static const bench_body bodies[CHANNEL_ROLES] = {
    [CHANNEL_PING_ASLEEP] = ping, [CHANNEL_PONG_ASLEEP] = pong};
static const struct channel_face face = {.create = create, .destroy = free};

const struct bench_contestant peer_futex_cell = {
    .name = "futex",
    .label = "a word and a futex",
    .note = "a limit: no queue, two threads that answer each other, a system call each time",
    .bodies = bodies,
    .face = &face};
