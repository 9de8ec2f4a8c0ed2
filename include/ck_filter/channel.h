/* ck_filter/channel.h - a many-to-many channel with safe close. */
#ifndef CKF_CHANNEL_H
#define CKF_CHANNEL_H

#include <ck_filter/clock.h>
#include <ck_filter/context.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

enum { CKF_CHANNEL_SINGLE_PRODUCER = 1, CKF_CHANNEL_SINGLE_CONSUMER = 2 };

struct ckf_channel;

#define CKF_UNBOUNDED SIZE_MAX
enum ckf_direction { CKF_SEND = 0, CKF_RECV = 1 };
struct ckf_channel_options {
    const char *name;
    enum ckf_variant variant;
    size_t capacity;    /* 0: rendezvous; N: exactly N; CKF_UNBOUNDED */
    size_t elem_size;   /* bytes; 0 means sizeof(void *); at most 4096 */
    unsigned producers; /* initial number of counted producers; 0: producers are not counted */
    unsigned consumers; /* likewise */
    unsigned
        flags; /* CKF_CHANNEL_SINGLE_PRODUCER, CKF_CHANNEL_SINGLE_CONSUMER: promises by the caller */
    void (*undelivered)(void *elem, void *arg);
    void *undelivered_arg;
    uint64_t reserved[4];
};
CKF_API enum ckf_status ckf_channel_create(struct ckf_channel **,
                                           const struct ckf_channel_options *);
CKF_API void ckf_channel_destroy(struct ckf_channel *);

CKF_API enum ckf_status ckf_channel_send(struct ckf_channel *, const void *elem);
CKF_API enum ckf_status ckf_channel_try_send(struct ckf_channel *, const void *elem);
CKF_API enum ckf_status ckf_channel_send_until(struct ckf_channel *, const void *elem,
                                               int64_t deadline_ns, struct ckf_context *);
CKF_API enum ckf_status ckf_channel_recv(struct ckf_channel *,
                                         void *elem); /* elem NULL: discard it */
CKF_API enum ckf_status ckf_channel_try_recv(struct ckf_channel *, void *elem);
CKF_API enum ckf_status ckf_channel_recv_until(struct ckf_channel *, void *elem,
                                               int64_t deadline_ns, struct ckf_context *);

/* Moves up to count elements in order; waits only for the first. CKF_OK exactly when *done > 0 or count is 0. Elements of
   one call need not end up as neighbours. */
CKF_API enum ckf_status ckf_channel_send_many(struct ckf_channel *, const void *elems, size_t count,
                                              size_t *done, int64_t deadline_ns,
                                              struct ckf_context *);
CKF_API enum ckf_status ckf_channel_recv_many(struct ckf_channel *, void *elems, size_t count,
                                              size_t *done, int64_t deadline_ns,
                                              struct ckf_context *);

CKF_API enum ckf_status ckf_channel_close(
    struct ckf_channel *); /* CKF_OK to the one that closed, else CKF_ALREADY */
CKF_API bool ckf_channel_is_closed(const struct ckf_channel *);
CKF_API enum ckf_status ckf_channel_add_producer(
    struct ckf_channel
        *); /* CKF_CLOSED after close (then no done is owed); CKF_INVALID if not counted */
CKF_API bool ckf_channel_producer_done(
    struct ckf_channel
        *); /* once for each, also after close; the last one closes: true if this call closed */
CKF_API enum ckf_status ckf_channel_add_consumer(struct ckf_channel *);
CKF_API bool ckf_channel_consumer_done(
    struct ckf_channel *); /* the last one closes: senders do not wait for nobody */
CKF_API size_t ckf_channel_len(const struct ckf_channel *); /* exact when quiescent */
CKF_API size_t ckf_channel_capacity(const struct ckf_channel *);
CKF_API enum ckf_status ckf_channel_event_fd(struct ckf_channel *, enum ckf_direction, int *fd);
CKF_API bool ckf_channel_is_ready(struct ckf_channel *,
                                  enum ckf_direction); /* false also arms the event fd */

CKF_END_DECLS

#endif
