/* atomic_hyperscan.c - ck_filter whose substrings Hyperscan looks for: a back end of the library's, where
 * it was built with it. */
#include "cases/filter_ours.h"
#include "cases/filter_roles.h"
#include "peers/peers.h"

static void *create(const struct filter_corpus *corpus)
{
    return our_create_on(corpus, CKF_VARIANT_ATOMIC, CKF_BACKEND_HYPERSCAN);
}

static void batches(struct bench_run *run, void *state)
{
    filter_batches(run, state, filter_no_enter, filter_no_leave, our_evaluate_many);
}

static const bench_body bodies[FILTER_ROLES] = {[FILTER_BATCHES] = batches};
static const struct filter_face face = CKF_FACE(create);

const struct bench_contestant peer_atomic_hyperscan = {
    .name = "atomic-hyperscan",
    .label = "ck_filter, atomic, CKF_BACKEND_HYPERSCAN",
    .bodies = bodies,
    .face = &face};
