/* stress/cases/channel_traffic.h - producers, a closer and a consumer, and their accounts: the
 * traffic in which several channel cases set their scene. */
#ifndef STRESS_CASES_CHANNEL_TRAFFIC_H
#define STRESS_CASES_CHANNEL_TRAFFIC_H

#include <ck_filter/stress.h>

#include "channels.h"

enum { TRAFFIC_PRODUCERS = 2 };

struct channel_traffic {
    void *channel;
    uint64_t accepted[TRAFFIC_PRODUCERS]; /* each producer's own */
    uint64_t received;                    /* the consumer's */
};

/* Sends its rounds, up to the first refusal. */
void traffic_producer(struct ckf_stress_run *run, void *traffic);
/* Closes after a pause. */
void traffic_closer(struct ckf_stress_run *run, void *traffic);
/* Receives until the channel is closed and drained. */
void traffic_consumer(struct ckf_stress_run *run, void *traffic);
/* Reports "exact", "lost element" or "duplicate element". */
void traffic_compare(struct ckf_stress_run *run, void *traffic);
void traffic_teardown(struct ckf_stress_run *run, void *traffic);

#endif
