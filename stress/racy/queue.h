/* stress/racy/queue.h - a bounded queue with close, on a mutex and a condition variable. It is sound:
 * each twin does one thing in its own way. */
#ifndef STRESS_RACY_QUEUE_H
#define STRESS_RACY_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t capacity;
    /* Written under the lock. */
    _Atomic(size_t) head, tail; /* elements are those between */
    _Atomic(bool) closed;
    /* For twins that count in steps: ends that are not done, elements. */
    _Atomic(unsigned) producers, consumers;
    _Atomic(size_t) length;
    uint64_t places[];
};

void *queue_create(size_t capacity, unsigned producers, unsigned consumers);
void queue_destroy(void *queue);

enum ckf_status queue_send(void *queue, uint64_t value);
enum ckf_status queue_try_send(void *queue, uint64_t value);
enum ckf_status queue_send_within(void *queue, uint64_t value, int64_t ns);
enum ckf_status queue_recv(void *queue, uint64_t *value);
enum ckf_status queue_try_recv(void *queue, uint64_t *value);
enum ckf_status queue_recv_within(void *queue, uint64_t *value, int64_t ns);
enum ckf_status queue_recv_two(void *queue, uint64_t values[2], size_t *done);
bool queue_is_closed(void *queue);
enum ckf_status queue_close(void *queue);

/* Waits on the condition variable; false: deadline_ns (0: at once, INT64_MAX: never) has come. */
bool queue_wait(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t deadline_ns);
void queue_init_condition(pthread_cond_t *changed);
/* What a call that is not to wait any longer says. */
enum ckf_status queue_excuse(int64_t deadline_ns);

#endif
