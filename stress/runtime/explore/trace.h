/* explore/trace.h - what happened in one execution, for people. */
#ifndef CKF_EXPLORE_TRACE_H
#define CKF_EXPLORE_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ckf_event {
    uint64_t value;
    uintptr_t address, pc;
    uint32_t step;
    uint16_t store,
        stores; /* which of how many stores was read or written, from 0; stores 0: none */
    uint8_t thread, kind, size, order;
    unsigned depth; /* of calls */
    uintptr_t calls[8];
};

/* Events of the last execution that ran with options.trace. */
const struct ckf_event *ckf_trace_events(size_t *count);

/* Prints them, one column a thread, and then how the execution ended: the threads that wait, with
 * their call sites. */
void ckf_trace_print(FILE *out);

#endif
