/* stress/racy/waiter_list.h - an unbounded queue whose receivers wait in a list, each on its own
 * condition variable: the ground on which the twins with waiter lists make their mistakes. */
#ifndef STRESS_RACY_WAITER_LIST_H
#define STRESS_RACY_WAITER_LIST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

enum { LISTED_CAPACITY = 64 };

struct listed_waiter {
    struct listed_waiter *next;
    pthread_cond_t woken;
    bool fired;     /* it was taken off the list to be woken */
    bool delivered; /* value was handed over */
    uint64_t value;
};

struct listed_channel {
    pthread_mutex_t lock;
    struct listed_waiter *first;
    size_t head, length;
    uint64_t queue[LISTED_CAPACITY];
};

void *listed_create(size_t capacity, unsigned producers, unsigned consumers);
void listed_destroy(void *channel);
/* Hands the value to the first waiter, or queues it when nobody waits. Takes the lock. */
enum ckf_status listed_send(void *channel, uint64_t value);
/* Takes what is queued. Takes the lock. */
enum ckf_status listed_try_recv(void *channel, uint64_t *value);
/* The lock is held for the following. */
void listed_push(struct listed_channel *channel, uint64_t value);
bool listed_pop(struct listed_channel *channel, uint64_t *value);
void listed_enroll(struct listed_channel *channel, struct listed_waiter *waiter);
void listed_leave(struct listed_channel *channel, struct listed_waiter *waiter);
struct listed_waiter *listed_first(struct listed_channel *channel); /* taken off, or NULL */

#endif
