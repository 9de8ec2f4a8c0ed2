/* peers/map_peer.hh - a map of counters written in C++ as a contestant.
 *
 * A peer is a class template over the key, with
 *     Map(size_t keys_expected, unsigned threads);
 *     void add(const Key &key, unsigned thread);      for word_key: add(std::string_view, unsigned)
 *     size_t snapshot(uint64_t &sum);
 *     uint64_t remove(const Key &key);                where it takes part in the churn
 */
#ifndef CKF_BENCH_MAP_PEER_HH
#define CKF_BENCH_MAP_PEER_HH

#include <array>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "cases/map_roles.h"
#include "peers/peers.h"

/* Keys of a fixed length lie in the map: kinder to it than strings on the heap. */
template <size_t N> struct fixed_key {
    unsigned char bytes[N];

    friend bool operator==(const fixed_key &a, const fixed_key &b)
    {
        return std::memcmp(a.bytes, b.bytes, N) == 0;
    }
    template <typename H> friend H AbslHashValue(H state, const fixed_key &key)
    {
        return H::combine_contiguous(std::move(state), key.bytes, N);
    }
};

/* Eight bytes at a time: a hash of the kind that a program takes for speed. */
inline uint64_t quick_hash(const void *data, size_t len)
{
    auto *bytes = static_cast<const unsigned char *>(data);
    uint64_t hash = len, word;
    for (; len >= sizeof(word); len -= sizeof(word), bytes += sizeof(word)) {
        std::memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    for (size_t i = 0; i < len; i++)
        word = word << 8 | bytes[i];
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

struct quick_hasher {
    template <size_t N> size_t operator()(const fixed_key<N> &key) const
    {
        return quick_hash(key.bytes, N);
    }
    size_t operator()(std::string_view key) const
    {
        return quick_hash(key.data(), key.size());
    }
};

template <template <typename> class Map> struct map_peer {
    /* What face functions hold, whatever the length of the keys. */
    struct any {
        virtual ~any() = default;
        virtual void add(const table_item &item) = 0;
        virtual size_t snapshot(uint64_t &sum) = 0;
    };

    template <size_t N> struct holder final : any {
        Map<fixed_key<N>> map;
        holder(size_t keys, unsigned threads) : map(keys, threads)
        {
        }
        void add(const table_item &item) override
        {
            map.add(key_of<N>(item), item.thread);
        }
        size_t snapshot(uint64_t &sum) override
        {
            return map.snapshot(sum);
        }
    };

    struct word_holder final : any {
        Map<std::string> map;
        word_holder(size_t keys, unsigned threads) : map(keys, threads)
        {
        }
        void add(const table_item &item) override
        {
            map.add(word_of(item), item.thread);
        }
        size_t snapshot(uint64_t &sum) override
        {
            return map.snapshot(sum);
        }
    };

    template <size_t N> static const fixed_key<N> &key_of(const table_item &item)
    {
        return *static_cast<const fixed_key<N> *>(item.key);
    }

    static std::string_view word_of(const table_item &item)
    {
        return {static_cast<const char *>(item.key), item.len};
    }

    /* key_len 0: words. */
    static void *create(size_t keys, size_t key_len, unsigned threads)
    {
        try {
            switch (key_len) {
            case 0:
                return static_cast<any *>(new word_holder(keys, threads));
            case 8:
                return static_cast<any *>(new holder<8>(keys, threads));
            case 16:
                return static_cast<any *>(new holder<16>(keys, threads));
            case 64:
                return static_cast<any *>(new holder<64>(keys, threads));
            default:
                return nullptr;
            }
        } catch (const std::bad_alloc &) {
            return nullptr;
        }
    }

    static void destroy(void *map)
    {
        delete static_cast<any *>(map);
    }
    static bool add_any(void *map, table_item item)
    {
        return static_cast<any *>(map)->add(item), true;
    }
    static size_t snapshot(void *map, uint64_t *sum)
    {
        return static_cast<any *>(map)->snapshot(*sum);
    }

    template <size_t N> static holder<N> *in(void *map)
    {
        return static_cast<holder<N> *>(static_cast<any *>(map));
    }
    template <size_t N> static bool add(void *map, table_item item)
    {
        return in<N>(map)->map.add(key_of<N>(item), item.thread), true;
    }
    static bool add_word(void *map, table_item item)
    {
        auto *holder = static_cast<word_holder *>(static_cast<any *>(map));
        return holder->map.add(word_of(item), item.thread), true;
    }
    static uint64_t remove(void *map, table_item item)
    {
        return in<16>(map)->map.remove(key_of<16>(item));
    }

    static table_state *of(void *state)
    {
        return static_cast<table_state *>(state);
    }

    template <size_t N> static void count(bench_run *run, void *state)
    {
        table_count(run, of(state), add<N>, N);
    }
    static void make_new(bench_run *run, void *state)
    {
        table_new(run, of(state), add<16>, false);
    }
    static void worst(bench_run *run, void *state)
    {
        table_new(run, of(state), add<16>, true);
    }
    static void snapshots(bench_run *run, void *state)
    {
        table_snapshot(run, of(state), snapshot);
    }
    static void adder(bench_run *run, void *state)
    {
        table_adder(run, of(state), add<16>);
    }
    static void watcher(bench_run *run, void *state)
    {
        table_watcher(run, of(state), snapshot);
    }
    static void churn(bench_run *run, void *state)
    {
        table_churn(run, of(state), add<16>, remove);
    }
    static void words(bench_run *run, void *state)
    {
        table_words(run, of(state), add_word);
    }

    static constexpr bool removes = requires(Map<fixed_key<16>> map, fixed_key<16> key)
    {
        map.remove(key);
    };

    static constexpr std::array<bench_body, TABLE_ROLES> table()
    {
        std::array<bench_body, TABLE_ROLES> bodies{};
        bodies[TABLE_COUNT_8] = count<8>;
        bodies[TABLE_COUNT_16] = count<16>;
        bodies[TABLE_COUNT_64] = count<64>;
        bodies[TABLE_NEW] = make_new;
        bodies[TABLE_WORST] = worst;
        bodies[TABLE_SNAPSHOT] = snapshots;
        bodies[TABLE_ADDER] = adder;
        bodies[TABLE_WATCHER] = watcher;
        if constexpr (removes)
            bodies[TABLE_CHURN] = churn;
        bodies[TABLE_WORDS] = words;
        bodies[TABLE_FOOTPRINT] = table_measured;
        return bodies;
    }

    static constexpr auto bodies = table();
    static constexpr table_face face = {
        .create = create, .destroy = destroy, .add = add_any, .snapshot = snapshot};
    static constexpr table_face private_face = {.create = create,
                                                .destroy = destroy,
                                                .add = add_any,
                                                .snapshot = snapshot,
                                                .per_thread = true};
};

#endif
