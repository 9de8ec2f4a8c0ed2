/* moodycamel.cc - moodycamel::ConcurrentQueue and its blocking sister, with a token a thread as the
 * README advises ("Tokens"). Unbounded, and first in first out only within one producer.
 *
 * Neither can be closed. The plain one has a flag beside it; in the blocking one a mark travels that
 * says so: since all senders had finished before it was sent, whoever finds it takes what is still
 * there before handing it on.
 */
#include <concurrentqueue/blockingconcurrentqueue.h>
#include <concurrentqueue/concurrentqueue.h>

#include "peers/channel_peer.hh"

template <typename T> struct plain {
    moodycamel::ConcurrentQueue<T> queue;
    std::atomic<bool> closed{false};

    explicit plain(size_t)
    {
    }

    struct end {
        plain &of;
        moodycamel::ProducerToken producer;
        moodycamel::ConsumerToken consumer;

        explicit end(plain &of_) : of(of_), producer(of_.queue), consumer(of_.queue)
        {
        }

        void push(const T &value)
        {
            if (!of.queue.enqueue(producer, value))
                throw std::bad_alloc();
        }

        bool pop(T &value)
        {
            for (unsigned spins = 0; !of.queue.try_dequeue(consumer, value);) {
                if (of.closed.load())
                    return of.queue.try_dequeue(consumer, value);
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

template <typename T> struct blocking {
    struct entry {
        T value;
        bool mark;
    };

    moodycamel::BlockingConcurrentQueue<entry> queue;

    explicit blocking(size_t)
    {
    }

    struct end {
        blocking &of;
        moodycamel::ProducerToken producer;
        moodycamel::ConsumerToken consumer;
        bool has_mark = false;

        explicit end(blocking &of_) : of(of_), producer(of_.queue), consumer(of_.queue)
        {
        }

        void push(const T &value)
        {
            of.queue.enqueue(producer, entry{value, false});
        }

        bool pop(T &value)
        {
            entry found;
            if (!has_mark)
                of.queue.wait_dequeue(consumer, found);
            else if (!of.queue.try_dequeue(consumer, found))
                return pass_on();
            if (found.mark) {
                has_mark = true;
                return pop(value);
            }
            value = found.value;
            return true;
        }

        bool pass_on()
        {
            of.close();
            return false;
        }
    };

    void close()
    {
        queue.enqueue(entry{T(), true});
    }
};

const bench_contestant peer_moodycamel = {
    .name = "moodycamel",
    .label = "moodycamel::ConcurrentQueue, tokens",
    .note = "unbounded, spins and yields, cannot be closed, no order among producers",
    .bodies = channel_peer<plain>::bodies.data(),
    .face = &channel_peer<plain>::face};

const bench_contestant peer_moodycamel_blocking = {
    .name = "moodycamel-blocking",
    .label = "moodycamel::BlockingConcurrentQueue, tokens",
    .note = "unbounded, cannot be closed, no order among producers",
    .bodies = channel_peer<blocking>::bodies.data(),
    .face = &channel_peer<blocking>::face,
    .sleeps = true};

const bench_contestant peer_moodycamel_wide = {
    .name = "moodycamel-blocking",
    .label = "moodycamel::BlockingConcurrentQueue, tokens",
    .note = "unbounded, cannot be closed, no order among producers",
    .bodies = channel_peer<blocking>::wide_bodies.data(),
    .face = &channel_peer<blocking>::wide_face,
    .sleeps = true};
