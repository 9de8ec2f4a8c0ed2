/* tests/orders/scene.h - small scenes, one for each reason that an order or a step of the library has,
 * beside the cases of the stress suite: for `mutate`, which leaves the reason out.
 *
 * None has a racy twin: they are about the library, and some reach into its private parts. Where a
 * scene says "in the end", it means that the engine lets a far deadline fire only when nobody else can
 * go on.
 *
 * A file of scenes defines `struct state`, which begins zeroed, and the bodies, and adds each scene to
 * the program by SCENE. It is listed in tests/meson.build.
 */
#ifndef ORDERS_SCENE_H
#define ORDERS_SCENE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <ck_filter/ck_filter.h>
#include <ck_filter/stress.h>

#define relaxed memory_order_relaxed

enum { FAR_NS = 1000000000 };

extern const enum ckf_variant variants[CKF_STRESS_VARIANTS];

/* The scene fails unless this holds. */
void expect(struct ckf_stress_run *run, bool holds);

enum ckf_variant variant_of(struct ckf_stress_run *run);

/* Turns, from 0: actors that go one after another, and learn nothing of each other by it. What one does
 * not see then, although it has been done, is what no order shows to it. */
void await_turn(struct ckf_stress_run *run, const _Atomic(int) *turn, int number);
void end_turn(_Atomic(int) *turn);

/* What is explored: both variants of a collection, or the ATOMIC one (or what has no variants). */
#define BOTH                                                                                       \
    {                                                                                              \
        [CKF_STRESS_MUTEX] = &variants[CKF_STRESS_MUTEX], [CKF_STRESS_ATOMIC] =                    \
                                                              &variants[CKF_STRESS_ATOMIC]         \
    }
#define ATOMIC_ONLY                                                                                \
    {                                                                                              \
        [CKF_STRESS_ATOMIC] = &variants[CKF_STRESS_ATOMIC]                                         \
    }

/* SCENE(name, id, which, setup, teardown, {actor, body, copies}, ...) */
#define SCENE(name, case_id, which, before, after, ...)                                            \
    CKF_STRESS_CASE(name) = {                                                                      \
        .id = case_id,                                                                             \
        .collection = "orders",                                                                    \
        .title = #name,                                                                            \
        .operations = which,                                                                       \
        .state_size = sizeof(struct state),                                                        \
        .setup = before,                                                                           \
        .actors = {__VA_ARGS__},                                                                   \
        .teardown = after,                                                                         \
        .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "as it should be"}},                            \
    }

#endif
