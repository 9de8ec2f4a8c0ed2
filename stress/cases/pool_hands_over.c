/* stress/cases/pool_hands_over.c - objects go round between threads, more than one each.
 *
 * Oracle: an object has one user at a time, and comes blank. Result: never otherwise.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { HELD = 2 };

struct state {
    void *pool;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->pool = operations->create();
}

/* False: there was no memory for one. */
static bool hold(struct ckf_stress_run *run, unsigned char **object, void *pool, unsigned char mark)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    *object = operations->get(pool);
    if (*object == NULL)
        return false;
    if ((*object)[POOLED_SIZE - 1] != 0)
        ckf_stress_outcome(run, "stale state");
    (*object)[POOLED_SIZE - 1] = mark; /* plain: it is this thread's alone */
    return true;
}

static void user(struct ckf_stress_run *run, void *state)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    void *pool = ((struct state *)state)->pool;
    unsigned char mark = (unsigned char)(1 + ckf_stress_copy(run));
    for (unsigned round = 0; round < ckf_stress_rounds(run); round++) {
        unsigned char *objects[HELD];
        int held = 0;
        while (held < HELD && hold(run, &objects[held], pool, mark))
            held++;
        for (int i = 0; i < held; i++) {
            if (objects[i][POOLED_SIZE - 1] != mark)
                ckf_stress_outcome(run, "two users");
            operations->put(pool, objects[i]);
        }
    }
    ckf_stress_outcome(run, "one user each");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct pool_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->pool);
}

CKF_STRESS_CASE(pool_hands_over) = {
    .id = "pool-hands-over",
    .collection = "tasks",
    .title = "two threads are handed one object",
    .story =
        "A free list that is a stack with one compare-and-swap: between the look at the first "
        "object's link and the swap, others take it, take the next and put the first back (ABA).",
    .operations = {&racy_untagged_pool, &mutex_pool, &atomic_pool},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"user", user, 2}},
    .teardown = teardown,
    .rounds = 30,
    .explore_rounds = 2,
    .flags = CKF_STRESS_COPES_WITHOUT_MEMORY,
    .outcomes = {{"one user each", CKF_STRESS_ACCEPTABLE, "every object was blank and unshared"},
                 {"stale state", CKF_STRESS_FORBIDDEN, "the last user's state was still there"},
                 {"two users", CKF_STRESS_FORBIDDEN, "two users held one object"}},
};
