/* stress/racy/queue.c - a bounded queue with close, sound in itself. */
#include "queue.h"

#include <stdlib.h>
#include <time.h>

#include <ck_filter/clock.h>

void queue_init_condition(pthread_cond_t *changed)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool queue_wait(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t deadline_ns)
{
    if (deadline_ns == CKF_NOW)
        return false;
    if (deadline_ns == CKF_FOREVER) {
        pthread_cond_wait(changed, lock);
        return true;
    }
    struct timespec deadline = {.tv_sec = deadline_ns / 1000000000,
                                .tv_nsec = deadline_ns % 1000000000};
    return pthread_cond_timedwait(changed, lock, &deadline) == 0;
}

enum ckf_status queue_excuse(int64_t deadline_ns)
{
    return deadline_ns == CKF_NOW ? CKF_AGAIN : CKF_TIMED_OUT;
}

void *queue_create(size_t capacity, unsigned producers, unsigned consumers)
{
    struct queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->places[0]);
    if (queue == NULL)
        return NULL;
    pthread_mutex_init(&queue->lock, NULL);
    queue_init_condition(&queue->changed);
    queue->capacity = capacity;
    queue->producers = producers;
    queue->consumers = consumers;
    return queue;
}

void queue_destroy(void *arg)
{
    struct queue *queue = arg;
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static bool is_full(const struct queue *queue)
{
    return queue->tail - queue->head == queue->capacity;
}

static bool is_empty(const struct queue *queue)
{
    return queue->tail == queue->head;
}

/* Under the lock: CKF_AGAIN if there is nothing to be done but wait. */
static enum ckf_status push(struct queue *queue, uint64_t value)
{
    if (queue->closed)
        return CKF_CLOSED;
    if (is_full(queue))
        return CKF_AGAIN;
    queue->places[queue->tail % queue->capacity] = value;
    queue->tail++;
    pthread_cond_broadcast(&queue->changed);
    return CKF_OK;
}

static enum ckf_status pop(struct queue *queue, uint64_t *value)
{
    if (is_empty(queue))
        return queue->closed ? CKF_CLOSED : CKF_AGAIN;
    *value = queue->places[queue->head % queue->capacity];
    queue->head++;
    pthread_cond_broadcast(&queue->changed);
    return CKF_OK;
}

static enum ckf_status send_until(struct queue *queue, uint64_t value, int64_t deadline_ns)
{
    pthread_mutex_lock(&queue->lock);
    enum ckf_status status = push(queue, value);
    while (status == CKF_AGAIN && queue_wait(&queue->changed, &queue->lock, deadline_ns))
        status = push(queue, value);
    pthread_mutex_unlock(&queue->lock);
    return status == CKF_AGAIN ? queue_excuse(deadline_ns) : status;
}

static enum ckf_status recv_until(struct queue *queue, uint64_t *value, int64_t deadline_ns)
{
    pthread_mutex_lock(&queue->lock);
    enum ckf_status status = pop(queue, value);
    while (status == CKF_AGAIN && queue_wait(&queue->changed, &queue->lock, deadline_ns))
        status = pop(queue, value);
    pthread_mutex_unlock(&queue->lock);
    return status == CKF_AGAIN ? queue_excuse(deadline_ns) : status;
}

enum ckf_status queue_send(void *queue, uint64_t value)
{
    return send_until(queue, value, CKF_FOREVER);
}

enum ckf_status queue_try_send(void *queue, uint64_t value)
{
    return send_until(queue, value, CKF_NOW);
}

enum ckf_status queue_send_within(void *queue, uint64_t value, int64_t ns)
{
    return send_until(queue, value, ckf_deadline_after_ns(ns));
}

enum ckf_status queue_recv(void *queue, uint64_t *value)
{
    return recv_until(queue, value, CKF_FOREVER);
}

enum ckf_status queue_try_recv(void *queue, uint64_t *value)
{
    return recv_until(queue, value, CKF_NOW);
}

enum ckf_status queue_recv_within(void *queue, uint64_t *value, int64_t ns)
{
    return recv_until(queue, value, ckf_deadline_after_ns(ns));
}

enum ckf_status queue_recv_two(void *queue, uint64_t values[2], size_t *done)
{
    enum ckf_status status = queue_recv(queue, &values[0]);
    *done = status == CKF_OK;
    if (*done > 0 && queue_try_recv(queue, &values[1]) == CKF_OK)
        ++*done;
    return status;
}

bool queue_is_closed(void *arg)
{
    return atomic_load(&((struct queue *)arg)->closed);
}

enum ckf_status queue_close(void *arg)
{
    struct queue *queue = arg;
    pthread_mutex_lock(&queue->lock);
    bool was_closed = queue->closed;
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return was_closed ? CKF_ALREADY : CKF_OK;
}
