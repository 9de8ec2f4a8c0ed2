/* sync/trace.h - what the library's own modules say to the recorder of <ck_filter/trace.h>. */
#ifndef CKF_SYNC_TRACE_H
#define CKF_SYNC_TRACE_H

#include <ck_filter/trace.h>

#include "base/atomics.h"
#include "base/check.h"

extern _Atomic(bool) ckf_trace_on __attribute__((visibility("hidden")));

/* Cheap, and to be asked before anything is prepared for a note. */
static inline bool ckf_trace_is_on(void)
{
    /* relaxed: a note more or less at start and stop */
    return CKF_UNLIKELY(load_relaxed(&ckf_trace_on));
}

/* From since_ns until now: "label name (value)". category and label are literals; name may be NULL. */
void ckf_trace_note_span(int64_t since_ns, const char *category, const char *label,
                         const char *name, uint64_t value);
/* At this moment. */
void ckf_trace_note_mark(const char *category, const char *label, const char *name, uint64_t value);

#endif
