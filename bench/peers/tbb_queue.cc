/* tbb_queue.cc - oneTBB's concurrent_bounded_queue: push and pop wait, sleeping.
 *
 * abort() wakes those who sleep, but does not stick, so it is no close; a mark travels instead, and
 * whoever finds it hands it on.
 */
#include <oneapi/tbb/concurrent_queue.h>

#include "peers/channel_peer.hh"

template <typename T> struct bounded {
    struct entry {
        T value;
        bool mark;
    };

    tbb::concurrent_bounded_queue<entry> queue;

    explicit bounded(size_t capacity)
    {
        if (capacity < static_cast<size_t>(PTRDIFF_MAX))
            queue.set_capacity(static_cast<std::ptrdiff_t>(capacity));
    }

    struct end {
        bounded &of;

        explicit end(bounded &of_) : of(of_)
        {
        }

        void push(const T &value)
        {
            of.queue.push(entry{value, false});
        }

        bool pop(T &value)
        {
            entry found;
            of.queue.pop(found);
            if (found.mark) {
                of.close();
                return false;
            }
            value = found.value;
            return true;
        }
    };

    void close()
    {
        queue.push(entry{T(), true});
    }
};

const bench_contestant peer_tbb_queue = {.name = "tbb",
                                         .label = "oneTBB concurrent_bounded_queue",
                                         .note = "cannot be closed (abort does not stick)",
                                         .bodies = channel_peer<bounded>::bodies.data(),
                                         .face = &channel_peer<bounded>::face,
                                         .sleeps = true};

const bench_contestant peer_tbb_queue_wide = {.name = "tbb",
                                              .label = "oneTBB concurrent_bounded_queue",
                                              .note = "cannot be closed (abort does not stick)",
                                              .bodies = channel_peer<bounded>::wide_bodies.data(),
                                              .face = &channel_peer<bounded>::wide_face,
                                              .sleeps = true};
