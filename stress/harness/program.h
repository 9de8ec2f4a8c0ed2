/* harness/program.h - the program, apart from where its cases come from. */
#ifndef CKF_STRESS_PROGRAM_H
#define CKF_STRESS_PROGRAM_H

#include <ck_filter/stress.h>

/* Does what ckf_stress_main says, with the cases from begin to end. */
CKF_API int ckf_stress_program(int argc, char **argv, const struct ckf_stress_case *const *begin,
                               const struct ckf_stress_case *const *end);

#endif
