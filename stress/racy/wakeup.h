/* stress/racy/wakeup.h - waiting for a flag, with a gap between the look and the sleep. */
#ifndef CKF_RACY_WAKEUP_H
#define CKF_RACY_WAKEUP_H

#include <pthread.h>
#include <stdatomic.h>

struct racy_flag {
    pthread_mutex_t lock;
    pthread_cond_t raised;
    _Atomic(int) value;
};

void racy_flag_init(struct racy_flag *flag);
/* Looks at the flag before it takes the lock: a flag that is raised in between wakes nobody. */
void racy_flag_await(struct racy_flag *flag);
/* Raises the flag without the lock. */
void racy_flag_raise(struct racy_flag *flag);
void racy_flag_destroy(struct racy_flag *flag);

#endif
