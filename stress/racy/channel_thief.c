/* stress/racy/channel_thief.c - a receiver that times out just as it is woken keeps the wake-up to
 * itself: the element waits in the queue, and the next receiver in the list sleeps on. */
#include <time.h>

#include <ck_filter/stress.h>

#include "channels.h"
#include "waiter_list.h"

static enum ckf_status send_and_wake(void *arg, uint64_t value)
{
    struct listed_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    listed_push(channel, value);
    struct listed_waiter *waiter = listed_first(channel);
    if (waiter != NULL) {
        waiter->fired = true;
        pthread_cond_signal(&waiter->woken);
    }
    pthread_mutex_unlock(&channel->lock);
    return CKF_OK;
}

static struct timespec realtime_after(int64_t ns)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    int64_t nanoseconds = at.tv_nsec + ns;
    at.tv_sec += (time_t)(nanoseconds / 1000000000);
    at.tv_nsec = (long)(nanoseconds % 1000000000);
    return at;
}

/* Waits to be fired; at the deadline it simply leaves, whatever has happened to it by then. */
static enum ckf_status wait_fired(struct listed_channel *channel, struct listed_waiter *waiter,
                                  const struct timespec *deadline)
{
    while (!waiter->fired) {
        int error = deadline == NULL
                        ? pthread_cond_wait(&waiter->woken, &channel->lock)
                        : pthread_cond_timedwait(&waiter->woken, &channel->lock, deadline);
        if (error != 0) {
            /* It has made up its mind; it will take itself off the list when it comes to that. */
            pthread_mutex_unlock(&channel->lock);
            ckf_stress_pause(NULL);
            pthread_mutex_lock(&channel->lock);
            listed_leave(channel, waiter);
            return CKF_TIMED_OUT;
        }
    }
    return CKF_OK;
}

static enum ckf_status recv_by(struct listed_channel *channel, uint64_t *value,
                               const struct timespec *deadline)
{
    enum ckf_status status = CKF_OK;
    pthread_mutex_lock(&channel->lock);
    while (status == CKF_OK && !listed_pop(channel, value)) {
        struct listed_waiter waiter = {.fired = false};
        pthread_cond_init(&waiter.woken, NULL);
        listed_enroll(channel, &waiter);
        status = wait_fired(channel, &waiter, deadline);
        pthread_cond_destroy(&waiter.woken);
    }
    pthread_mutex_unlock(&channel->lock);
    return status;
}

static enum ckf_status recv_for_ever(void *channel, uint64_t *value)
{
    return recv_by(channel, value, NULL);
}

static enum ckf_status recv_within(void *channel, uint64_t *value, int64_t ns)
{
    struct timespec deadline = realtime_after(ns);
    return recv_by(channel, value, &deadline);
}

const struct channel_operations racy_thief_channel = {
    .create = listed_create,
    .destroy = listed_destroy,
    .send = send_and_wake,
    .recv = recv_for_ever,
    .recv_within = recv_within,
};
