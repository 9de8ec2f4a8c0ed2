/* stress/cases/filter_append_while_reading.c - the deny list grows under a reader.
 *
 * Oracle: a word that was denied before is denied. Result: never missed.
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
    operations->deny(s->filter, 0);
}

static void appender(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->deny(((struct state *)state)->filter, 1 + i % (MOST_WORDS - 1));
}

static void reader(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (!is_dropped(operations, ((struct state *)state)->filter, word_text(0)))
            ckf_stress_outcome(run, "missed rule");
    ckf_stress_outcome(run, "denied");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_append_while_reading) = {
    .id = "filter-append-while-reading",
    .collection = "filter",
    .title = "the deny list grows under a reader",
    .story = "`blacklist = append(blacklist, word)` while filters range over it. \"Use atomics\", "
             "the article's advice, cannot mend a slice: it is three words.",
    .operations = {&racy_growing_list_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"appender", appender, 1}, {"reader", reader, 1}},
    .teardown = teardown,
    .rounds = 9,
    .explore_rounds = 2,
    .outcomes = {{"denied", CKF_STRESS_ACCEPTABLE, "the old rule held all the time"},
                 {"missed rule", CKF_STRESS_FORBIDDEN, "a denied word passed"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "the reader walked the freed array"},
                 {"crash", CKF_STRESS_FORBIDDEN, "the reader walked past the array"}},
};
