/* stress/cases/channels.h - what the channel cases ask of a channel, and the library's two answers.
 *
 * Elements are numbers. A racy twin fills in what its case uses. Statuses are those of the library:
 * a twin that "panics" calls abort() instead, as Go's channels do.
 */
#ifndef STRESS_CASES_CHANNELS_H
#define STRESS_CASES_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

/* What create is asked for: a capacity, or ENDLESS (or CKF_UNBOUNDED), and perhaps elements of more
 * than a word. */
enum { CHANNEL_ENDLESS = 1 << 20, CHANNEL_LARGE = 1 << 21 };
static inline size_t channel_places(size_t shape)
{
    return shape & (CHANNEL_ENDLESS - 1);
}

struct channel_operations {
    /* producers and consumers: how many threads on either side, each of which says so when it is
     * done; 0: the case closes the channel itself */
    void *(*create)(size_t shape, unsigned producers, unsigned consumers);
    void (*destroy)(void *channel);
    enum ckf_status (*send)(void *channel, uint64_t value);
    /* CKF_OK: *done of the two were sent, or received, at least one */
    enum ckf_status (*send_two)(void *channel, const uint64_t values[2], size_t *done);
    enum ckf_status (*recv_two)(void *channel, uint64_t values[2], size_t *done);
    enum ckf_status (*try_send)(void *channel, uint64_t value);
    enum ckf_status (*recv)(void *channel, uint64_t *value);
    enum ckf_status (*try_recv)(void *channel, uint64_t *value);
    enum ckf_status (*recv_within)(void *channel, uint64_t *value, int64_t ns);
    void (*close)(void *channel);
    bool (*is_closed)(void *channel);
    /* Ends that are counted: one more, and one less; true if that closed the channel. */
    enum ckf_status (*add_producer)(void *channel);
    enum ckf_status (*add_consumer)(void *channel);
    bool (*producer_done)(void *channel);
    bool (*consumer_done)(void *channel);
    /* A token that ends recv_unless early. */
    void *(*token_create)(void *channel);
    void (*token_cancel)(void *token);
    void (*token_destroy)(void *token);
    enum ckf_status (*recv_unless)(void *channel, uint64_t *value, void *token);
    /* Receives from whichever channel has an element first; *from tells which. */
    enum ckf_status (*select)(void *channels[2], uint64_t *value, size_t *from);
    /* The same without waiting: CKF_AGAIN if there was a moment at which neither was ready. */
    enum ckf_status (*select_now)(void *channels[2], uint64_t *value, size_t *from);
    /* Sends to the first, or receives from the second, without or with waiting: as *chosen tells. */
    enum ckf_status (*select_either_way)(void *channels[2], uint64_t sent, uint64_t *value,
                                         size_t *chosen, bool waits);
    enum ckf_status (*send_within)(void *channel, uint64_t value, int64_t ns);
    enum ckf_status (*close_once)(void *channel); /* CKF_OK to the one that closed it */
    size_t (*len)(void *channel);
    bool (*is_ready)(void *channel, bool to_send);
    /* Whether what is polled for elements (for room, with `room`) is readable; makes it at first. */
    bool (*readable)(void *channel, bool room);
};

extern const struct channel_operations mutex_channel, atomic_channel;
/* With the promise of a single producer and a single consumer. */
extern const struct channel_operations promised_mutex_channel, promised_atomic_channel;

#endif
