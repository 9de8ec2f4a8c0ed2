/* channel/locked.h - the core of MUTEX channels that hold elements: state, and how it is made. See
 * locked.c. */
#ifndef CKF_CHANNEL_LOCKED_H
#define CKF_CHANNEL_LOCKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

/* Everything is guarded by the waitlist's mutex. */
struct ckf_locked {
    unsigned char *elems; /* a circular buffer */
    size_t slots;         /* how many fit into it: the capacity, or as many as were needed so far */
    size_t oldest;        /* slot of the oldest element */
    size_t count;
    uint64_t changes; /* sends and receives so far */
    bool closed;
};

/* CKF_NO_MEMORY leaves nothing behind. */
enum ckf_status ckf_locked_init(struct ckf_locked *locked, size_t capacity, size_t elem_size);

#endif
