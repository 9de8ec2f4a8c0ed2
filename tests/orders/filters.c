/* tests/orders/filters.c - filters: what an evaluation reads must stay until it has ended. */
#include "scene.h"

#include "base/memory.h"
#include "filter/loans.h"
#include "sync/section.h"

struct state {
    struct ckf_filter *filter;
    struct ckf_ruleset *no_rules;
    uint64_t phase;     /* of sections, in the beginning */
    _Atomic(int) stage; /* of what one actor waits for */
    struct ckf_loan *loans;
    int lent[2]; /* what the loans lead to */
};

enum stage { BEGINNING, IN_SECTION, PUBLISHED };

static uint64_t phase_now(void)
{
    return atomic_load_explicit(&ckf_sections.phase, relaxed);
}

static void make_filter(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_filter_options options = {.variant = variant_of(run)};
    expect(run, ckf_filter_create(&s->filter, &options) == CKF_OK);
    expect(run, ckf_ruleset_create(&s->no_rules) == CKF_OK);
    s->phase = phase_now();
}

static void destroy_filter(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_ruleset_destroy(s->no_rules);
    ckf_filter_destroy(s->filter);
}

static const struct ckf_record a_record = {"a", 1};

static bool is_of(struct ckf_verdict verdict, uint64_t first, uint64_t last)
{
    return verdict.reason == CKF_REASON_DEFAULT && first <= verdict.generation &&
           verdict.generation <= last;
}

static void evaluate_once(struct ckf_stress_run *run, void *state)
{
    struct ckf_verdict verdict = ckf_filter_evaluate(((struct state *)state)->filter, a_record);
    expect(run, is_of(verdict, 1, 2));
}

static void publish_once(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_filter_publish(s->filter, s->no_rules, 0, NULL) == CKF_OK);
}

SCENE(filter_first_evaluation, "order-filter-first-evaluation", BOTH, make_filter, destroy_filter,
      {"evaluator", evaluate_once, 1}, {"publisher", publish_once, 1});

/* Who waits for the old snapshot's sections does not wait for those of its own phase: they find the new one.
 * The first section of a thread is never a light one. */

static void await_next_phase(struct ckf_stress_run *run, const struct state *state)
{
    ckf_section_end(ckf_section_begin());
    while (phase_now() == state->phase)
        ckf_stress_spin(run);
}

static void evaluate_then(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_next_phase(run, s);
    expect(run, is_of(ckf_filter_evaluate(s->filter, a_record), 2, 2));
}

static void evaluate_many_then(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_verdict verdict;
    await_next_phase(run, s);
    ckf_filter_evaluate_many(s->filter, &a_record, &verdict, 1);
    expect(run, is_of(verdict, 2, 2));
}

static void ask_generation_then(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_next_phase(run, s);
    expect(run, ckf_filter_generation(s->filter) == 2);
}

SCENE(filter_evaluation, "order-filter-evaluation", ATOMIC_ONLY, make_filter, destroy_filter,
      {"evaluator", evaluate_then, 1}, {"publisher", publish_once, 1});
SCENE(filter_batch, "order-filter-batch", ATOMIC_ONLY, make_filter, destroy_filter,
      {"evaluator", evaluate_many_then, 1}, {"publisher", publish_once, 1});
SCENE(filter_generation, "order-filter-generation", ATOMIC_ONLY, make_filter, destroy_filter,
      {"asker", ask_generation_then, 1}, {"publisher", publish_once, 1});

/* An evaluation that stands still holds up no publish. */

static void set_stage(struct state *state, enum stage stage)
{
    atomic_store(&state->stage, (int)stage);
}

static void await_stage(struct ckf_stress_run *run, struct state *state, enum stage stage)
{
    while (atomic_load(&state->stage) != (int)stage)
        ckf_stress_spin(run);
}

static void stand_still(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_place *place = ckf_section_begin();
    set_stage(s, IN_SECTION);
    await_stage(run, s, PUBLISHED);
    ckf_section_end(place);
}

static void publish_meanwhile(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_stage(run, s, IN_SECTION);
    publish_once(run, s);
    set_stage(s, PUBLISHED);
}

SCENE(filter_waits_for_nobody, "order-filter-waits-for-nobody", ATOMIC_ONLY, make_filter,
      destroy_filter, {"evaluator", stand_still, 1}, {"publisher", publish_meanwhile, 1});

/* Who takes what another call has given back finds it as that left it; nobody else has it meanwhile. */

static void make_loans(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->loans = ckf_alloc_aligned(2 * sizeof *s->loans, CKF_CACHELINE);
    expect(run, s->loans != NULL);
    for (int i = 0; i < 2; i++)
        s->loans[i].thing = &s->lent[i];
}

static void all_uses_count(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->lent[0] + s->lent[1] == 6);
    ckf_free(s->loans);
}

static void use_loans(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 2;) {
        struct ckf_loan *loan = ckf_loan_take(s->loans, 2, 0);
        if (loan == NULL) {
            ckf_stress_spin(run);
            continue;
        }
        ++*(int *)loan->thing;
        ckf_loan_return(loan);
        i++;
    }
}

SCENE(filter_loans, "order-filter-loans", ATOMIC_ONLY, make_loans, all_uses_count,
      {"user", use_loans, 3});
