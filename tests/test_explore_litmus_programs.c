/* tests/test_explore_litmus_programs.c - the litmus tests themselves, compiled as everything that is explored.
 *
 * Names and shapes are those of Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 2014, and of
 * Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11", PLDI 2017.
 */
#include "explore_litmus.h"

#include <stdatomic.h>

#include "base/wide_cas.h"
#include "explore.h"

static _Atomic(int) x, y, z;
static struct ckf_wide wide;
static int plain;

enum {
    rlx = memory_order_relaxed,
    acq = memory_order_acquire,
    rel = memory_order_release,
    acq_rel = memory_order_acq_rel,
    sc = memory_order_seq_cst
};

#define W(variable, value, order) atomic_store_explicit(&(variable), value, (memory_order)(order))
#define R(index, variable, order)                                                                  \
    ckf_explore_result(index, atomic_load_explicit(&(variable), (memory_order)(order)))
#define ADD(variable, order) atomic_fetch_add_explicit(&(variable), 1, (memory_order)(order))
#define FENCE(order)         atomic_thread_fence((memory_order)(order))

/* THREAD(name, statements) */
#define THREAD(name, ...)                                                                          \
    static void name(void *unused)                                                                 \
    {                                                                                              \
        (void)unused;                                                                              \
        __VA_ARGS__                                                                                \
    }

void litmus_run(void *arg)
{
    const struct litmus *litmus = arg;
    unsigned ids[LITMUS_THREADS], count = 0;
    while (count < LITMUS_THREADS && litmus->threads[count] != NULL) {
        static const char *const names[LITMUS_THREADS] = {"T1", "T2", "T3", "T4"};
        ids[count] = ckf_explore_spawn(litmus->threads[count], NULL, names[count]);
        count++;
    }
    for (unsigned i = 0; i < count; i++)
        ckf_explore_join(ids[i]);
    if (litmus->last != NULL)
        litmus->last(NULL);
}

THREAD(wx_wy_rlx, W(x, 1, rlx); W(y, 1, rlx);)
THREAD(wx_wy_rel, W(x, 1, rlx); W(y, 1, rel);)
THREAD(wx_wy_sc, W(x, 1, sc); W(y, 1, sc);)
THREAD(wx_frel_wy, W(x, 1, rlx); FENCE(rel); W(y, 1, rlx);)
THREAD(wx_fsc_wy, W(x, 1, rlx); FENCE(sc); W(y, 1, rlx);)
THREAD(ry_rx_rlx, R(0, y, rlx); R(1, x, rlx);)
THREAD(ry_rx_acq, R(0, y, acq); R(1, x, rlx);)
THREAD(ry_rx_sc, R(0, y, sc); R(1, x, sc);)
THREAD(ry_facq_rx, R(0, y, rlx); FENCE(acq); R(1, x, rlx);)
THREAD(ry_fsc_rx, R(0, y, rlx); FENCE(sc); R(1, x, rlx);)

THREAD(wx_ry_rlx, W(x, 1, rlx); R(0, y, rlx);)
THREAD(wy_rx_rlx, W(y, 1, rlx); R(1, x, rlx);)
THREAD(wx_ry_ra, W(x, 1, rel); R(0, y, acq);)
THREAD(wy_rx_ra, W(y, 1, rel); R(1, x, acq);)
THREAD(wx_ry_sc, W(x, 1, sc); R(0, y, sc);)
THREAD(wy_rx_sc, W(y, 1, sc); R(1, x, sc);)
THREAD(wx_ry_scw, W(x, 1, sc); R(0, y, rlx);)
THREAD(wy_rx_scw, W(y, 1, sc); R(1, x, rlx);)
THREAD(wx_fsc_ry, W(x, 1, rlx); FENCE(sc); R(0, y, rlx);)
THREAD(wy_fsc_rx, W(y, 1, rlx); FENCE(sc); R(1, x, rlx);)
THREAD(wx_far_ry, W(x, 1, rlx); FENCE(acq_rel); R(0, y, rlx);)
THREAD(wy_far_rx, W(y, 1, rlx); FENCE(acq_rel); R(1, x, rlx);)
THREAD(xx_ry, atomic_exchange_explicit(&x, 1, memory_order_acq_rel); R(0, y, acq);)
THREAD(xy_rx, atomic_exchange_explicit(&y, 1, memory_order_acq_rel); R(1, x, acq);)

