/* stress/cases/channel_traffic.c - the actors of channel traffic and the arbiter of its accounts. */
#include "channel_traffic.h"

void traffic_producer(struct ckf_stress_run *run, void *arg)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = arg;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->send(s->channel, i) != CKF_OK)
            return;
        s->accepted[ckf_stress_copy(run)]++;
    }
}

void traffic_closer(struct ckf_stress_run *run, void *arg)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->close(((struct channel_traffic *)arg)->channel);
}

void traffic_consumer(struct ckf_stress_run *run, void *arg)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = arg;
    uint64_t value;
    while (operations->recv(s->channel, &value) == CKF_OK)
        s->received++;
}

void traffic_compare(struct ckf_stress_run *run, void *arg)
{
    struct channel_traffic *s = arg;
    uint64_t accepted = 0;
    for (int i = 0; i < TRAFFIC_PRODUCERS; i++)
        accepted += s->accepted[i];
    if (s->received == accepted)
        ckf_stress_outcome(run, "exact");
    else
        ckf_stress_outcome(run, s->received < accepted ? "lost element" : "duplicate element");
}

void traffic_teardown(struct ckf_stress_run *run, void *arg)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct channel_traffic *)arg)->channel);
}
