/* tests/orders/channels.c - channels in the states in which scenes begin, and the simplest actors. */
#include "channels.h"

#include "sync/per_thread.h"

struct ckf_channel *make(struct ckf_stress_run *run, size_t capacity, size_t elem_size)
{
    struct ckf_channel *channel = NULL;
    struct ckf_channel_options options = {
        .variant = variant_of(run), .capacity = capacity, .elem_size = elem_size};
    expect(run, ckf_channel_create(&channel, &options) == CKF_OK);
    return channel;
}

struct ckf_channel *make_promised(struct ckf_stress_run *run, size_t capacity, unsigned promises)
{
    struct ckf_channel *channel = NULL;
    struct ckf_channel_options options = {.variant = variant_of(run),
                                          .capacity = capacity,
                                          .elem_size = sizeof(uint64_t),
                                          .flags = promises};
    expect(run, ckf_channel_create(&channel, &options) == CKF_OK);
    return channel;
}

enum ckf_status put(struct ckf_channel *channel, uint64_t value)
{
    return ckf_channel_try_send(channel, &(struct element){{value, value, value}});
}

enum ckf_status take(struct ckf_channel *channel, uint64_t *value)
{
    struct element element = {{0}};
    enum ckf_status status = ckf_channel_try_recv(channel, &element);
    *value = element.words[0];
    return status;
}

size_t receive_from_either(struct ckf_stress_run *run, struct state *s, int64_t deadline_ns)
{
    uint64_t value;
    size_t chosen;
    struct ckf_select_case cases[2] = {
        {.channel = s->first, .direction = CKF_RECV, .elem = &value},
        {.channel = s->second, .direction = CKF_RECV, .elem = &value}};
    enum ckf_status status = ckf_select(cases, 2, &chosen, deadline_ns, NULL);
    expect(run, (status == CKF_OK) == (chosen < 2));
    return chosen;
}

void send_one(struct ckf_stress_run *run, struct ckf_channel *channel, uint64_t value)
{
    expect(run, ckf_channel_send(channel, &(struct element){{value, value, value}}) == CKF_OK);
}

uint64_t recv_one(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    struct element element = {{0}};
    expect(run, ckf_channel_recv(channel, &element) == CKF_OK);
    return element.words[0];
}

void put_some(struct ckf_stress_run *run, struct ckf_channel *channel, size_t count)
{
    static const uint64_t elems[CELLS];
    size_t done;
    enum ckf_status status = ckf_channel_send_many(channel, elems, count, &done, CKF_NOW, NULL);
    expect(run, status == CKF_OK || status == CKF_CLOSED);
}

void use_cells(struct ckf_stress_run *run, struct ckf_channel *channel, unsigned cell)
{
    uint64_t value;
    for (unsigned i = 0; i < cell; i++)
        expect(run, put(channel, i) == CKF_OK && take(channel, &value) == CKF_OK);
}

void two_buffered(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 2, 8);
    s->second = make(run, 2, 8);
}

void empty_rendezvous(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 0, 8);
}

void empty_ring(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 2, 8);
}

void full_ring(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 2, 8);
    expect(run, put(s->first, 1) == CKF_OK && put(s->first, 2) == CKF_OK);
}

void empty_segments(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, CKF_UNBOUNDED, 8);
}

void full_segment(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    use_cells(run, ((struct state *)state)->first, CELLS);
}

void put_first(struct ckf_stress_run *run, void *state)
{
    expect(run, put(((struct state *)state)->first, 1) == CKF_OK);
}

void put_two(struct ckf_stress_run *run, void *state)
{
    put_some(run, ((struct state *)state)->first, 2);
}

void take_first(struct ckf_stress_run *run, void *state)
{
    uint64_t value;
    expect(run, take(((struct state *)state)->first, &value) == CKF_OK);
}

void try_first(struct ckf_stress_run *run, void *state)
{
    uint64_t value;
    enum ckf_status status = take(((struct state *)state)->first, &value);
    expect(run, status == CKF_OK || status == CKF_AGAIN);
}

void try_twice(struct ckf_stress_run *run, void *state)
{
    try_first(run, state);
    try_first(run, state);
}

void send_first(struct ckf_stress_run *run, void *state)
{
    send_one(run, ((struct state *)state)->first, 3);
}

void receive_first(struct ckf_stress_run *run, void *state)
{
    recv_one(run, ((struct state *)state)->first);
}

void send_quickly(struct ckf_stress_run *run, void *state)
{
    ckf_thread_number();
    send_first(run, state);
}

void receive_quickly(struct ckf_stress_run *run, void *state)
{
    ckf_thread_number();
    receive_first(run, state);
}

void put_and_take(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, put(s->first, 1) == CKF_OK && take(s->first, &value) == CKF_OK);
}

void close_first(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_channel_close(((struct state *)state)->first) == CKF_OK);
}

void destroy_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (s->first != NULL)
        ckf_channel_destroy(s->first);
    if (s->second != NULL)
        ckf_channel_destroy(s->second);
}
