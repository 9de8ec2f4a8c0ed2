/* stress/racy/channel_unclaimed.c - a rendezvous whose receiver raises a flag, and whose senders look at
 * it and then serve the receiver: two may. */
#include <ck_filter/clock.h>
#include <ck_filter/stress.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "channels.h"

struct meeting {
    atomic_bool waiting, served;
    _Atomic(uint64_t) value;
};

static void *create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)capacity;
    (void)producers;
    (void)consumers;
    return calloc(1, sizeof(struct meeting));
}

static void destroy(void *meeting)
{
    free(meeting);
}

static enum ckf_status try_send(void *arg, uint64_t value)
{
    struct meeting *meeting = arg;
    if (!atomic_load(&meeting->waiting))
        return CKF_AGAIN;
    atomic_store(&meeting->value, value);
    atomic_store(&meeting->waiting, false);
    atomic_store(&meeting->served, true);
    return CKF_OK;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static enum ckf_status recv_within(void *arg, uint64_t *value, int64_t ns)
{
    struct meeting *meeting = arg;
    int64_t deadline_ns = ckf_deadline_after_ns(ns);
    atomic_store(&meeting->served, false);
    atomic_store(&meeting->waiting, true);
    while (!atomic_load(&meeting->served)) {
        if (now_ns() > deadline_ns) {
            atomic_store(&meeting->waiting, false);
            return CKF_TIMED_OUT;
        }
        sched_yield();
    }
    *value = atomic_load(&meeting->value);
    return CKF_OK;
}

static void close_nothing(void *meeting)
{
    (void)meeting;
}

const struct channel_operations racy_unclaimed_channel = {.create = create,
                                                          .destroy = destroy,
                                                          .try_send = try_send,
                                                          .recv_within = recv_within,
                                                          .close = close_nothing};
