/* base/threads.h - the threads of this process, as the kernel lists them. */
#ifndef CKF_BASE_THREADS_H
#define CKF_BASE_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

struct ckf_thread_entry {
    uint64_t id;          /* gettid() */
    uint64_t start_ticks; /* with the id it tells a thread from a later one of the same id */
    char name[16];        /* as pthread_setname_np() set it */
};

/* Lists the threads that live, in one block to be freed with ckf_free. One that starts or ends
 * meanwhile may be in it or not. CKF_OK, CKF_NO_MEMORY, CKF_IO: /proc cannot be read. */
enum ckf_status ckf_list_threads(struct ckf_thread_entry **threads, size_t *count);

/* When the thread started, on CLOCK_MONOTONIC, as exactly as ticks are. */
int64_t ckf_thread_start_ns(const struct ckf_thread_entry *thread);

#endif
