/* stress/cases/filter_reload_storm.c - reloads are asked for faster than they can be done.
 *
 * Oracle: when all is quiet, the rules are those of the reload that was asked for last. Result: never
 * older ones.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
    _Atomic(unsigned) wanted; /* the word that the configuration denies now */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->filter = operations->create();
}

static unsigned configuration(void *state)
{
    return ((struct state *)state)->wanted;
}

/* Changes the configuration, and asks for it to be read again. */
static void operator_of_it(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        s->wanted = 1 + (s->wanted + ckf_stress_copy(run)) % (MOST_WORDS - 1);
        operations->reload(s->filter, configuration, s);
    }
}

static void judge(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    bool denied = is_dropped(operations, s->filter, word_text(s->wanted));
    ckf_stress_outcome(run, denied ? "as configured" : "stale rules");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_reload_storm) = {
    .id = "filter-reload-storm",
    .collection = "filter",
    .title = "a reload that is asked for during a reload is dropped",
    .story =
        "`if (reloading) return;` in the handler of SIGHUP: the configuration changed after the "
        "reload in progress had read it, and nobody reads it again. (rsyslog #5628, #6508.)",
    .operations = {&racy_dropped_reload_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"operator", operator_of_it, 2}},
    .arbiter = judge,
    .teardown = teardown,
    .rounds = 8,
    .explore_rounds = 1,
    .outcomes = {{"as configured", CKF_STRESS_ACCEPTABLE, "the last reload won"},
                 {"stale rules", CKF_STRESS_FORBIDDEN, "the last reload was dropped"}},
};
