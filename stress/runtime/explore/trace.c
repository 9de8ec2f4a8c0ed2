/* explore/trace.c - records the events of an execution and prints them.
 *
 * Only executions that are run again after a failure are recorded, so that the others pay nothing.
 */
#include "trace.h"

#include "engine.h"

enum { MAX_EVENTS = 1 << 16 };

static struct ckf_event *events;
static size_t event_count;
static uint32_t recorded_execution;

void ckf_trace_event(const struct ckf_operation *op, uint64_t value, unsigned store,
                     unsigned stores)
{
    const struct ckf_thread *self = ckf_engine.running;
    if (events == NULL)
        events = ckf_reserve(MAX_EVENTS * sizeof *events);
    if (recorded_execution != ckf_engine.execution)
        event_count = 0;
    recorded_execution = ckf_engine.execution;
    if (event_count == MAX_EVENTS)
        return;
    struct ckf_event *event = &events[event_count++];
    *event = (struct ckf_event){.value = value,
                                .address = op->address,
                                .pc = op->pc,
                                .step = ckf_engine.step,
                                .store = (uint16_t)store,
                                .stores = (uint16_t)stores,
                                .thread = self->id,
                                .kind = op->kind,
                                .size = op->size,
                                .order = op->order,
                                .depth = self->depth};
    for (unsigned i = 0; i < 8 && i < self->depth && i < MAX_CALLS; i++)
        event->calls[i] = self->calls[self->depth - 1 - i];
}

const struct ckf_event *ckf_trace_events(size_t *count)
{
    *count = recorded_execution == ckf_engine.execution ? event_count : 0;
    return events;
}
