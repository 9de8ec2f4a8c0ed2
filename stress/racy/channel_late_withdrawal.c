/* stress/racy/channel_late_withdrawal.c - a rendezvous whose timed send sees that nobody has taken its
 * offer, and takes it back a moment later, whether somebody has by then or not. */
#include <stdlib.h>

#include <ck_filter/clock.h>
#include <ck_filter/stress.h>

#include "channel_histories.h"
#include "queue.h"

enum { PAUSES = 4 };

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool offered, taken, closed;
    uint64_t element;
};

static void *create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)capacity;
    (void)producers;
    (void)consumers;
    struct meeting *meeting = calloc(1, sizeof *meeting);
    if (meeting == NULL)
        return NULL;
    pthread_mutex_init(&meeting->lock, NULL);
    queue_init_condition(&meeting->changed);
    return meeting;
}

static void destroy(void *arg)
{
    struct meeting *meeting = arg;
    pthread_cond_destroy(&meeting->changed);
    pthread_mutex_destroy(&meeting->lock);
    free(meeting);
}

static void withdraw(struct meeting *meeting)
{
    meeting->offered = meeting->taken = false;
    pthread_cond_broadcast(&meeting->changed);
}

/* Under the lock, with the offer made. */
static enum ckf_status await_taker(struct meeting *meeting, int64_t deadline_ns)
{
    bool patient = true;
    while (!meeting->taken && !meeting->closed && patient)
        patient = queue_wait(&meeting->changed, &meeting->lock, deadline_ns);
    if (meeting->taken)
        return CKF_OK;
    if (meeting->closed)
        return CKF_CLOSED;
    pthread_mutex_unlock(&meeting->lock);
    for (int i = 0; i < PAUSES; i++)
        ckf_stress_pause(NULL);
    pthread_mutex_lock(&meeting->lock);
    return CKF_TIMED_OUT;
}

static enum ckf_status send_until(void *arg, uint64_t value, int64_t deadline_ns)
{
    struct meeting *meeting = arg;
    pthread_mutex_lock(&meeting->lock);
    enum ckf_status status = CKF_CLOSED;
    bool patient = true;
    while (meeting->offered && !meeting->closed && patient)
        patient = queue_wait(&meeting->changed, &meeting->lock, deadline_ns);
    if (!meeting->closed && meeting->offered) {
        status = queue_excuse(deadline_ns);
    } else if (!meeting->closed) {
        meeting->offered = true;
        meeting->element = value;
        pthread_cond_broadcast(&meeting->changed);
        status = await_taker(meeting, deadline_ns);
        withdraw(meeting);
    }
    pthread_mutex_unlock(&meeting->lock);
    return status;
}

static enum ckf_status recv_until(void *arg, uint64_t *value, int64_t deadline_ns)
{
    struct meeting *meeting = arg;
    pthread_mutex_lock(&meeting->lock);
    enum ckf_status status = CKF_OK;
    bool patient = true;
    while ((!meeting->offered || meeting->taken) && !meeting->closed && patient)
        patient = queue_wait(&meeting->changed, &meeting->lock, deadline_ns);
    if (meeting->closed) {
        status = CKF_CLOSED;
    } else if (!meeting->offered || meeting->taken) {
        status = queue_excuse(deadline_ns);
    } else {
        *value = meeting->element;
        meeting->taken = true;
        pthread_cond_broadcast(&meeting->changed);
    }
    pthread_mutex_unlock(&meeting->lock);
    return status;
}

static enum ckf_status send_value(void *meeting, uint64_t value)
{
    return send_until(meeting, value, CKF_FOREVER);
}

/* Nobody is looked for: that is allowed. */
static enum ckf_status try_send(void *arg, uint64_t value)
{
    (void)value;
    struct meeting *meeting = arg;
    pthread_mutex_lock(&meeting->lock);
    enum ckf_status status = meeting->closed ? CKF_CLOSED : CKF_AGAIN;
    pthread_mutex_unlock(&meeting->lock);
    return status;
}

static enum ckf_status send_within(void *meeting, uint64_t value, int64_t ns)
{
    return send_until(meeting, value, ckf_deadline_after_ns(ns));
}

static enum ckf_status recv_value(void *meeting, uint64_t *value)
{
    return recv_until(meeting, value, CKF_FOREVER);
}

static enum ckf_status try_recv(void *meeting, uint64_t *value)
{
    return recv_until(meeting, value, CKF_NOW);
}

static enum ckf_status recv_within(void *meeting, uint64_t *value, int64_t ns)
{
    return recv_until(meeting, value, ckf_deadline_after_ns(ns));
}

static enum ckf_status close_once(void *arg)
{
    struct meeting *meeting = arg;
    pthread_mutex_lock(&meeting->lock);
    bool was_closed = meeting->closed;
    meeting->closed = true;
    pthread_cond_broadcast(&meeting->changed);
    pthread_mutex_unlock(&meeting->lock);
    return was_closed ? CKF_ALREADY : CKF_OK;
}

const struct channel_operations racy_late_withdrawal_channel = {.create = create,
                                                                .destroy = destroy,
                                                                .send = send_value,
                                                                .try_send = try_send,
                                                                .send_within = send_within,
                                                                .recv = recv_value,
                                                                .try_recv = try_recv,
                                                                .recv_within = recv_within,
                                                                .close_once = close_once};
