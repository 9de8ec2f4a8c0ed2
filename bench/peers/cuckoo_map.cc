/* cuckoo_map.cc - libcuckoo's cuckoohash_map, counted by upsert as its README does. */
#include <libcuckoo/cuckoohash_map.hh>

#include "peers/map_peer.hh"

template <typename Key> struct cuckoo_counts {
    using table = libcuckoo::cuckoohash_map<Key, uint64_t, quick_hasher, std::equal_to<>>;

    table map;

    cuckoo_counts(size_t keys, unsigned) : map(keys < 64 ? 64 : keys)
    {
    }

    template <typename View> void add(const View &key, unsigned)
    {
        map.upsert(
            key, [](uint64_t &value) { value++; }, 1);
    }

    uint64_t remove(const Key &key)
    {
        uint64_t final_value = 0;
        map.erase_fn(key, [&](uint64_t &value) {
            final_value = value;
            return true;
        });
        return final_value;
    }

    /* Takes all locks meanwhile. */
    size_t snapshot(uint64_t &sum)
    {
        auto locked = map.lock_table();
        sum = 0;
        for (const auto &[key, value] : locked)
            sum += value;
        return locked.size();
    }
};

const bench_contestant peer_cuckoo_map = {
    .name = "libcuckoo",
    .label = "libcuckoo cuckoohash_map, upsert",
    .note = "a walk stops all others; chosen keys can slow it down",
    .bodies = map_peer<cuckoo_counts>::bodies.data(),
    .face = &map_peer<cuckoo_counts>::face};
