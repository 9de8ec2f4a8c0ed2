/* boost_queue.cc - boost::lockfree::queue with a fixed capacity: nodes in an array (fixed_sized), and
 * bounded_push, as its documentation advises for bounded use.
 */
#include <boost/lockfree/queue.hpp>

#include "peers/channel_peer.hh"

template <typename T> struct fixed {
    boost::lockfree::queue<T, boost::lockfree::fixed_sized<true>> queue;
    std::atomic<bool> closed{false};

    explicit fixed(size_t capacity) : queue(capacity)
    {
    }

    struct end {
        fixed &of;

        explicit end(fixed &of_) : of(of_)
        {
        }

        void push(const T &value)
        {
            for (unsigned spins = 0; !of.queue.bounded_push(value);)
                spin_once(&spins);
        }

        bool pop(T &value)
        {
            for (unsigned spins = 0; !of.queue.pop(value);) {
                if (of.closed.load())
                    return of.queue.pop(value);
                spin_once(&spins);
            }
            return true;
        }
    };

    void close()
    {
        closed.store(true);
    }
};

const bench_contestant peer_boost_queue = {
    .name = "boost-lockfree",
    .label = "boost::lockfree::queue, fixed size",
    .note = "spins and yields, cannot be closed, at most 65534 elements",
    .bodies = channel_peer<fixed>::bodies.data(),
    .face = &channel_peer<fixed>::face};
