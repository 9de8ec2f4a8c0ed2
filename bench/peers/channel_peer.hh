/* peers/channel_peer.hh - a queue written in C++ as a contestant.
 *
 * A peer is a class template over the element, with
 *     explicit Queue(size_t capacity);
 *     struct end { explicit end(Queue &); void push(const T &); bool pop(T &); };
 *     void close();
 * where an end is what one thread holds (tokens, if the queue has some), pop waits, and is false
 * once the queue is closed and drained. One object of the template serves both element sizes.
 */
#ifndef CKF_BENCH_CHANNEL_PEER_HH
#define CKF_BENCH_CHANNEL_PEER_HH

#include <array>
#include <atomic>
#include <new>

#include "cases/channel_roles.h"
#include "peers/peers.h"
#include "peers/spin.h"

template <template <typename> class Queue> struct channel_peer {
    using narrow = Queue<uint64_t>;
    using wide = Queue<channel_wide>;

    template <typename Q> static void *create(size_t capacity)
    {
        try {
            return new Q(capacity);
        } catch (const std::bad_alloc &) {
            return nullptr;
        }
    }

    template <typename Q> static void destroy(void *queue)
    {
        delete static_cast<Q *>(queue);
    }

    /* The bodies' calls have one argument for the channel; a thread's end of it stands here. */
    template <typename Q> struct here {
        static inline constinit thread_local typename Q::end *first = nullptr, *second = nullptr;
    };

    static bool push(void *, uint64_t value)
    {
        return here<narrow>::first->push(value), true;
    }
    static bool pop(void *, uint64_t *value)
    {
        return here<narrow>::first->pop(*value);
    }
    static bool answer(void *, uint64_t value)
    {
        return here<narrow>::second->push(value), true;
    }
    static bool answered(void *, uint64_t *value)
    {
        return here<narrow>::second->pop(*value);
    }
    static bool push_wide(void *, const channel_wide *value)
    {
        return here<wide>::first->push(*value), true;
    }
    static bool pop_wide(void *, channel_wide *value)
    {
        return here<wide>::first->pop(*value);
    }
    template <typename Q> static void close(void *queue)
    {
        static_cast<Q *>(queue)->close();
    }

    /* Gives the thread its ends while a body runs. */
    template <typename Q, typename Body> static void with_ends(void *argument, Body body)
    {
        auto *state = static_cast<channel_state *>(argument);
        typename Q::end first(*static_cast<Q *>(state->channel));
        here<Q>::first = &first;
        if (state->answers == nullptr) {
            body(state);
        } else {
            typename Q::end second(*static_cast<Q *>(state->answers));
            here<Q>::second = &second;
            body(state);
        }
    }

    static void pairs(bench_run *run, void *state)
    {
        with_ends<narrow>(state, [&](channel_state *s) { channel_pairs(run, s, push, pop); });
    }
    static void producer(bench_run *run, void *state)
    {
        with_ends<narrow>(state,
                          [&](channel_state *s) { channel_producer(run, s, push, close<narrow>); });
    }
    static void consumer(bench_run *run, void *state)
    {
        with_ends<narrow>(state, [&](channel_state *s) { channel_consumer(run, s, pop); });
    }
    static void producer_wide(bench_run *run, void *state)
    {
        with_ends<wide>(state, [&](channel_state *s) {
            channel_producer_wide(run, s, push_wide, close<wide>);
        });
    }
    static void consumer_wide(bench_run *run, void *state)
    {
        with_ends<wide>(state, [&](channel_state *s) { channel_consumer_wide(run, s, pop_wide); });
    }
    static void ping(bench_run *run, void *state)
    {
        with_ends<narrow>(
            state, [&](channel_state *s) { channel_ping(run, s, push, answered, close<narrow>); });
    }
    static void pong(bench_run *run, void *state)
    {
        with_ends<narrow>(state, [&](channel_state *s) { channel_pong(run, s, answer, pop); });
    }
    static void ping_asleep(bench_run *run, void *state)
    {
        with_ends<narrow>(state, [&](channel_state *s) {
            channel_ping_asleep(run, s, push, answered, close<narrow>);
        });
    }
    static void pong_asleep(bench_run *run, void *state)
    {
        with_ends<narrow>(state,
                          [&](channel_state *s) { channel_pong_asleep(run, s, answer, pop); });
    }
    static void late(bench_run *run, void *state)
    {
        with_ends<narrow>(state, [&](channel_state *s) { channel_late(run, s, push); });
    }
    static void waiter(bench_run *run, void *state)
    {
        with_ends<narrow>(state, [&](channel_state *s) { channel_waiter(run, s, pop); });
    }
    static void made(bench_run *, void *)
    {
    }

    static constexpr std::array<bench_body, CHANNEL_ROLES> table()
    {
        std::array<bench_body, CHANNEL_ROLES> bodies{};
        bodies[CHANNEL_PAIRS] = pairs;
        bodies[CHANNEL_PRODUCER] = producer;
        bodies[CHANNEL_CONSUMER] = consumer;
        bodies[CHANNEL_PING] = ping;
        bodies[CHANNEL_PONG] = pong;
        bodies[CHANNEL_PING_ASLEEP] = ping_asleep;
        bodies[CHANNEL_PONG_ASLEEP] = pong_asleep;
        bodies[CHANNEL_LATE] = late;
        bodies[CHANNEL_WAITER] = waiter;
        bodies[CHANNEL_MAKE] = made;
        return bodies;
    }

    static constexpr std::array<bench_body, CHANNEL_ROLES> wide_table()
    {
        std::array<bench_body, CHANNEL_ROLES> bodies{};
        bodies[CHANNEL_PRODUCER_WIDE] = producer_wide;
        bodies[CHANNEL_CONSUMER_WIDE] = consumer_wide;
        return bodies;
    }

    static constexpr auto bodies = table();
    static constexpr auto wide_bodies = wide_table();
    static constexpr channel_face face = {.create = create<narrow>, .destroy = destroy<narrow>};
    static constexpr channel_face wide_face = {.create = create<wide>, .destroy = destroy<wide>};
};

#endif
