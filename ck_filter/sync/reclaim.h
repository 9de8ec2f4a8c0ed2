/* sync/reclaim.h - who may free what, when: grace periods.
 *
 * Readers enter a section, follow pointers that were published with release and loaded with
 * acquire, and leave. Who unlinks an object retires it: its callback runs once every section that
 * might still see the object has ended. Sections nest, never block, and cost no shared write.
 * Nobody registers: a thread becomes known at its first section and is forgotten at its exit.
 *
 * reclaim.c and reclaim_inline.h alone know liburcu.
 */
#ifndef CKF_SYNC_RECLAIM_H
#define CKF_SYNC_RECLAIM_H

/* To be embedded in what is retired. */
struct ckf_retired {
    struct ckf_retired *next; /* retired before, and not reclaimed yet */
    void (*reclaim)(struct ckf_retired *retired);
};

/* Wait-free. Between them the thread must not sleep and must not wait for a grace period. */
void ckf_read_begin(void);
void ckf_read_end(void);

/* Calls reclaim(retired) after a grace period, on a thread of its own or on one that waits for it. Never
 * waits itself. A forked child takes over what is still to be called, and gets such a thread when it retires
 * something itself. */
void ckf_retire(struct ckf_retired *retired, void (*reclaim)(struct ckf_retired *));

/* From a callback: true for the first one of those that are called back after the same grace period that asks. So
 * what callbacks wait for on top of that, one of them waits for, and all that were retired with it need not. */
_Bool ckf_reclaim_is_first(void);

/* Waits until every section that was open at the call has ended. Not inside a section. */
void ckf_wait_for_readers(void);

/* Waits until every callback that was retired before the call has run. Not inside a section and
 * not from a callback. */
void ckf_wait_for_reclaim(void);

/* By whoever retires much and may wait: does so for what is retired, if that is more than the thread keeps up
 * with. Not inside a section and not from a callback. */
void ckf_reclaim_keep_up(void);

/* Makes the thread exist, for the rest of the process, on which callbacks run; otherwise the first
 * ckf_retire does. Where no thread can be made, the next call tries again. */
void ckf_reclaim_start(void);

#endif
