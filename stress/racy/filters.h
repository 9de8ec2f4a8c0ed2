/* stress/racy/filters.h - filters as the article's code has them, one mistake each. */
#ifndef STRESS_RACY_FILTERS_H
#define STRESS_RACY_FILTERS_H

#include "../cases/filters.h"

extern const struct filter_operations racy_growing_list_filter;   /* append under a reader */
extern const struct filter_operations racy_field_by_field_filter; /* replaced in pieces */
extern const struct filter_operations racy_freed_at_once_filter;  /* no grace period */
extern const struct filter_operations racy_copy_and_store_filter; /* read, modify, write */
extern const struct filter_operations racy_shared_scratch_filter; /* one buffer for everyone */
extern const struct filter_operations racy_null_blind_filter;     /* null is not looked for */
extern const struct filter_operations racy_hits_inside_filter;    /* hits go with the snapshot */
extern const struct filter_operations racy_thread_local_filter;   /* state stays in its thread */
extern const struct filter_operations
    racy_dropped_reload_filter;                              /* one reload at a time, others drop */
extern const struct filter_operations racy_unbounded_filter; /* what is replaced piles up */
extern const struct filter_operations racy_cleared_first_filter; /* clear, read, fail */
extern const struct filter_operations racy_own_version_filter;   /* version and rules apart */
extern const struct filter_operations racy_counted_late_filter;  /* load, then count oneself in */
extern const struct filter_operations racy_awaited_filter;       /* done when all have looked */
extern const struct filter_operations racy_counted_first_filter; /* the count, then the work */
extern const struct filter_operations racy_grown_first_filter;   /* the number, then the rule */

#endif
