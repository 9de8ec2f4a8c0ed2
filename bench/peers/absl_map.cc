/* absl_map.cc - absl::flat_hash_map: one for each thread (the limit), one behind a mutex, and 64 behind
 * a mutex each. Abseil's own hash; words are looked up as string_views, without making a string.
 */
#include <memory>
#include <mutex>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "peers/map_peer.hh"

/* What Abseil looks words up by. */
inline absl::string_view seen_by_absl(std::string_view word)
{
    return {word.data(), word.size()};
}
template <size_t N> const fixed_key<N> &seen_by_absl(const fixed_key<N> &key)
{
    return key;
}

template <typename Key> using counts = absl::flat_hash_map<Key, uint64_t>;

template <typename Key> size_t sum_of(const counts<Key> &map, uint64_t &sum)
{
    for (const auto &[key, value] : map)
        sum += value;
    return map.size();
}

/* Any number of shards behind a lock each, on lines of their own. */
template <typename Key, size_t Shards> struct locked {
    struct alignas(BENCH_CACHELINE_BYTES) shard {
        std::mutex lock;
        counts<Key> map;
    };

    shard shards[Shards];

    locked(size_t keys, unsigned)
    {
        for (auto &shard : shards)
            shard.map.reserve(keys / Shards);
    }

    /* The map's hash serves for both; its low bits pick the slot. */
    template <typename View> shard &shard_of(const View &, size_t hash)
    {
        return shards[Shards == 1 ? 0 : (hash >> 48) % Shards];
    }

    template <typename View> void add(const View &given, unsigned)
    {
        const auto &key = seen_by_absl(given);
        size_t hash = shards[0].map.hash_function()(key);
        shard &own = shard_of(key, hash);
        std::lock_guard<std::mutex> guard(own.lock);
        auto found = own.map.find(key, hash);
        if (found != own.map.end())
            found->second++;
        else
            own.map.emplace(Key(key), 1);
    }

    uint64_t remove(const Key &key)
    {
        size_t hash = shards[0].map.hash_function()(key);
        shard &own = shard_of(key, hash);
        std::lock_guard<std::mutex> guard(own.lock);
        auto found = own.map.find(key, hash);
        if (found == own.map.end())
            return 0;
        uint64_t value = found->second;
        own.map.erase(found);
        return value;
    }

    size_t snapshot(uint64_t &sum)
    {
        size_t keys = 0;
        sum = 0;
        for (auto &shard : shards) {
            std::lock_guard<std::mutex> guard(shard.lock);
            keys += sum_of<Key>(shard.map, sum);
        }
        return keys;
    }
};

template <typename Key> using one_lock = locked<Key, 1>;
template <typename Key> using many_locks = locked<Key, 64>;

template <typename Key> struct for_each_thread {
    struct alignas(BENCH_CACHELINE_BYTES) own {
        counts<Key> map;
    };

    std::vector<own> maps;

    for_each_thread(size_t keys, unsigned threads) : maps(threads)
    {
        for (auto &own : maps)
            own.map.reserve(keys);
    }

    template <typename View> void add(const View &key, unsigned thread)
    {
        maps[thread].map[seen_by_absl(key)]++;
    }

    size_t snapshot(uint64_t &sum)
    {
        size_t keys = 0;
        sum = 0;
        for (auto &own : maps)
            keys += sum_of<Key>(own.map, sum);
        return keys;
    }
};

const bench_contestant peer_absl_private = {
    .name = "absl-private",
    .label = "absl::flat_hash_map, one a thread",
    .note = "a limit: nobody else can read it, nothing is summed",
    .bodies = map_peer<for_each_thread>::bodies.data(),
    .face = &map_peer<for_each_thread>::private_face};

const bench_contestant peer_absl_mutex = {
    .name = "absl-mutex",
    .label = "absl::flat_hash_map behind a mutex",
    .note = "growth stops everybody; chosen keys can slow it down",
    .bodies = map_peer<one_lock>::bodies.data(),
    .face = &map_peer<one_lock>::face,
    .sleeps = true};

const bench_contestant peer_absl_sharded = {
    .name = "absl-sharded",
    .label = "64 absl::flat_hash_maps behind a mutex each",
    .note = "growth stops a shard; chosen keys can slow it down",
    .bodies = map_peer<many_locks>::bodies.data(),
    .face = &map_peer<many_locks>::face,
    .sleeps = true};
