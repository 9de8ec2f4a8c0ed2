/* base/caller.h - what a call of the library leaves to its caller as it was.
 *
 * No call changes errno, and none is a cancellation point. A call that uses something which may do either, as
 * system calls, allocators and callbacks do, saves its caller's state before and restores it afterwards.
 */
#ifndef CKF_BASE_CALLER_H
#define CKF_BASE_CALLER_H

#include <errno.h>
#include <pthread.h>

struct ckf_caller {
    int error, cancel_state;
};

/* Until it is restored the thread is not cancelled. */
static inline struct ckf_caller ckf_caller_save(void)
{
    struct ckf_caller caller = {.error = errno};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &caller.cancel_state);
    return caller;
}

static inline void ckf_caller_restore(struct ckf_caller caller)
{
    pthread_setcancelstate(caller.cancel_state, NULL);
    errno = caller.error;
}

#endif
