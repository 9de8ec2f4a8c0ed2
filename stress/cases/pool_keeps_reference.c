/* stress/cases/pool_keeps_reference.c - a pooled object still holds its last user's state.
 *
 * Oracle: a fresh object is blank, and belongs to one user. Result: never otherwise.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

struct state {
    void *pool;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->pool = operations->create();
}

static bool holds_only(const unsigned char *object, unsigned char value)
{
    for (int i = 0; i < POOLED_SIZE; i++)
        if (object[i] != value)
            return false;
    return true;
}

static void user(struct ckf_stress_run *run, void *state)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    void *pool = ((struct state *)state)->pool;
    unsigned char mark = (unsigned char)(1 + ckf_stress_copy(run));
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        unsigned char *object = operations->get(pool);
        if (!holds_only(object, 0))
            ckf_stress_outcome(run, "stale state");
        for (int byte = 0; byte < POOLED_SIZE; byte++)
            object[byte] = mark;
        ckf_stress_pause(run);
        if (!holds_only(object, mark))
            ckf_stress_outcome(run, "two users");
        operations->put(pool, object);
    }
    ckf_stress_outcome(run, "blank");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->pool);
}

CKF_STRESS_CASE(pool_keeps_reference) = {
    .id = "pool-keeps-reference",
    .collection = "tasks",
    .title = "a pooled object still holds what its last user left in it",
    .story = "`sync.Pool` with an object that captures its request: state bleeds into the next "
             "one, and the request's memory is pinned.",
    .operations = {&racy_unwiped_pool, &mutex_pool, &atomic_pool},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"user", user, 2}},
    .teardown = teardown,
    .rounds = 10,
    .explore_rounds = 2,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"blank", CKF_STRESS_ACCEPTABLE, "every object was blank and unshared"},
                 {"stale state", CKF_STRESS_FORBIDDEN, "the last user's state was still there"},
                 {"two users", CKF_STRESS_FORBIDDEN, "two users held one object"}},
};
