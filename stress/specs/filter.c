/* specs/filter.c - a filter, one call at a time: every verdict is what the ruleset of its generation
 * says, the generation is the current one, and each publish is the next. */
#include "filter.h"

#include <inttypes.h>
#include <stdio.h>

#include <ck_filter/status.h>

void filter_init(void *state, const void *parameter)
{
    (void)parameter;
    *(struct filter_model *)state = (struct filter_model){.generation = 1};
}

static bool publish(struct filter_model *model, const struct ckf_stress_operation *operation)
{
    uint64_t expected = operation->arguments[1];
    bool stale = expected != 0 && expected != model->generation;
    switch (operation->status) {
    case CKF_OK:
        model->generation++;
        model->denied = operation->arguments[0];
        return !stale && operation->result == model->generation;
    case CKF_STALE:
        return stale && operation->result == model->generation;
    default: /* the old ruleset goes on */
        return operation->status == CKF_BUSY || operation->status == CKF_NO_MEMORY;
    }
}

bool filter_apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
                  const void *parameter)
{
    (void)step;
    (void)parameter;
    struct filter_model *model = state;
    switch (operation->code) {
    case FILTER_PUBLISH:
        return publish(model, operation);
    case FILTER_EVALUATE:
        return operation->result == model->generation &&
               operation->values[0] == (operation->arguments[0] & model->denied);
    case FILTER_GENERATION:
        return operation->result == model->generation;
    default:
        return false;
    }
}

void filter_print(const struct ckf_stress_operation *operation, char *text, size_t size)
{
    const char *status = ckf_status_name((enum ckf_status)operation->status);
    if (operation->code == FILTER_PUBLISH)
        snprintf(text, size, "publish {%#" PRIx64 "} after %" PRIu64 ": %s, generation %" PRIu64,
                 operation->arguments[0], operation->arguments[1], status, operation->result);
    else if (operation->code == FILTER_EVALUATE)
        snprintf(text, size, "evaluate %#" PRIx64 ": drops %#" PRIx64 " by generation %" PRIu64,
                 operation->arguments[0], operation->values[0], operation->result);
    else
        snprintf(text, size, "generation: %" PRIu64, operation->result);
}
