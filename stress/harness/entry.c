/* harness/entry.c - ckf_stress_main: finds the cases of the program that it is linked into.
 *
 * CKF_STRESS_CASE puts pointers into a section of their own; the linker names its ends. It does so
 * for each program or shared object by itself, hence this file is linked into the program and not
 * into the shared library. Weak: a program may have no cases. */
#include "harness/program.h"

extern const struct ckf_stress_case *const __start_ckf_stress_cases[] __attribute__((weak));
extern const struct ckf_stress_case *const __stop_ckf_stress_cases[] __attribute__((weak));

int ckf_stress_main(int argc, char **argv)
{
    return ckf_stress_program(argc, argv, __start_ckf_stress_cases, __stop_ckf_stress_cases);
}
