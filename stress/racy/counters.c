/* stress/racy/counters.c - counting on a plain field. The read and the write are kept apart, as a compiler
 * for a machine without an instruction that adds to memory has to; that is all that the twin needs. */
#include "counters.h"

void racy_counter_increment(struct racy_counter *counter)
{
    volatile uint64_t *value = &counter->value;
    uint64_t seen = *value;
    *value = seen + 1;
}

uint64_t racy_counter_read(const struct racy_counter *counter)
{
    return counter->value;
}
