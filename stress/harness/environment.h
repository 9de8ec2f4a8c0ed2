/* harness/environment.h - where a result comes from: without that, figures say nothing. */
#ifndef CKF_STRESS_ENVIRONMENT_H
#define CKF_STRESS_ENVIRONMENT_H

struct ckf_stress_environment {
    char cpu[96], kernel[256], libc[32], governor[32];
    unsigned cpus; /* that this process may use */
    const char *compiler, *flags, *build_type, *sanitizer, *version;
};

void ckf_stress_read_environment(struct ckf_stress_environment *environment);

#endif