THREAD(rx_wy_rlx, R(0, x, rlx); W(y, 1, rlx);)
THREAD(ry_wx_rlx, R(1, y, rlx); W(x, 1, rlx);)
THREAD(rx_wy_ra, R(0, x, acq); W(y, 1, rel);)
THREAD(ry_wx_ra, R(1, y, acq); W(x, 1, rel);)

THREAD(wx_rlx, W(x, 1, rlx);)
THREAD(wy_rlx, W(y, 1, rlx);)
THREAD(wx_rel, W(x, 1, rel);)
THREAD(wy_rel, W(y, 1, rel);)
THREAD(wx_sc, W(x, 1, sc);)
THREAD(wy_sc, W(y, 1, sc);)
THREAD(rx0_ry1_rlx, R(0, x, rlx); R(1, y, rlx);)
THREAD(ry2_rx3_rlx, R(2, y, rlx); R(3, x, rlx);)
THREAD(rx0_ry1_acq, R(0, x, acq); R(1, y, acq);)
THREAD(ry2_rx3_acq, R(2, y, acq); R(3, x, acq);)
THREAD(rx0_ry1_sc, R(0, x, sc); R(1, y, sc);)
THREAD(ry2_rx3_sc, R(2, y, sc); R(3, x, sc);)
THREAD(rx0_fsc_ry1, R(0, x, rlx); FENCE(sc); R(1, y, rlx);)
THREAD(ry2_fsc_rx3, R(2, y, rlx); FENCE(sc); R(3, x, rlx);)

THREAD(wx1_wy2_rlx, W(x, 1, rlx); W(y, 2, rlx);)
THREAD(wy1_wx2_rlx, W(y, 1, rlx); W(x, 2, rlx);)
THREAD(wx1_wy2_sc, W(x, 1, sc); W(y, 2, sc);)
THREAD(wy1_wx2_sc, W(y, 1, sc); W(x, 2, sc);)
THREAD(wx2_wy1_rel, W(x, 2, rlx); W(y, 1, rel);)
THREAD(ry_wx1_acq, R(0, y, acq); W(x, 1, rlx);)
THREAD(wx2_wy1_rlx, W(x, 2, rlx); W(y, 1, rlx);)
THREAD(ry_wx1_rlx, R(0, y, rlx); W(x, 1, rlx);)
THREAD(wy2_rx_rlx, W(y, 2, rlx); R(0, x, rlx);)
THREAD(wy2_rx_sc, W(y, 2, sc); R(0, x, sc);)
THREAD(wy2_fsc_rx, W(y, 2, rlx); FENCE(sc); R(0, x, rlx);)
THREAD(last_xy, R(1, x, rlx); R(2, y, rlx);)
THREAD(last_x, R(1, x, rlx);)
THREAD(last_y, R(1, y, rlx);)

THREAD(wx1_wx2, W(x, 1, rlx); W(x, 2, rlx);)
THREAD(rx_rx, R(0, x, rlx); R(1, x, rlx);)
THREAD(rx_rx_2, R(2, x, rlx); R(3, x, rlx);)
THREAD(wx2, W(x, 2, rlx);)
THREAD(wx1_rx, W(x, 1, rlx); R(0, x, rlx);)
THREAD(rx_wx1, R(0, x, rlx); W(x, 1, rlx);)
THREAD(rx0, R(0, x, rlx);)

THREAD(rx_wy_acqrel, R(0, x, acq); W(y, 1, rel);)
THREAD(ry1_rx2_acq, R(1, y, acq); R(2, x, rlx);)
THREAD(ry1_rx2_rlx, R(1, y, rlx); R(2, x, rlx);)
THREAD(rx0_ry1_a, R(0, x, acq); R(1, y, rlx);)
THREAD(rx0_fsc_ry1_a, R(0, x, rlx); FENCE(sc); R(1, y, rlx);)
THREAD(wy_rx2, W(y, 1, rlx); R(2, x, rlx);)
THREAD(wy_fsc_rx2, W(y, 1, rlx); FENCE(sc); R(2, x, rlx);)
THREAD(wy_rx2_sc, W(y, 1, sc); R(2, x, sc);)
THREAD(rx0_ry1_scsc, R(0, x, sc); R(1, y, sc);)
THREAD(ry0_wz_ra, R(0, y, acq); W(z, 1, rel);)
THREAD(ry0_wz_rlx, R(0, y, rlx); W(z, 1, rlx);)
THREAD(rz1_rx2_acq, R(1, z, acq); R(2, x, rlx);)
THREAD(rz1_rx2_rlx, R(1, z, rlx); R(2, x, rlx);)

