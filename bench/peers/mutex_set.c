/* mutex_set.c - a set of strings under a mutex. */
#define LOCK             pthread_mutex_t
#define LOCK_INIT        pthread_mutex_init
#define LOCK_DESTROY     pthread_mutex_destroy
#define LOCK_FOR_READING pthread_mutex_lock
#define LOCK_FOR_WRITING pthread_mutex_lock
#define LOCK_RELEASE     pthread_mutex_unlock
#include "peers/locked_set.h"

const struct bench_contestant peer_mutex_set = {.name = "pthread-mutex",
                                                .label = "hash set under a pthread mutex",
                                                .note = "no hit counts, no statistics, no rule ids",
                                                .bodies = bodies,
                                                .face = &face,
                                                .sleeps = true};
