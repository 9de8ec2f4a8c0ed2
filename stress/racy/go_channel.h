/* stress/racy/go_channel.h - a channel with Go's semantics, panics included, on a mutex and two
 * condition variables. It is sound: what the racy twins do with it is not. */
#ifndef STRESS_RACY_GO_CHANNEL_H
#define STRESS_RACY_GO_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

struct go_channel {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t capacity; /* 0: a sender waits until its element is taken */
    size_t length, head;
    uint64_t sent, taken; /* since creation */
    bool closed;
    uint64_t buffer[]; /* max(capacity, 1) */
};

void *go_create(size_t capacity, unsigned producers, unsigned consumers);
void go_destroy(void *channel);
enum ckf_status go_send(void *channel, uint64_t value);     /* panics on a closed channel */
enum ckf_status go_try_send(void *channel, uint64_t value); /* select with default: panics too */
enum ckf_status go_recv(void *channel, uint64_t *value);    /* CKF_CLOSED: closed and drained */
void go_close(void *channel);                               /* panics on a closed channel */
bool go_is_closed(void *channel);                           /* stale at once */
bool go_say_nothing(void *channel);                         /* a thread that just leaves */

#endif