/* S is not the order of execution. */
THREAD(wx_sc_wy_rlx, W(x, 1, sc); W(y, 1, rlx);)
THREAD(wx_sc_wy_rel, W(x, 1, sc); W(y, 1, rel);)
THREAD(xx_sc_wy_rlx, atomic_exchange(&x, 1); W(y, 1, rlx);)
THREAD(xx_ar_wy_rlx, atomic_exchange_explicit(&x, 1, acq_rel); W(y, 1, rlx);)
THREAD(wx_sc_wz_sc_wy_rlx, W(x, 1, sc); W(z, 1, sc); W(y, 1, rlx);)
THREAD(wx_sc_wy_rlx_rz_sc, W(x, 1, sc); W(y, 1, rlx); R(2, z, sc);)
THREAD(rz_sc_wx_sc_wy_rlx, R(2, z, sc); W(x, 1, sc); W(y, 1, rlx);)
THREAD(ry_rlx_rx_sc, R(0, y, rlx); R(1, x, sc);)
THREAD(ry_acq_rx_sc, R(0, y, acq); R(1, x, sc);)
THREAD(ry_rlx_rz_sc_rx_sc, R(0, y, rlx); R(2, z, sc); R(1, x, sc);)
THREAD(ry_rlx_wz_sc_rx_sc, R(0, y, rlx); W(z, 1, sc); R(1, x, sc);)
THREAD(wz_sc_ry_rlx_rx_sc, W(z, 1, sc); R(0, y, rlx); R(1, x, sc);)
THREAD(ry_rlx_fsc_rx_sc, R(0, y, rlx); FENCE(sc); R(1, x, sc);)
THREAD(ry_rlx_cas_sc, R(0, y, rlx); int two = 2; atomic_compare_exchange_strong(&x, &two, 3);
       ckf_explore_result(1, two);)
THREAD(ry_rlx_add_x_sc, R(0, y, rlx); ckf_explore_result(1, atomic_fetch_add(&x, 1));)
THREAD(rx0_rlx_ry1_sc, R(0, x, rlx); R(1, y, sc);)
THREAD(ry2_rlx_rx3_sc, R(2, y, rlx); R(3, x, sc);)
THREAD(rx0_acq_ry1_sc, R(0, x, acq); R(1, y, sc);)
THREAD(ry2_acq_rx3_sc, R(2, y, acq); R(3, x, sc);)
THREAD(rx_sc_wy_rlx, R(0, x, sc); W(y, 1, rlx);)
THREAD(ry1_rlx_rx2_sc, R(1, y, rlx); R(2, x, sc);)
THREAD(wx_sc_rz3_sc_wy_rlx, W(x, 1, sc); R(3, z, sc); W(y, 1, rlx);)
THREAD(rx3_sc_rz2_sc, R(3, x, sc); R(2, z, sc);)
THREAD(xx_sc_ry_sc, atomic_exchange(&x, 1); R(0, y, sc);)
THREAD(xy_sc_rx_sc, atomic_exchange(&y, 1); R(1, x, sc);)
THREAD(xy_ar_rx_sc, atomic_exchange_explicit(&y, 1, acq_rel); R(1, x, sc);)
THREAD(xx_sc_ry_acq, atomic_exchange(&x, 1); R(0, y, acq);)
THREAD(xy_sc_rx_acq, atomic_exchange(&y, 1); R(1, x, acq);)
THREAD(wide_wy_rlx, ckf_wide_cas(&wide, 0, 0, 1, 1); W(y, 1, rlx);)
THREAD(wide_sc_ry_sc, ckf_wide_cas(&wide, 0, 0, 1, 1); R(0, y, sc);)
THREAD(wide_ar_ry_sc, ckf_wide_cas_explicit(&wide, 0, 0, 1, 1, memory_order_acq_rel); R(0, y, sc);)
THREAD(high_wide_ar_ry_sc, R(2, wide.high, sc);
       ckf_wide_cas_explicit(&wide, 0, 0, 1, 1, memory_order_acq_rel); R(0, y, sc);)
