/* ck_filter/trace.h - a recorder of what threads do, for a timeline.
 *
 * Between start and stop, the library notes every wait (channel, select, context, group), wake, cancel,
 * close, publish and task, and a program may add spans and marks of its own. What was recorded is
 * written as JSON in the Trace Event Format that https://ui.perfetto.dev and chrome://tracing open.
 *
 *     ckf_trace_start(0);
 *     run();
 *     ckf_trace_stop();
 *     ckf_trace_write(fd);
 *
 * Cost: a relaxed load at each of these places while nothing is recorded; else a clock read and a
 * cache line written, in memory of the thread's own. Nobody waits for anybody. Memory is bounded: when
 * it is full the first events stay, and later ones are counted as dropped. A write may take as long as its
 * file does; only a start, and another write, wait for it.
 *
 * All functions may be called by any thread at any time. None is a cancellation point.
 */
#ifndef CKF_TRACE_H
#define CKF_TRACE_H

#include <ck_filter/clock.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

/* Begins a new recording, in at most max_bytes (0: 16 MiB), which is allocated as it is needed. What
 * was recorded before is forgotten. CKF_ALREADY: one is in progress. */
CKF_API CKF_MUST_USE enum ckf_status ckf_trace_start(size_t max_bytes);

/* Ends the recording; again harmless. What is on its way may still be recorded. */
CKF_API void ckf_trace_stop(void);

/* Writes what has been recorded since the last start, also while it goes on. CKF_IO: a write failed.
 * CKF_NO_MEMORY. */
CKF_API CKF_MUST_USE enum ckf_status ckf_trace_write(int fd);

struct ckf_trace_stats {
    uint64_t recorded, dropped; /* events of this recording, in all threads */
    uint64_t reserved[6];
};

CKF_API void ckf_trace_read_stats(struct ckf_trace_stats *stats);

/* Work of the program's own, on this thread. Names are cut after 23 bytes and may be gone afterwards.
 * Spans end in the order that makes them nest. `value` is shown beside the name. Wait-free but for
 * memory now and then, and a short lock at a thread's first event. */
struct ckf_trace_span {
    int64_t since_ns; /* 0: nothing is recorded */
};
CKF_API struct ckf_trace_span ckf_trace_begin(void);
CKF_API void ckf_trace_end(struct ckf_trace_span span, const char *name, uint64_t value);
CKF_API void ckf_trace_mark(const char *name, uint64_t value);

CKF_END_DECLS

#endif
