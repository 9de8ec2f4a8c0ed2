/* tests/orders/channels.h - what the scenes of channels have in common. */
#ifndef ORDERS_CHANNELS_H
#define ORDERS_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

#include "scene.h"

/* Where accesses are watched, a segment has few cells; some segments are kept for later. */
enum { CELLS = 4, KEPT = 8 };

enum { LARGE_BYTES = 24 };

struct element {
    uint64_t words[LARGE_BYTES / 8];
};

struct state {
    struct ckf_channel *first, *second;
    _Atomic(int) flag;
    int plain, other_plain;
    bool told, told_too;
    void *object;
};

struct ckf_channel *make(struct ckf_stress_run *run, size_t capacity, size_t elem_size);
/* Of words. */
enum { BOTH_ENDS = CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER };
struct ckf_channel *make_promised(struct ckf_stress_run *run, size_t capacity, unsigned promises);
enum ckf_status put(struct ckf_channel *channel, uint64_t value);
enum ckf_status take(struct ckf_channel *channel, uint64_t *value);
void send_one(struct ckf_stress_run *run, struct ckf_channel *channel, uint64_t value);
/* A select that receives from either channel: from which, 0 or 1; 2: from none. */
size_t receive_from_either(struct ckf_stress_run *run, struct state *s, int64_t deadline_ns);
uint64_t recv_one(struct ckf_stress_run *run, struct ckf_channel *channel);
/* As many as there are until it is closed. */
void put_some(struct ckf_stress_run *run, struct ckf_channel *channel, size_t count);
/* Brings the next send to cell `cell` of an unbounded channel's current segment. */
void use_cells(struct ckf_stress_run *run, struct ckf_channel *channel, unsigned cell);

/* Setups. */
void two_buffered(struct ckf_stress_run *run, void *state);
void empty_rendezvous(struct ckf_stress_run *run, void *state);
void empty_ring(struct ckf_stress_run *run, void *state);
void full_ring(struct ckf_stress_run *run, void *state);
void empty_segments(struct ckf_stress_run *run, void *state);
void full_segment(struct ckf_stress_run *run, void *state);

/* Actors. */
void put_first(struct ckf_stress_run *run, void *state);
void put_two(struct ckf_stress_run *run, void *state);
void take_first(struct ckf_stress_run *run, void *state);
void try_first(struct ckf_stress_run *run, void *state);
void try_twice(struct ckf_stress_run *run, void *state);
void send_first(struct ckf_stress_run *run, void *state);
void receive_first(struct ckf_stress_run *run, void *state);
/* Likewise, of threads that have a number already, so that their calls are as usual (channel/quick.h). */
void send_quickly(struct ckf_stress_run *run, void *state);
void receive_quickly(struct ckf_stress_run *run, void *state);
/* Whoever puts one in finds one. */
void put_and_take(struct ckf_stress_run *run, void *state);
void close_first(struct ckf_stress_run *run, void *state);

/* Teardown. */
void destroy_both(struct ckf_stress_run *run, void *state);

#endif
