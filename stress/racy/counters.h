/* stress/racy/counters.h - counting on a plain field, as `filter.count++` does. */
#ifndef CKF_RACY_COUNTERS_H
#define CKF_RACY_COUNTERS_H

#include <stdint.h>

struct racy_counter {
    uint64_t value;
};

/* value++, from any thread: two of them may read the same value, and one increment is lost. */
void racy_counter_increment(struct racy_counter *counter);
uint64_t racy_counter_read(const struct racy_counter *counter);

#endif
