/* stress/cases/channel_deserted.c - the two sides of a channel whose receiver gives up. */
#include "channel_deserted.h"

void deserted_send(struct ckf_stress_run *run, struct deserted *deserted, unsigned capacity)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    enum ckf_status status = CKF_OK;
    for (unsigned i = 0; i <= capacity && status == CKF_OK; i++)
        status = operations->send(deserted->channel, 1);
    ckf_stress_outcome(run, status == CKF_CLOSED ? "told" : "accepted");
}

void deserted_receiver(struct ckf_stress_run *run, void *deserted)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->consumer_done(((struct deserted *)deserted)->channel);
}

void deserted_teardown(struct ckf_stress_run *run, void *deserted)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct deserted *)deserted)->channel);
}
