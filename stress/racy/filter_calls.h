/* stress/racy/filter_calls.h - a filter whose generation lies beside its rules. */
#ifndef STRESS_RACY_FILTER_CALLS_H
#define STRESS_RACY_FILTER_CALLS_H

#include "../cases/filter_history.h"

extern const struct filter_calls racy_generation_apart;

#endif
