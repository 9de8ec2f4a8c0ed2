/* specs/channel.h - what a channel is when calls come one after the other; see <ck_filter/channel.h>.
 *
 * One specification for up to two channels, so that a select over both can be judged: then both are
 * one object. Elements are numbers below 2^28, each sent once at the most.
 */
#ifndef STRESS_SPECS_CHANNEL_H
#define STRESS_SPECS_CHANNEL_H

#include <ck_filter/stress.h>

enum channel_code {
    /* arguments: the element, the channel */
    CHANNEL_SEND,
    CHANNEL_TRY_SEND,
    CHANNEL_SEND_WITHIN,
    /* arguments: nothing, the channel; result: the element if it is CKF_OK */
    CHANNEL_RECV,
    CHANNEL_TRY_RECV,
    CHANNEL_RECV_WITHIN,
    /* arguments: how many, the channel; values: the elements; result: how many were moved */
    CHANNEL_SEND_MANY,
    CHANNEL_RECV_MANY,
    /* arguments: nothing, the channel */
    CHANNEL_CLOSE,
    CHANNEL_IS_CLOSED, /* result: 1 if it is */
    CHANNEL_ADD_PRODUCER,
    CHANNEL_PRODUCER_DONE, /* result: 1 if this call closed the channel */
    CHANNEL_ADD_CONSUMER,
    CHANNEL_CONSUMER_DONE, /* likewise */
    CHANNEL_LEN,           /* result */
    CHANNEL_IS_READY,      /* arguments: the direction, the channel; result: 1 if it is */
    /* arguments: how many cases, 1 if it must not wait; values: channel_select_case() of each (two at
     * the most), and in the last one what was received; result: the case chosen */
    CHANNEL_SELECT
};

enum {
    CHANNEL_MOST = 2,          /* channels */
    CHANNEL_MOST_ELEMENTS = 32 /* in a channel: no specification for fuller ones */
};

/* Capacities as in <ck_filter/channel.h>: 0 is a rendezvous, SIZE_MAX unbounded. */
struct channel_shape {
    size_t capacity;
    /* That will say they are done; 0: not counted. */
    unsigned producers, consumers;
    /* Elements larger than a word lie in slots, and calls in progress may hold one each, so that a
     * send may find the channel full earlier. */
    bool large_elements;
};
struct channel_shapes {
    struct channel_shape channels[CHANNEL_MOST];
};

struct channel_model {
    uint8_t closed, length;
    int8_t producers, consumers; /* how many have been added, less those that are done */
    /* Oldest first. In a rendezvous: what is being offered, times 4, + 1 if it has been taken, + 2
     * if the sender does not wait. */
    uint32_t elements[CHANNEL_MOST_ELEMENTS];
};

uint64_t channel_select_case(unsigned channel, bool is_send, uint64_t element);

bool channel_apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
                   const void *shapes);
unsigned channel_steps(const struct ckf_stress_operation *operation, const void *shapes);
void channel_print(const struct ckf_stress_operation *operation, char *text, size_t size);

/* Of that many channels; shapes_pointer: a constant struct channel_shapes. */
#define CHANNEL_SPECIFICATION(how_many, shapes_pointer)                                            \
    {                                                                                              \
        .name = (how_many) == 1 ? "channel" : "pair of channels",                                  \
        .state_size = (how_many) * sizeof(struct channel_model), .apply = channel_apply,           \
        .steps = channel_steps, .print = channel_print, .parameter = (shapes_pointer)              \
    }

#endif
