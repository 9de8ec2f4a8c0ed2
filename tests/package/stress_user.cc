/* tests/package/stress_user.cc - a case of a program in C++: built against the installed packages
 * alone, for each of the runtimes. */
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

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

/* What the language and its library do with threads: statics of functions, mutexes, conditions. */

namespace
{

const int exists = 1;

struct made_once {
    made_once() : value(7)
    {
    }
    int value;
};

void use_static(ckf_stress_run *run, void *)
{
    static made_once made;
    if (made.value != 7)
        ckf_stress_outcome(run, "not made");
}

std::mutex mutex;
std::condition_variable condition;
bool open;

void open_and_tell(ckf_stress_run *, void *)
{
    std::lock_guard<std::mutex> lock(mutex);
    open = true;
    condition.notify_one();
}

void wait_until_open(ckf_stress_run *, void *)
{
    std::unique_lock<std::mutex> lock(mutex);
    condition.wait(lock, [] { return open; });
    open = false;
}

void start_thread(ckf_stress_run *, void *)
{
    std::thread([] {}).join();
}

} // namespace

CKF_STRESS_CASE(user_static) = {
    .id = "user-static",
    .collection = "user",
    .title = "threads come to a static at the same time",
    .operations = {nullptr, nullptr, &exists},
    .actors = {{.name = "user", .body = use_static, .copies = 2}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "it was made before it was used"}},
};

CKF_STRESS_CASE(user_condition) = {
    .id = "user-condition",
    .collection = "user",
    .title = "a thread waits for what another one tells",
    .operations = {nullptr, nullptr, &exists},
    .actors = {{.name = "opener", .body = open_and_tell, .copies = 1},
               {.name = "waiter", .body = wait_until_open, .copies = 1}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "it was told"}},
};

CKF_STRESS_CASE(user_thread) = {
    .id = "user-thread",
    .collection = "user",
    .title = "an actor starts a thread, which not every engine models",
    .operations = {nullptr, nullptr, &exists},
    .actors = {{.name = "starter", .body = start_thread, .copies = 1}},
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "it ended"}},
};