THREAD(xy_sc_high_sc, atomic_exchange(&y, 1); R(1, wide.high, sc);)
THREAD(high_xy_sc_high_sc, R(3, wide.high, sc); atomic_exchange(&y, 1); R(1, wide.high, sc);)
THREAD(ry_rlx_low_sc_high, R(0, y, rlx); R(1, wide.low, sc); R(2, wide.high, rlx);)
THREAD(ry_rlx_high_sc_low_sc, R(0, y, rlx); R(1, wide.high, sc); R(2, wide.low, sc);)

THREAD(add_y_rlx, ADD(y, rlx);)
THREAD(add_if_y, int one = 1;
       ckf_explore_result(2,
                          atomic_compare_exchange_strong_explicit(&y, &one, 2, memory_order_relaxed,
                                                                  memory_order_relaxed));)
THREAD(store_y2, W(y, 2, rlx);)
THREAD(wx_wyrel_wy2, W(x, 1, rlx); W(y, 1, rel); W(y, 2, rlx);)
THREAD(add_x0, ckf_explore_result(0, ADD(x, rlx));)
THREAD(add_x1, ckf_explore_result(1, ADD(x, rlx));)
THREAD(last_x2, R(2, x, rlx);)
THREAD(last_x3, ckf_explore_result(2, 0); R(3, x, rlx);)
THREAD(cas_x0, int zero = 0; ckf_explore_result(0, atomic_compare_exchange_strong(&x, &zero, 1));)
THREAD(cas_x1, int zero = 0; ckf_explore_result(1, atomic_compare_exchange_strong(&x, &zero, 2));)
THREAD(cas_fails_stale, int two = 2;
       atomic_compare_exchange_strong_explicit(&x, &two, 3, memory_order_relaxed,
                                               memory_order_relaxed);
       ckf_explore_result(1, two);)
THREAD(z6_1, W(x, 1, sc); W(y, 1, rel);)
THREAD(z6_2, ckf_explore_result(0, atomic_fetch_add(&y, 1)); R(1, y, rlx);)
THREAD(z6_3, W(y, 3, sc); R(2, x, sc);)

THREAD(plain_rel, plain = 1; W(y, 1, rel);)
THREAD(plain_rlx, plain = 1; W(y, 1, rlx);)
THREAD(acq_plain, if (atomic_load_explicit(&y, memory_order_acquire)) ckf_explore_result(0, plain);)
THREAD(
    rlx_fence_plain, if (atomic_load_explicit(&y, memory_order_relaxed)) {
        FENCE(acq);
        ckf_explore_result(0, plain);
    })
THREAD(rlx_plain, if (atomic_load_explicit(&y, memory_order_relaxed)) ckf_explore_result(0, plain);)
THREAD(plain_increment, plain++;)
THREAD(ry_sc_fence_rx, R(0, y, sc); FENCE(sc); R(1, x, rlx);)

THREAD(long_writer, for (int i = 0; i < LITMUS_LONG; i++) W(x, i, rel);)
THREAD(long_reader, for (int i = 0; i < LITMUS_LONG; i++) R(0, x, acq);)
const struct litmus litmus_long = {"long", {long_writer, long_reader}, NULL, {{NULL}}};

