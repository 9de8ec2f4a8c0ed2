/* channel/blocking.h - a call that waits, on one channel or on several. */
#ifndef CKF_CHANNEL_BLOCKING_H
#define CKF_CHANNEL_BLOCKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/select.h>

#include "channel/waitlist.h"
#include "sync/waiters.h"
#include "task/context.h"

/* What a call needs for each of its cases. */
struct ckf_case_room {
    struct ckf_wait_node node;
    struct ckf_wait_note note;
    uint32_t order; /* rooms[].order is a permutation of the case numbers */
    struct ckf_channel
        *channel; /* rooms[].channel: the channels, each once, by address; then NULL */
    uint64_t moment;
};

struct ckf_call {
    struct ckf_select_case *cases;
    struct ckf_case_room *rooms; /* as many; order is filled in */
    size_t count;
    size_t chosen;  /* the result; count: none */
    bool gathers;   /* more elements than one are wanted, if they come at once */
    bool was_awake; /* for as long as it should be: it sleeps at once if it has to wait */
    int64_t deadline_ns;
    struct ckf_context *context;
    const char *operation;
    const void *site;
};

/* Tries the cases in random order and takes the first that is ready: CKF_OK, with the outcome in the
 * case's status and its number in call->chosen. CKF_AGAIN: each was not ready when it was tried.
 * CKF_NO_MEMORY: a send found none. attempt is how one case is tried. */
enum ckf_status ckf_call_try(struct ckf_call *call,
                             enum ckf_status (*attempt)(const struct ckf_select_case *only));

/* The same for one of them, any: needs no rooms. */
enum ckf_status ckf_call_try_any(struct ckf_call *call,
                                 enum ckf_status (*attempt)(const struct ckf_select_case *only));

/* The same for all of them, one after the other from any on: needs no rooms, but who stands behind many
 * that are not ready comes more often. */
enum ckf_status ckf_call_try_in_turn(
    struct ckf_call *call, enum ckf_status (*attempt)(const struct ckf_select_case *only));

/* Waits until a case is taken, which is tried again and again. CKF_OK as above, CKF_TIMED_OUT,
 * CKF_CANCELED or CKF_NO_MEMORY. The caller keeps destroy away from the channels. */
enum ckf_status ckf_call_wait(struct ckf_call *call);

/* The same for a call of one case, and returns the case's outcome instead of CKF_OK. */
enum ckf_status ckf_call_wait_one(struct ckf_call *call);

/* When a wait that began at start_ns should sleep: at the end of its patience, or at the deadline. */
int64_t ckf_call_awake_until_ns(const struct ckf_call *call, int64_t start_ns, int64_t patience_ns);

/* The call's deadline or its context's, whichever comes first. */
int64_t ckf_call_deadline_ns(const struct ckf_call *call);

#endif
