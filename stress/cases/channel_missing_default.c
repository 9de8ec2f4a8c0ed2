/* stress/cases/channel_missing_default.c - a full channel blocks a worker that only wanted to report.
 *
 * Oracle: the worker finishes its work, and what was accepted is received. Result: never stuck.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channel;
    uint64_t accepted; /* the worker's */
    uint64_t received; /* the reader's */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(1, 0, 0);
}

static void worker(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        s->accepted += operations->try_send(s->channel, i) == CKF_OK;
    operations->close(s->channel);
}

/* Reads the reports when the work is done. */
static void read_reports(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    while (operations->recv(s->channel, &value) == CKF_OK)
        s->received++;
    ckf_stress_outcome(run, s->received == s->accepted ? "worked" : "lost element");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_missing_default) = {
    .id = "channel-missing-default",
    .collection = "channel",
    .title = "a full channel blocks a worker that only wanted to report",
    .story = "The select around the send of a statistic has no default: when its reader falls "
             "behind, the work stops. try_send takes it or says CKF_AGAIN.",
    .operations = {&racy_no_default_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"worker", worker, 1}},
    .arbiter = read_reports,
    .teardown = teardown,
    .rounds = 4,
    .explore_rounds = 2,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"worked", CKF_STRESS_ACCEPTABLE, "the work was done, reports were dropped"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted report was not received"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the worker is parked in its report"}},
};
