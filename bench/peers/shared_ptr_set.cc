/* shared_ptr_set.cc - a set of strings behind a shared_ptr that is loaded atomically: by the free
 * functions of C++11 (a table of mutexes), and as std::atomic<std::shared_ptr> of C++20.
 */
#include <array>
#include <atomic>
#include <memory>

#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

using set_pointer = std::shared_ptr<const string_set>;

static set_pointer make(const filter_corpus *corpus)
{
    string_set *set = string_set_make(corpus);
    return set == nullptr ? set_pointer() : set_pointer(set, free);
}

struct by_functions {
    set_pointer set;
    set_pointer load() const
    {
        return std::atomic_load_explicit(&set, std::memory_order_acquire);
    }
    void store(set_pointer next)
    {
        std::atomic_store_explicit(&set, std::move(next), std::memory_order_release);
    }
};

struct by_type {
    std::atomic<set_pointer> set;
    set_pointer load() const
    {
        return set.load(std::memory_order_acquire);
    }
    void store(set_pointer next)
    {
        set.store(std::move(next), std::memory_order_release);
    }
};

template <typename Holder> struct peer {
    static Holder *of(void *filter)
    {
        return static_cast<Holder *>(filter);
    }
    static filter_state *state_of(void *state)
    {
        return static_cast<filter_state *>(state);
    }

    static void *create(const filter_corpus *corpus)
    {
        auto set = make(corpus);
        if (set == nullptr)
            return nullptr;
        auto *holder = new (std::nothrow) Holder;
        if (holder != nullptr)
            holder->store(std::move(set));
        return holder;
    }
    static void destroy(void *filter)
    {
        delete of(filter);
    }
    static bool evaluate(void *filter, ckf_record record)
    {
        return string_set_has(of(filter)->load().get(), record);
    }
    static size_t evaluate_many(void *filter, const ckf_record *records, size_t count)
    {
        return string_set_count(of(filter)->load().get(), records, count);
    }
    static bool publish(void *filter, const filter_corpus *corpus)
    {
        auto set = make(corpus);
        if (set == nullptr)
            return false;
        of(filter)->store(std::move(set));
        return true;
    }

    static void one(bench_run *run, void *state)
    {
        filter_one(run, state_of(state), filter_no_enter, filter_no_leave, evaluate);
    }
    static void batches(bench_run *run, void *state)
    {
        filter_batches(run, state_of(state), filter_no_enter, filter_no_leave, evaluate_many);
    }
    static void publisher(bench_run *run, void *state)
    {
        filter_publisher(run, state_of(state), publish, false);
    }

    static constexpr std::array<bench_body, FILTER_ROLES> table()
    {
        std::array<bench_body, FILTER_ROLES> bodies{};
        bodies[FILTER_ONE] = one;
        bodies[FILTER_BATCHES] = batches;
        bodies[FILTER_PUBLISHER] = publisher;
        return bodies;
    }

    static constexpr auto bodies = table();
    static constexpr filter_face face = {.create = create, .destroy = destroy};
};

const bench_contestant peer_shared_ptr_functions = {
    .name = "shared_ptr-load",
    .label = "hash set behind std::atomic_load(shared_ptr)",
    .note = "no hit counts, no statistics, no rule ids; locks within",
    .bodies = peer<by_functions>::bodies.data(),
    .face = &peer<by_functions>::face,
    .sleeps = true};

const bench_contestant peer_shared_ptr_type = {
    .name = "atomic-shared_ptr",
    .label = "hash set behind std::atomic<std::shared_ptr>",
    .note = "no hit counts, no statistics, no rule ids; locks within",
    .bodies = peer<by_type>::bodies.data(),
    .face = &peer<by_type>::face};
