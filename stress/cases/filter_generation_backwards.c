/* stress/cases/filter_generation_backwards.c - two publishers, and a reader who watches the version.
 *
 * Oracle: the generations that one thread sees never fall. Result: never.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
    _Atomic(unsigned) ended; /* publishers */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->filter = operations->create();
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    unsigned publishes = ckf_stress_rounds(run) / (1 + ckf_stress_copy(run));
    for (unsigned i = 0; i < publishes; i++)
        operations->replace(((struct state *)state)->filter, i % 2 == 0);
    ((struct state *)state)->ended++;
}

static void reader(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t last = 0;
    unsigned looks = ckf_stress_rounds(run) * ckf_stress_rounds(run); /* at the most */
    for (bool again = true; again;) {
        again = s->ended < ckf_stress_copies(run, 0) && --looks > 0;
        uint64_t now = operations->generation(s->filter);
        if (now < last)
            ckf_stress_outcome(run, "backwards");
        last = now;
        if (again)
            ckf_stress_spin(run);
    }
    ckf_stress_outcome(run, "forwards");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_generation_backwards) = {
    .id = "filter-generation-backwards",
    .collection = "filter",
    .title = "the version of the rules goes backwards",
    .story =
        "`version.store(old + 1)` by two publishers who read the same, or different, old ones. "
        "(arc-swap #210.)",
    .operations = {&racy_own_version_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"publisher", publisher, 2}, {"reader", reader, 1}},
    .teardown = teardown,
    .rounds = 40,
    .explore_rounds = 2,
    .outcomes = {{"forwards", CKF_STRESS_ACCEPTABLE, "no thread saw it fall"},
                 {"backwards", CKF_STRESS_FORBIDDEN,
                  "a thread saw a newer version, then an older"}},
};
