/* ck_filter/waiters.h - who waits where, since when, in which call; and what a test left behind.
 *
 * The counterpart of a goroutine profile. Every call of the library that sleeps is listed while it
 * does, at no cost to calls that need not sleep. A stuck program shows its blocked calls with
 * ckf_waiters_dump; a test that wants to be sure that it leaks no thread takes a baseline before
 * and checks it after.
 *
 * All functions may be called by any thread at any time. None is a cancellation point, and none
 * holds a lock while it calls a visitor or writes. Waiters are seen as they were at some moment of
 * the call, each thread at one.
 */
#ifndef CKF_WAITERS_H
#define CKF_WAITERS_H

#include <ck_filter/clock.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

/* One blocked call. The texts live as long as the visit. */
struct ckf_waiter {
    const char *object; /* "channel", "context", "group"; "thread": see ckf_leak_baseline_check */
    const char *name;   /* the object's, or "" */
    const char
        *operation;   /* the call without its prefix: "send", "recv_until", "select", "wait", "go",
                              "destroy" of a group that runs tasks */
    const char *site; /* who called it: "FILE+0xOFFSET", as addr2line(1) wants it, and the
                              symbol where one is known; NULL where it cannot be known */
    uint64_t thread_id; /* the kernel's, as gettid(2), ps and gdb say */
    int64_t since_ns;   /* CLOCK_MONOTONIC */
    uint64_t reserved[4];
};

/* False stops. */
typedef bool (*ckf_waiter_visit)(const struct ckf_waiter *waiter, void *arg);

/* Visits every blocked call; a select once for each of its channels. CKF_OK, also when stopped.
 * CKF_NO_MEMORY: nothing was visited. */
CKF_API enum ckf_status ckf_waiters_for_each(ckf_waiter_visit visit, void *arg);

enum ckf_dump_level {
    CKF_DUMP_GROUPED =
        1,            /* a line for all that wait alike (object, name, call, site): most first */
    CKF_DUMP_EACH = 2 /* a line for each */
};

/* Writes the list for people; control characters of names become question marks. CKF_INVALID: no such
 * level. CKF_NO_MEMORY: nothing was written. CKF_IO: the descriptor took not all of it. */
CKF_API CKF_MUST_USE enum ckf_status ckf_waiters_dump(int fd, enum ckf_dump_level level);

/* The threads and waiters that were there before the code under test. */
struct ckf_leak_baseline;

/* To be taken while the threads that exist are at rest, and given to ckf_leak_baseline_destroy.
 * CKF_NO_MEMORY; CKF_IO: /proc cannot be read. On failure *baseline is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_leak_baseline_take(struct ckf_leak_baseline **baseline);

/* Looks again and again until everything that came after the baseline has gone, at the longest until
 * deadline_ns; CKF_NOW and passed times look once. Then visits what was left behind: blocked calls
 * that were not there at the baseline, and new threads that are in no blocked call of the library,
 * with object "thread", the thread's name, operation "run", and the time when they started. The
 * calling thread and those of the library itself do not count. A thread that was joined may be seen
 * for a moment more: give it time.
 * CKF_OK: nothing was left. CKF_BUSY: something was (visit may be NULL). CKF_NO_MEMORY; CKF_IO: /proc
 * cannot be read. */
CKF_API CKF_MUST_USE enum ckf_status ckf_leak_baseline_check(
    const struct ckf_leak_baseline *baseline, int64_t deadline_ns, ckf_waiter_visit visit,
    void *arg);

CKF_API void ckf_leak_baseline_destroy(struct ckf_leak_baseline *baseline);

CKF_END_DECLS

#endif
