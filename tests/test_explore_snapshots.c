/* tests/test_explore_snapshots.c - the cases of the suite, each variant: going on from snapshots makes the same
 * executions as beginning at the beginning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"
#include "explore_snapshots.h"

extern const struct ckf_stress_case *const __start_ckf_stress_cases[];
extern const struct ckf_stress_case *const __stop_ckf_stress_cases[];

static void every_case_goes_on_as_from_the_start(void **state)
{
    (void)state;
    static const unsigned bounds[] = {2, CKF_EXPLORE_UNBOUNDED};
    uint64_t executions = 0;
    unsigned compared = 0, wrong = 0;
    for (const struct ckf_stress_case *const *test = __start_ckf_stress_cases;
         test < __stop_ckf_stress_cases; test++) {
        for (int variant = 0; variant < CKF_STRESS_VARIANTS; variant++) {
            struct ckf_case_program program = {*test, (enum ckf_stress_variant)variant, 0, 0};
            for (int i = 0; (*test)->operations[variant] != NULL && i < 2; i++) {
                struct ckf_explore_options options = {.preemptions = bounds[i],
                                                      .timeouts = 1,
                                                      .timed = (*test)->specification != NULL,
                                                      .executions = 200};
                compared++;
                if (explore_snapshots_change_nothing(ckf_explore_case_run, &program, options,
                                                     ckf_explore_case_outcome, &executions))
                    continue;
                wrong++;
                print_error("%s, variant %d, bound %u\n", (*test)->id, variant, bounds[i]);
            }
        }
    }
    print_message("%u searches, %llu executions\n", compared, (unsigned long long)executions);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_goes_on_as_from_the_start),
    };
    return cmocka_run_group_tests_name("explore_snapshots", tests, NULL, NULL);
}
