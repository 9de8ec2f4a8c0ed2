/* tbb_map.cc - oneTBB's concurrent_hash_map: found by a reader's accessor and added to atomically;
 * a writer's accessor only where the key is new.
 */
#include <atomic>

#include <oneapi/tbb/concurrent_hash_map.h>

#include "peers/map_peer.hh"

struct tbb_compare {
    using is_transparent = void;

    template <typename Key> size_t hash(const Key &key) const
    {
        return quick_hasher()(key);
    }
    template <typename A, typename B> bool equal(const A &a, const B &b) const
    {
        return a == b;
    }
};

struct tbb_counter {
    mutable std::atomic<uint64_t> value{0};

    tbb_counter() = default;
    tbb_counter(const tbb_counter &other) : value(other.value.load())
    {
    }
    void add() const
    {
        value.fetch_add(1, std::memory_order_relaxed);
    }
};

template <typename Key> struct tbb_counts {
    using table = tbb::concurrent_hash_map<Key, tbb_counter, tbb_compare>;

    table map;

    tbb_counts(size_t keys, unsigned) : map(keys < 64 ? 64 : keys)
    {
    }

    template <typename View> void add(const View &key, unsigned)
    {
        typename table::const_accessor found;
        if (!map.find(found, key))
            map.insert(found, Key(key));
        found->second.add();
    }

    uint64_t remove(const Key &key)
    {
        typename table::accessor found;
        if (!map.find(found, key))
            return 0;
        uint64_t value = found->second.value.load();
        map.erase(found);
        return value;
    }

    /* Only when nothing else happens. */
    size_t snapshot(uint64_t &sum)
    {
        size_t keys = 0;
        sum = 0;
        for (const auto &[key, counter] : map) {
            sum += counter.value.load(std::memory_order_relaxed);
            keys++;
        }
        return keys;
    }
};

const bench_contestant peer_tbb_map = {
    .name = "tbb",
    .label = "oneTBB concurrent_hash_map, atomic counters",
    .note = "cannot be walked through while keys come; chosen keys can slow it down",
    .bodies = map_peer<tbb_counts>::bodies.data(),
    .face = &map_peer<tbb_counts>::face,
    .sleeps = true};
