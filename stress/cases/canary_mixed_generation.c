/* stress/cases/canary_mixed_generation.c - a candidate's verdicts are compared with those of the rules in
 * force, while both are reconfigured.
 *
 * Oracle: both always get the same rules, so no comparison shows a difference. Result: they agree, or it
 * cannot be told.
 */
#include <ck_filter/filter.h>
#include <ck_filter/ruleset.h>
#include <ck_filter/stress.h>

#include <stdlib.h>

#include "guards.h"

struct canary {
    struct ckf_filter *in_force, *candidate;
};

static void *create(enum ckf_variant variant)
{
    const struct ckf_filter_options options = {.name = "canary", .variant = variant};
    struct canary *canary = malloc(sizeof *canary);
    if (canary == NULL || ckf_filter_create(&canary->in_force, &options) != CKF_OK ||
        ckf_filter_create(&canary->candidate, &options) != CKF_OK)
        abort();
    return canary;
}

static void *create_mutex(void)
{
    return create(CKF_VARIANT_MUTEX);
}

static void *create_atomic(void)
{
    return create(CKF_VARIANT_ATOMIC);
}

static void destroy(void *arg)
{
    struct canary *canary = arg;
    ckf_filter_destroy(canary->in_force);
    ckf_filter_destroy(canary->candidate);
    free(canary);
}

/* One after the other, by one publisher: so generations go together. */
static void reconfigure(void *arg, bool denied)
{
    struct canary *canary = arg;
    const struct ckf_rule rule = {.id = 1,
                                  .match = CKF_MATCH_EXACT,
                                  .action = denied ? CKF_ACTION_DROP : CKF_ACTION_PASS,
                                  .pattern = "word",
                                  .pattern_len = 4};
    struct ckf_ruleset *rules;
    uint64_t generation;
    if (ckf_ruleset_create(&rules) != CKF_OK || ckf_ruleset_add(rules, &rule) != CKF_OK ||
        ckf_filter_publish(canary->in_force, rules, 0, &generation) != CKF_OK ||
        ckf_filter_publish(canary->candidate, rules, 0, &generation) != CKF_OK)
        abort();
    ckf_ruleset_destroy(rules);
}

/* A verdict says which rules it is by. */
static enum canary_answer compare(void *arg)
{
    struct canary *canary = arg;
    const struct ckf_record record = {"word", 4};
    struct ckf_verdict now = ckf_filter_evaluate(canary->in_force, record);
    struct ckf_verdict then = ckf_filter_evaluate(canary->candidate, record);
    if (now.generation != then.generation)
        return CANARY_CANNOT_TELL;
    return now.action == then.action ? CANARY_AGREES : CANARY_DIFFERS;
}

#define BY_GENERATION(create_function)                                                             \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .reconfigure = reconfigure,               \
        .compare = compare                                                                         \
    }
static const struct canary_operations mutex_canary = BY_GENERATION(create_mutex);
static const struct canary_operations atomic_canary = BY_GENERATION(create_atomic);

/* --- The case ----------------------------------------------------------------------------------- */

struct state {
    void *canary;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct canary_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->canary = operations->create();
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct canary_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->reconfigure(((struct state *)state)->canary, i % 2 == 0);
}

static void comparer(struct ckf_stress_run *run, void *state)
{
    const struct canary_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (operations->compare(((struct state *)state)->canary) == CANARY_DIFFERS)
            ckf_stress_outcome(run, "false difference");
}

static void look(struct ckf_stress_run *run, void *state)
{
    const struct canary_operations *operations = ckf_stress_operations(run);
    bool agrees = operations->compare(((struct state *)state)->canary) == CANARY_AGREES;
    ckf_stress_outcome(run, agrees ? "they agree" : "never compared");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct canary_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->canary);
}

CKF_STRESS_CASE(canary_mixed_generation) = {
    .id = "canary-mixed-generation",
    .collection = "guards",
    .title = "a candidate is compared with the rules in force while both are reconfigured",
    .story =
        "The rules in force are asked first and the candidate later, and in between both got new "
        "rules. A rollout is stopped for a difference that never was.",
    .operations = {&racy_canary, &mutex_canary, &atomic_canary},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"publisher", publisher, 1}, {"comparer", comparer, 1}},
    .arbiter = look,
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"they agree", CKF_STRESS_ACCEPTABLE, "no difference was shown"},
                 {"false difference", CKF_STRESS_FORBIDDEN, "the same rules seemed to differ"},
                 {"never compared", CKF_STRESS_FORBIDDEN, "not even when nothing moves"}},
};
