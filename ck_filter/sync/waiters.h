/* sync/waiters.h - who sleeps where, in which call, since when.
 *
 * A call that may block describes itself in a note and hands it to ckf_park, which lists it just
 * before the thread sleeps in the kernel and not while it spins:
 *
 *     const struct ckf_wait_note note = {.object = "channel", .name = channel->name,
 *                                        .operation = "recv", .site = site};
 *     ckf_park(&waiter.parker, deadline_ns, &note);
 *
 * Who sleeps otherwise (on a condition variable) lists itself:
 *
 *     struct ckf_waiting waiting;
 *     ckf_waiting_begin(&waiting, &note);
 *     while (!ready) pthread_cond_wait(...);
 *     ckf_waiting_end(&waiting);
 *
 * The site is CKF_CALL_SITE, taken in the public function itself and passed down. A select links the
 * notes of its channels through `also`.
 *
 * Nothing is allocated: the list runs through the stacks of the sleepers. Begin and end take a lock
 * that few threads share, for a few instructions; it is the last in every lock order, so both may be
 * called with other locks held.
 */
#ifndef CKF_SYNC_WAITERS_H
#define CKF_SYNC_WAITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the function that says it will return to. */
#define CKF_CALL_SITE __builtin_return_address(0)

/* Owned by the blocked call, unchanged while listed, and so is all that it points to: the object's
 * own name needs no copy, since an object outlives the calls that sleep in it. */
struct ckf_wait_note {
    const char *object;               /* "channel", "context", "group": a literal */
    const char *name;                 /* the object's, or NULL */
    const char *operation;            /* the public call without its prefix: a literal */
    const void *site;                 /* return address of the public call, or NULL */
    const struct ckf_wait_note *also; /* the same call waits for this one too; NULL ends */
};

/* One sleep in the list. Fields belong to waiters.c. */
struct ckf_waiting {
    const struct ckf_wait_note *note;
    struct ckf_waiting *previous, *next;
    struct ckf_waiting_stripe *stripe;
    int64_t since_ns; /* CLOCK_MONOTONIC */
    uint64_t thread_id;
};

/* Lists this thread until ckf_waiting_end. note NULL: both do nothing. Neither sleeps (but for the
 * lock), allocates, or fails. */
void ckf_waiting_begin(struct ckf_waiting *waiting, const struct ckf_wait_note *note);
void ckf_waiting_end(struct ckf_waiting *waiting);

/* What the list said at some moment of the call, thread by thread. */
struct ckf_waiting_copy {
    const char *object, *name, *operation; /* name: NULL or a copy that lives with the array */
    const void *site;
    int64_t since_ns;
    uint64_t thread_id; /* the kernel's: gettid() */
};

/* Copies the list into one block, to be freed with ckf_free; notes of one call stand side by side.
 * False without memory. */
bool ckf_waiting_copy_all(struct ckf_waiting_copy **copies, size_t *count);

#endif
