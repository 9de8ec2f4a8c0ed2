/* pipe.c - pipe(2): eight bytes are written and read whole, closing the write end ends the readers.
 *
 * A pipe holds pages rather than elements; it is asked for the capacity in bytes and has at least a
 * page.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases/channel_bodies.h"
#include "peers/peers.h"

struct pipe_pair {
    int read_end, write_end;
};

static void *create(size_t capacity)
{
    struct pipe_pair *pair = malloc(sizeof(*pair));
    int ends[2];
    if (pair == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        free(pair);
        return NULL;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, (int)(capacity * sizeof(uint64_t)));
    *pair = (struct pipe_pair){.read_end = ends[0], .write_end = ends[1]};
    return pair;
}

static void close_pipe(void *argument)
{
    struct pipe_pair *pair = argument;
    close(pair->write_end);
    pair->write_end = -1;
}

static void destroy(void *argument)
{
    struct pipe_pair *pair = argument;
    if (pair->write_end >= 0)
        close(pair->write_end);
    close(pair->read_end);
    free(pair);
}

static bool push(void *argument, uint64_t value)
{
    struct pipe_pair *pair = argument;
    return write(pair->write_end, &value, sizeof(value)) == sizeof(value);
}

static bool pop(void *argument, uint64_t *value)
{
    struct pipe_pair *pair = argument;
    return read(pair->read_end, value, sizeof(*value)) == sizeof(*value);
}

static void pair(struct bench_run *run, void *state)
{
    channel_pair(run, state, push, pop);
}

static void producer(struct bench_run *run, void *state)
{
    channel_producer(run, state, push, close_pipe);
}

static void consumer(struct bench_run *run, void *state)
{
    channel_consumer(run, state, pop);
}

static const bench_body bodies[CHANNEL_ROLES] = {
    [CHANNEL_PAIR] = pair, [CHANNEL_PRODUCER] = producer, [CHANNEL_CONSUMER] = consumer};
static const struct channel_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_pipe = {.name = "pipe",
                                           .label = "pipe(2), a value a system call",
                                           .note = "in the kernel; capacity in pages",
                                           .bodies = bodies,
                                           .face = &face,
                                           .sleeps = true};
