/* stress/cases/filter_linearizable.c - rulesets are published while records are judged.
 *
 * Oracle: the calls have an order: each verdict is what the ruleset of its generation says, and that
 * generation was the current one at a moment of the call. What was written before a publish can be
 * read by whoever sees its rules.
 */
#include "filter_history.h"

#include "../racy/filter_calls.h"
#include "../specs/filter.h"

enum { FIRST = 1, SECOND = 2, EITHER = FIRST | SECOND };

struct state {
    void *filter;
    int notes
        [2]; /* plain memory: notes[i] is set before a ruleset that denies word i is published */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_calls *calls = ckf_stress_operations(run);
    ((struct state *)state)->filter = calls->create();
}

static enum ckf_status publish(struct ckf_stress_run *run, struct state *s, uint64_t denied,
                               uint64_t expected, uint64_t *generation)
{
    const struct filter_calls *calls = ckf_stress_operations(run);
    ckf_stress_call(run, FILTER_PUBLISH, 0, denied, expected);
    enum ckf_status status = calls->publish(s->filter, denied, expected, generation);
    ckf_stress_return(run, status, status == CKF_OK || status == CKF_STALE ? *generation : 0);
    return status;
}

static void evaluate(struct ckf_stress_run *run, struct state *s, uint64_t words)
{
    const struct filter_calls *calls = ckf_stress_operations(run);
    uint64_t dropped;
    ckf_stress_call(run, FILTER_EVALUATE, 0, words, 0);
    uint64_t generation = calls->evaluate(s->filter, words, &dropped);
    ckf_stress_value(run, 0, dropped);
    ckf_stress_return(run, CKF_OK, generation);
    for (int i = 0; i < 2; i++)
        if ((dropped >> i & 1) != 0 && s->notes[i] == 0)
            ckf_stress_outcome(run, "note missing");
}

static void read_generation(struct ckf_stress_run *run, struct state *s)
{
    const struct filter_calls *calls = ckf_stress_operations(run);
    ckf_stress_call(run, FILTER_GENERATION, 0, 0, 0);
    ckf_stress_return(run, CKF_OK, calls->generation(s->filter));
}

/* Whatever is there. */
static void bold_publisher(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t generation = 0;
    s->notes[0] = 1;
    publish(run, s, FIRST, 0, &generation);
    evaluate(run, s, EITHER);
}

/* Only on top of what is known. */
static void careful_publisher(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t generation = 1;
    s->notes[1] = 1;
    if (publish(run, s, SECOND, 1, &generation) == CKF_STALE)
        publish(run, s, SECOND, generation, &generation);
}

static void judge(struct ckf_stress_run *run, void *state)
{
    evaluate(run, state, EITHER);
    read_generation(run, state);
    evaluate(run, state, FIRST);
}

static void look_again(struct ckf_stress_run *run, void *state)
{
    evaluate(run, state, EITHER);
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_calls *calls = ckf_stress_operations(run);
    calls->destroy(((struct state *)state)->filter);
}

static const struct ckf_stress_specification specification = FILTER_SPECIFICATION;

CKF_STRESS_CASE(filter_linearizable) = {
    .id = "filter-linearizable",
    .collection = "filter",
    .title = "two publish rulesets, one by generation, while records are judged",
    .story =
        "A generation number is kept beside the rules, and read before them: a verdict says that "
        "it comes from one generation and comes from the next.",
    .operations = {&racy_generation_apart, &mutex_filter_calls, &atomic_filter_calls},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"bold publisher", bold_publisher, 1},
               {"careful publisher", careful_publisher, 1},
               {"judge", judge, 1}},
    .arbiter = look_again,
    .teardown = teardown,
    .specification = &specification,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE,
                  "the calls have an order that explains their results"},
                 {"note missing", CKF_STRESS_FORBIDDEN,
                  "rules came without what was written before they were published"},
                 {"not linearizable", CKF_STRESS_FORBIDDEN, "no order of the calls explains them"}},
};
