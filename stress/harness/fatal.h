/* harness/fatal.h - how an iteration can end its process, as the child records it. */
#ifndef CKF_STRESS_FATAL_H
#define CKF_STRESS_FATAL_H

struct ckf_stress_region;

enum ckf_stress_fatal {
    CKF_STRESS_FATAL_NONE,
    CKF_STRESS_FATAL_ABORT,
    CKF_STRESS_FATAL_USE_AFTER_FREE,
    CKF_STRESS_FATAL_DOUBLE_FREE,
    CKF_STRESS_FATAL_CRASH
};

/* Records the end of this process for its parent, and ends it. For signal handlers too. */
_Noreturn void ckf_stress_fatal(enum ckf_stress_fatal what);

/* From here on, deadly signals and reports of sanitizers are recorded in the region. */
void ckf_stress_catch_fatal(struct ckf_stress_region *region);

/* Gives the calling thread a stack for the handlers, if it has none: its own may be what overflowed.
 * The memory, of CKF_STRESS_SIGNAL_STACK bytes, is to outlive the thread. */
void ckf_stress_use_signal_stack(void *memory);
enum { CKF_STRESS_SIGNAL_STACK = 64 * 1024 };

/* Ends the process at once: no handlers, no leak check, no flushing. */
_Noreturn void ckf_stress_exit_now(int status);

#endif
