/* stress/cases/filter_null_record.c - a null record, and an empty pattern.
 *
 * Oracle: a null record has a verdict of its own; an empty pattern is refused. Result: never otherwise.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->filter = operations->create();
}

static void judge_null(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    void *filter = ((struct state *)state)->filter;
    operations->deny_folded(filter, "word");
    bool dropped = is_dropped(operations, filter, NULL);
    ckf_stress_outcome(run, dropped ? "null matched" : "sound");
}

static void add_empty_pattern(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    void *filter = ((struct state *)state)->filter;
    bool accepted = operations->deny_empty(filter);
    bool dropped = is_dropped(operations, filter, "anything");
    ckf_stress_outcome(run, accepted && dropped ? "empty matches all" : "sound");
}

static void user(struct ckf_stress_run *run, void *state)
{
    if (ckf_stress_random(run, 2) == 0)
        judge_null(run, state);
    else
        add_empty_pattern(run, state);
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_null_record) = {
    .id = "filter-null-record",
    .collection = "filter",
    .title = "a null record crashes the filter, an empty pattern matches everything",
    .story = "The article's five lines: a null field is dereferenced. Its repair, "
             "`orElse(\"\")`, turns a null pattern into one that every record contains.",
    .operations = {&racy_null_blind_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"user", user, 1}},
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"sound", CKF_STRESS_ACCEPTABLE, "null is no match, an empty pattern no rule"},
                 {"null matched", CKF_STRESS_FORBIDDEN, "a null record matched a word"},
                 {"empty matches all", CKF_STRESS_FORBIDDEN, "an empty pattern dropped everything"},
                 {"crash", CKF_STRESS_FORBIDDEN, "the null record was read"}},
};
