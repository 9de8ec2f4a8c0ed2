/* sync/per_thread.h - small numbers for live threads.
 *
 * A thread gets the lowest number that no live thread holds, at its first call, and gives it back
 * at its exit; a destructor of thread-local data that runs later gets one again. Numbers are dense,
 * so they choose stripes well. The forked child's only thread keeps its number; those of the
 * threads that fork left behind are free there.
 */
#ifndef CKF_SYNC_PER_THREAD_H
#define CKF_SYNC_PER_THREAD_H

#include "base/check.h"

/* Numbers below it belong to one live thread; all threads beyond share this one. */
enum { CKF_OWN_NUMBERS = 4096 };

/* This thread's number and one; 0: it has none. Of per_thread.c. */
extern _Thread_local unsigned ckf_thread_number_plus_one
    __attribute__((tls_model("initial-exec"), visibility("hidden")));
unsigned ckf_thread_number_take(void);

/* What section.c has made of this thread's number; NULL: nothing yet, or the number has been given back.
 * Programs look at it (<ck_filter/counter_map.h>), so it is one of the library's symbols. */
struct ckf_place;
extern _Thread_local struct ckf_place *ckf_thread_place
    __attribute__((tls_model("initial-exec"), visibility("default")));

/* Below the highest number of threads that ever lived at once. Wait-free after the first call. */
static inline unsigned ckf_thread_number(void)
{
    unsigned plus_one = ckf_thread_number_plus_one;
    return CKF_LIKELY(plus_one != 0) ? plus_one - 1 : ckf_thread_number_take();
}

/* More than every own number that is held now by a thread whose first call the caller knows of. What
 * threads did while they held numbers beyond it happens before the return. */
unsigned ckf_thread_number_end(void);

/* More than every own number that any thread has ever held. A read-modify-write, and so is the first
 * taking of a number: a thread whose number is not below the result, takes it after this call and
 * sees what was done before it. */
unsigned ckf_thread_number_limit(void);

#endif
