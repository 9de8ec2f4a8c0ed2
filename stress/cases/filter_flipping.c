/* stress/cases/filter_flipping.c - the actors around a ruleset that flips. */
#include "filter_flipping.h"

void flipping_setup(struct ckf_stress_run *run, void *arg)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct flipping *s = arg;
    s->filter = operations->create();
    operations->replace(s->filter, false);
}

void flipping_publisher(struct ckf_stress_run *run, void *arg)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->replace(((struct flipping *)arg)->filter, i % 2 == 0);
}

void flipping_reader(struct ckf_stress_run *run, void *arg)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    static const char *const records[2] = {"a", "b"};
    bool dropped[2];
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        operations->judge(((struct flipping *)arg)->filter, records, dropped, 2);
        if (dropped[0] == dropped[1])
            ckf_stress_outcome(run, "torn");
    }
    ckf_stress_outcome(run, "whole");
}

void flipping_teardown(struct ckf_stress_run *run, void *arg)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct flipping *)arg)->filter);
}
