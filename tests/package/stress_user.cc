/* tests/package/stress_user.cc - a case of a program in C++: built against the installed packages
 * alone, for each of the runtimes. */
#include <atomic>

#include <ck_filter/stress.h>

namespace
{

struct counter {
    std::atomic<int> hits;
};
struct counting {
    void (*hit)(counter *);
};

void hit_racily(counter *counter)
{
    int hits = counter->hits.load(std::memory_order_relaxed);
    ckf_stress_pause(nullptr);
    counter->hits.store(hits + 1, std::memory_order_relaxed);
}

void hit_at_once(counter *counter)
{
    counter->hits.fetch_add(1, std::memory_order_relaxed);
}

const counting racy = {hit_racily}, sound = {hit_at_once};

void hitter(ckf_stress_run *run, void *state)
{
    auto *operations = static_cast<const counting *>(ckf_stress_operations(run));
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->hit(static_cast<counter *>(state));
}

void count(ckf_stress_run *run, void *state)
{
    int expected = static_cast<int>(ckf_stress_rounds(run) * ckf_stress_copies(run, 0));
    bool exact = static_cast<counter *>(state)->hits == expected;
    ckf_stress_outcome(run, exact ? "exact" : "lost");
}

} // namespace

CKF_STRESS_CASE(user_hits) = {
    .id = "user-hits",
    .collection = "user",
    .title = "threads count on one word",
    .operations = {&racy, nullptr, &sound},
    .state_size = sizeof(counter),
    .actors = {{.name = "hitter", .body = hitter, .copies = 2}},
    .arbiter = count,
    .rounds = 100,
    .explore_rounds = 2,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every hit was counted"},
                 {"lost", CKF_STRESS_FORBIDDEN, "a hit vanished"}},
};
