/* rwlock_set.c - a set of strings under a read-write lock. */
#define LOCK             pthread_rwlock_t
#define LOCK_INIT        pthread_rwlock_init
#define LOCK_DESTROY     pthread_rwlock_destroy
#define LOCK_FOR_READING pthread_rwlock_rdlock
#define LOCK_FOR_WRITING pthread_rwlock_wrlock
#define LOCK_RELEASE     pthread_rwlock_unlock
#include "peers/locked_set.h"

const struct bench_contestant peer_rwlock_set = {.name = "rwlock",
                                                 .label = "hash set under a pthread_rwlock",
                                                 .note =
                                                     "no hit counts, no statistics, no rule ids",
                                                 .bodies = bodies,
                                                 .face = &face,
                                                 .sleeps = true};
