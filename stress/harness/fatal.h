/* harness/fatal.h - how an iteration can end its process, as the child records it. */
#ifndef CKF_STRESS_FATAL_H
#define CKF_STRESS_FATAL_H

enum ckf_stress_fatal {
    CKF_STRESS_FATAL_NONE,
    CKF_STRESS_FATAL_ABORT,
    CKF_STRESS_FATAL_USE_AFTER_FREE,
    CKF_STRESS_FATAL_DOUBLE_FREE,
    CKF_STRESS_FATAL_CRASH
};

/* Records the end of this process for its parent, and ends it. For signal handlers too. */
_Noreturn void ckf_stress_fatal(enum ckf_stress_fatal what);

#endif
