/* tests/orders/scene.c - what all scenes need. */
#include "scene.h"

const enum ckf_variant variants[CKF_STRESS_VARIANTS] = {
    [CKF_STRESS_MUTEX] = CKF_VARIANT_MUTEX, [CKF_STRESS_ATOMIC] = CKF_VARIANT_ATOMIC};

void expect(struct ckf_stress_run *run, bool holds)
{
    if (!holds)
        ckf_stress_outcome(run, "wrong");
}

enum ckf_variant variant_of(struct ckf_stress_run *run)
{
    return *(const enum ckf_variant *)ckf_stress_operations(run);
}

void await_turn(struct ckf_stress_run *run, const _Atomic(int) *turn, int number)
{
    while (atomic_load_explicit(turn, relaxed) < number)
        ckf_stress_spin(run);
}

void end_turn(_Atomic(int) *turn)
{
    atomic_fetch_add_explicit(turn, 1, relaxed);
}