const struct litmus litmus_tests[] = {
    {"MP",
     {wx_wy_rlx, ry_rx_rlx},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"0,0", ALLOWED, ALLOWED, ALLOWED},
      {"0,1", ALLOWED, ALLOWED, ALLOWED},
      {"1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"MP+rel+acq",
     {wx_wy_rel, ry_rx_acq},
     NULL,
     {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"MP+rel+rlx", {wx_wy_rel, ry_rx_rlx}, NULL, {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+rlx+acq", {wx_wy_rlx, ry_rx_acq}, NULL, {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc+sc", {wx_wy_sc, ry_rx_sc}, NULL, {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"MP+frel+facq", {wx_frel_wy, ry_facq_rx}, NULL, {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"MP+frel+acq", {wx_frel_wy, ry_rx_acq}, NULL, {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"MP+rel+facq", {wx_wy_rel, ry_facq_rx}, NULL, {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"MP+frel+rlx", {wx_frel_wy, ry_rx_rlx}, NULL, {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+fsc+fsc", {wx_fsc_wy, ry_fsc_rx}, NULL, {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"SB",
     {wx_ry_rlx, wy_rx_rlx},
     NULL,
     {{"0,0", ALLOWED, ALLOWED, FORBIDDEN},
      {"1,1", ALLOWED, ALLOWED, ALLOWED},
      {"0,1", ALLOWED, ALLOWED, ALLOWED},
      {"1,0", ALLOWED, ALLOWED, ALLOWED}}},
    {"SB+ra+ra", {wx_ry_ra, wy_rx_ra}, NULL, {{"0,0", ALLOWED, ALLOWED, FORBIDDEN}}},
    {"SB+sc+sc",
     {wx_ry_sc, wy_rx_sc},
     NULL,
     {{"0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"SB+sc stores", {wx_ry_scw, wy_rx_scw}, NULL, {{"0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"SB+fsc+fsc", {wx_fsc_ry, wy_fsc_rx}, NULL, {{"0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"SB+fsc+sc", {wx_fsc_ry, wy_rx_sc}, NULL, {{"0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"SB+fsc+rlx", {wx_fsc_ry, wy_rx_rlx}, NULL, {{"0,0", ALLOWED, ALLOWED, FORBIDDEN}}},
    {"SB+far+far", {wx_far_ry, wy_far_rx}, NULL, {{"0,0", ALLOWED, ALLOWED, FORBIDDEN}}},
    {"SB+xchg acq_rel", {xx_ry, xy_rx}, NULL, {{"0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"LB",
     {rx_wy_rlx, ry_wx_rlx},
     NULL,
     {{"1,1", NOT_MODELLED, FORBIDDEN, FORBIDDEN}, {"0,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"LB+ra+ra", {rx_wy_ra, ry_wx_ra}, NULL, {{"1,1", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"IRIW",
     {wx_rlx, wy_rlx, rx0_ry1_rlx, ry2_rx3_rlx},
     NULL,
     {{"1,0,1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"IRIW+acq",
     {wx_rel, wy_rel, rx0_ry1_acq, ry2_rx3_acq},
     NULL,
     {{"1,0,1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"IRIW+sc",
     {wx_sc, wy_sc, rx0_ry1_sc, ry2_rx3_sc},
     NULL,
     {{"1,0,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"IRIW+fsc",
     {wx_rlx, wy_rlx, rx0_fsc_ry1, ry2_fsc_rx3},
     NULL,
     {{"1,0,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"2+2W",
     {wx1_wy2_rlx, wy1_wx2_rlx},
     last_xy,
     {{"0,1,1", NOT_MODELLED, FORBIDDEN, FORBIDDEN}, {"0,2,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"2+2W+sc", {wx1_wy2_sc, wy1_wx2_sc}, last_xy, {{"0,1,1", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"S",
     {wx2_wy1_rlx, ry_wx1_rlx},
     last_x,
     {{"1,2", NOT_MODELLED, FORBIDDEN, FORBIDDEN}, {"1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"S+rel+acq", {wx2_wy1_rel, ry_wx1_acq}, last_x, {{"1,2", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"R",
     {wx_wy_rlx, wy2_rx_rlx},
     last_y,
     {{"0,2", ALLOWED, ALLOWED, FORBIDDEN}, {"1,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"R+sc", {wx_wy_sc, wy2_rx_sc}, last_y, {{"0,2", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"R+fsc", {wx_fsc_wy, wy2_fsc_rx}, last_y, {{"0,2", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"CoRR",
     {wx1_wx2, rx_rx},
     NULL,
     {{"2,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,2", ALLOWED, ALLOWED, ALLOWED},
      {"1,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"CoRR2",
     {wx_rlx, wx2, rx_rx, rx_rx_2},
     NULL,
     {{"1,2,2,1", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,2,1,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"CoWR",
     {wx1_rx, wx2},
     last_x,
     {{"2,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,2", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"2,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"CoRW",
     {rx_wx1, wx2},
     last_x,
     {{"2,2", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"2,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"CoWW",
     {wx1_wx2, rx0},
     last_x,
     {{"0,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"2,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"WRC", {wx_rlx, rx_wy_rlx, ry1_rx2_rlx}, NULL, {{"1,1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"WRC+ra",
     {wx_rlx, rx_wy_acqrel, ry1_rx2_acq},
     NULL,
     {{"1,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"RWC", {wx_rel, rx0_ry1_a, wy_rx2}, NULL, {{"1,0,0", ALLOWED, ALLOWED, FORBIDDEN}}},
    {"RWC+fsc",
     {wx_rlx, rx0_fsc_ry1_a, wy_fsc_rx2},
     NULL,
     {{"1,0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"RWC+sc",
     {wx_sc, rx0_ry1_scsc, wy_rx2_sc},
     NULL,
     {{"1,0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"ISA2",
     {wx_wy_rlx, ry0_wz_rlx, rz1_rx2_rlx},
     NULL,
     {{"1,1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"ISA2+ra",
     {wx_wy_rel, ry0_wz_ra, rz1_rx2_acq},
     NULL,
     {{"1,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"release sequence of an RMW",
     {wx_wy_rel, add_y_rlx, ry_rx_acq},
     NULL,
     {{"2,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"2,1", ALLOWED, ALLOWED, ALLOWED},
      {"1,0", ALLOWED, ALLOWED, ALLOWED}}}, /* 1: the RMW came first */
    {"release sequence of a CAS",
     {wx_wy_rel, add_if_y, ry_rx_acq},
     NULL,
     {{"2,0,1", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"2,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"no release sequence by another's store",
     {wx_wy_rel, store_y2, ry_rx_acq},
     NULL,
     {{"2,0", ALLOWED, ALLOWED, ALLOWED}, {"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"no release sequence by one's own store",
     {wx_wyrel_wy2, ry_rx_acq},
     NULL,
     {{"2,0", ALLOWED, FORBIDDEN, FORBIDDEN}, {"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"RMW atomicity",
     {add_x0, add_x1},
     last_x2,
     {{"0,0,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,0,2", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,1,2", ALLOWED, ALLOWED, ALLOWED},
      {"1,0,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"CAS atomicity",
     {cas_x0, cas_x1},
     NULL,
     {{"1,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,0", ALLOWED, ALLOWED, ALLOWED}}},
    {"a failing CAS may be stale",
     {wx_wy_rel, cas_fails_stale},
     NULL,
     {{"0,0", ALLOWED, ALLOWED, ALLOWED}, {"0,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"seq_cst load, then fence",
     {wx_wy_rlx, ry_sc_fence_rx},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    /* A seq_cst operation does not hold back a relaxed store after it, nor does a relaxed load hold
     * back a seq_cst one. */
    {"MP+sc,rlx+rlx,sc",
     {wx_sc_wy_rlx, ry_rlx_rx_sc},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}, {"1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"MP+xchg sc,rlx+rlx,sc",
     {xx_sc_wy_rlx, ry_rlx_rx_sc},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+xchg acq_rel,rlx+rlx,sc",
     {xx_ar_wy_rlx, ry_rlx_rx_sc},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc,rel+rlx,sc",
     {wx_sc_wy_rel, ry_rlx_rx_sc},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc,rlx+acq,sc",
     {wx_sc_wy_rlx, ry_acq_rx_sc},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc,rel+acq,sc",
     {wx_sc_wy_rel, ry_acq_rx_sc},
     NULL,
     {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc,sc+rlx,sc", {wx_wy_sc, ry_rlx_rx_sc}, NULL, {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc,rlx+rlx,fsc,sc",
     {wx_sc_wy_rlx, ry_rlx_fsc_rx_sc},
     NULL,
     {{"1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"MP+sc,rlx+rlx,failing CAS sc",
     {wx_sc_wy_rlx, ry_rlx_cas_sc},
     NULL,
     {{"1,0", ALLOWED, FORBIDDEN, FORBIDDEN}, {"1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"MP+sc,rlx+rlx,RMW sc",
     {wx_sc_wy_rlx, ry_rlx_add_x_sc},
     last_x3,
     {{"1,0,0,1", NOT_MODELLED, FORBIDDEN, FORBIDDEN}, {"1,1,0,2", ALLOWED, ALLOWED, ALLOWED}}},
    {"MP+wide,rlx+rlx,sc",
     {wide_wy_rlx, ry_rlx_low_sc_high},
     NULL,
     {{"1,0,0", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"1,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"MP+wide,rlx+rlx,sc,sc",
     {wide_wy_rlx, ry_rlx_high_sc_low_sc},
     NULL,
     {{"1,0,0", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"1,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"0,0,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"SB+wide sc,sc",
     {wide_sc_ry_sc, xy_sc_high_sc},
     NULL,
     {{"0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"SB+wide acq_rel,sc",
     {wide_ar_ry_sc, xy_sc_high_sc},
     NULL,
     {{"0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"SB+wide acq_rel,sc after loads",
     {high_wide_ar_ry_sc, high_xy_sc_high_sc},
     NULL,
     {{"0,0,0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    /* What is said by way of z binds a stale read of x. */
    {"MP+sc,sc+sc,sc by z",
     {wx_sc_wz_sc_wy_rlx, ry_rlx_rz_sc_rx_sc},
     NULL,
     {{"1,0,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,0,0", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    /* Who reads the same store is in no order. */
    {"MP+sc,rlx+rlx,sc beside loads of z",
     {wx_sc_rz3_sc_wy_rlx, ry_rlx_rz_sc_rx_sc},
     NULL,
     {{"1,0,0,0", ALLOWED, FORBIDDEN, FORBIDDEN}, {"1,1,0,0", ALLOWED, ALLOWED, ALLOWED}}},
    {"SB of x and z beside y",
     {wx_sc_wy_rlx_rz_sc, ry_rlx_wz_sc_rx_sc},
     NULL,
     {{"1,0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,0,1", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"SB of x and z, then y",
     {wx_sc_wy_rlx_rz_sc, wz_sc_ry_rlx_rx_sc},
     NULL,
     {{"1,0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,0,1", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    /* T3 meets T2's store of z, which comes before T2's stale read of x in S. */
    {"SB of x and z beside y, told late",
     {wx_sc_wy_rlx, wz_sc_ry_rlx_rx_sc, rx3_sc_rz2_sc},
     NULL,
     {{"1,0,0,1", FORBIDDEN, FORBIDDEN, FORBIDDEN},
      {"1,0,1,1", ALLOWED, FORBIDDEN, FORBIDDEN},
      {"1,0,0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"z is known, then MP",
     {rz_sc_wx_sc_wy_rlx, wz_sc_ry_rlx_rx_sc},
     NULL,
     {{"1,0,1", ALLOWED, FORBIDDEN, FORBIDDEN}, {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"WRC+sc,rlx+rlx,sc",
     {wx_sc, rx_sc_wy_rlx, ry1_rlx_rx2_sc},
     NULL,
     {{"1,1,0", ALLOWED, FORBIDDEN, FORBIDDEN}, {"1,1,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"IRIW+sc loads",
     {wx_rlx, wy_rlx, rx0_ry1_sc, ry2_rx3_sc},
     NULL,
     {{"1,0,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}, {"1,0,0,1", ALLOWED, ALLOWED, ALLOWED}}},
    {"IRIW+rlx,sc loads",
     {wx_sc, wy_sc, rx0_rlx_ry1_sc, ry2_rlx_rx3_sc},
     NULL,
     {{"1,0,1,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"IRIW+acq,sc loads", /* C11 forbids what C++20 allows */
     {wx_sc, wy_sc, rx0_acq_ry1_sc, ry2_acq_rx3_sc},
     NULL,
     {{"1,0,1,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"SB+xchg sc,sc", {xx_sc_ry_sc, xy_sc_rx_sc}, NULL, {{"0,0", FORBIDDEN, FORBIDDEN, FORBIDDEN}}},
    {"SB+xchg sc,sc+acq_rel,sc",
     {xx_sc_ry_sc, xy_ar_rx_sc},
     NULL,
     {{"0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"SB+xchg sc,acq",
     {xx_sc_ry_acq, xy_sc_rx_acq},
     NULL,
     {{"0,0", ALLOWED, FORBIDDEN, FORBIDDEN}}},
    {"Z6.U", {z6_1, z6_2, z6_3}, NULL, {{"1,3,0", NOT_MODELLED, FORBIDDEN, FORBIDDEN}}},
    {"plain MP+rel+acq", {plain_rel, acq_plain}, NULL, {{"1", ALLOWED, ALLOWED, ALLOWED}}},
    {"plain MP+rel+facq", {plain_rel, rlx_fence_plain}, NULL, {{"1", ALLOWED, ALLOWED, ALLOWED}}},
    {"plain MP+rlx+acq", {plain_rlx, acq_plain}, NULL, {{"race", RACES, RACES, RACES}}},
    {"plain MP+rel+rlx", {plain_rel, rlx_plain}, NULL, {{"race", RACES, RACES, RACES}}},
    {"plain increments", {plain_increment, plain_increment}, NULL, {{"race", RACES, RACES, RACES}}},
};
const size_t litmus_count = sizeof litmus_tests / sizeof *litmus_tests;
