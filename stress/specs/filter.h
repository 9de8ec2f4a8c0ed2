/* specs/filter.h - what a filter is when calls come one after the other.
 *
 * A ruleset is the set of the words that it denies, as bits. A verdict is the pure function of the
 * ruleset that its generation names: drop if the word is in the set.
 */
#ifndef STRESS_SPECS_FILTER_H
#define STRESS_SPECS_FILTER_H

#include <ck_filter/stress.h>

enum filter_code {
    FILTER_PUBLISH,   /* arguments: the ruleset, the expected generation; result: the generation */
    FILTER_EVALUATE,  /* arguments: words; values: those that are dropped; result: the generation */
    FILTER_GENERATION /* result */
};

struct filter_model {
    uint64_t generation, denied;
};

void filter_init(void *state, const void *parameter);
bool filter_apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
                  const void *parameter);
void filter_print(const struct ckf_stress_operation *operation, char *text, size_t size);

#define FILTER_SPECIFICATION                                                                       \
    {                                                                                              \
        .name = "filter", .state_size = sizeof(struct filter_model), .init = filter_init,          \
        .apply = filter_apply, .print = filter_print                                               \
    }

#endif
