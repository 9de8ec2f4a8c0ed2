/* ck_filter/counter_map.h - counters by key, exact to the last increment.
 *
 * A map from keys (bytes, or 64-bit numbers) to counters. An add makes its key if need be. Nothing
 * is ever lost: whatever threads do at the same time,
 *
 *     values + overflow + final values of removed keys + values taken = all that was ever added,
 *
 * modulo 2^64, across growth, removal, expiry, thread exit, fork and memory that runs out.
 *
 * Keys are copied in: any bytes, NULs included, up to CKF_COUNTER_MAP_MAX_KEY_BYTES; (NULL, 0) is
 * the empty key. A map with CKF_COUNTER_MAP_U64_KEYS takes keys of exactly 8 bytes. CKF_INVALID,
 * from every call that takes a key: the length is not allowed, or key is NULL and key_len is not 0.
 *
 * Who may choose the keys cannot slow the map down: its hash is keyed from getrandom(2), and where
 * many keys collide nevertheless, ATOMIC changes to SipHash for these.
 *
 * Callbacks run on the calling thread, without any lock, and may call everything on the same map
 * except destroy. Their key pointer is valid during the call.
 *
 * Progress. ATOMIC: an add to a known key, by key or by handle, is wait-free; once a key has proved
 * hot, it writes only words of the calling thread's own, without a locked instruction (while keys are
 * removed thousands of times a second, by key with one, on a line that other threads only read). By
 * handle the first 31 threads that live at once need no call then. A new key
 * allocates and is lock-free as far as the allocator is. No add, lookup or iteration waits for
 * another one, for growth or for a removal, and growth copies at most a few thousand addresses in
 * any one add. MUTEX: each call takes the lock of one of 64 shards for a short time; iterations take
 * each in turn; growth holds up its shard.
 *
 * Fork. A child may go on with maps that it inherited. An add that the fork interrupted is counted
 * there wholly or not at all; a removal that was waiting for adds to end is finished in the child
 * by counting its value in overflow.
 *
 * All functions but destroy may be called by any thread at any time, also from destructors of
 * thread-local data; none is a cancellation point, changes errno, or may be called by a signal handler;
 * a NULL map or handle aborts.
 */
#ifndef CKF_COUNTER_MAP_H
#define CKF_COUNTER_MAP_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

enum {
    CKF_COUNTER_MAP_U64_KEYS = 1, /* every key is a uint64_t's 8 bytes */
    CKF_COUNTER_MAP_SIPHASH = 2   /* hash with SipHash-1-3 from the start, whatever the keys */
};
enum { CKF_COUNTER_MAP_MAX_KEY_BYTES = 65536 };

struct ckf_counter_map;

struct ckf_counter_map_options {
    const char *name; /* copied; NULL: none */
    enum ckf_variant variant;
    size_t expected_keys; /* a hint: room from the start */
    size_t max_keys;      /* 0: no bound */
    unsigned flags;       /* CKF_COUNTER_MAP_... */
    /* Told about each value that is returned nowhere else: expire, a remove without final_value,
     * and destroy. May be NULL. */
    void (*removed)(const void *key, size_t key_len, uint64_t final_value, void *arg);
    void *removed_arg;
    uint64_t reserved[4]; /* zero */
};

/* Makes an empty map, to be destroyed by the caller. options NULL: all defaults.
 * CKF_INVALID: an unknown variant or flag, or reserved is not zero. CKF_NO_MEMORY. On failure *map
 * is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_counter_map_create(
    struct ckf_counter_map **map, const struct ckf_counter_map_options *options);

/* Hands every key that is left to `removed` and frees the map. No other call may be running or
 * start any more, and all handles are released: one that is not aborts. Adds that `removed` makes
 * to this map meanwhile count in its overflow. */
CKF_API void ckf_counter_map_destroy(struct ckf_counter_map *map);

/* Adds n to the key's counter, making the key if it is not there; n may be 0.
 * CKF_OVERFLOWED: counted, in the overflow counter: the key is new and the map is at max_keys (keys
 * on their way out count until their final value is known), or there is no memory. CKF_INVALID:
 * nothing was counted. max_keys is never exceeded, and never refuses a key for which there is room. */
CKF_API enum ckf_status ckf_counter_map_add(struct ckf_counter_map *map, const void *key,
                                            size_t key_len, uint64_t n);

/* The same for the key that consists of the number's 8 bytes, as they lie in memory. */
CKF_API enum ckf_status ckf_counter_map_add_u64(struct ckf_counter_map *map, uint64_t key,
                                                uint64_t n);

/* *value becomes what was added to the key since it was made or last taken. It is a sum over several
 * words, so while adds and takes meet the call it need not be what the key was worth at any one moment:
 * it is no less than what was there at the beginning and has not been taken by the end, and no more
 * than what was there at the end and had not been taken at the beginning. When none meet it, it is
 * exact. A value never goes backwards between two reads without a take or a remove between. value may
 * be NULL.
 * CKF_NOT_FOUND: *value is 0. CKF_INVALID. */
CKF_API CKF_MUST_USE enum ckf_status ckf_counter_map_get(struct ckf_counter_map *map,
                                                         const void *key, size_t key_len,
                                                         uint64_t *value);

/* Reads, and counts what it read as taken: each increment lands in exactly one take, and what was added
 * before a take began is in that take or in an earlier one; of the adds that meet it, some may be. The
 * key stays, at 0 if nobody adds. value may be NULL, which discards what was taken.
 * CKF_NOT_FOUND: *value is 0. CKF_INVALID. */
CKF_API CKF_MUST_USE enum ckf_status ckf_counter_map_take(struct ckf_counter_map *map,
                                                          const void *key, size_t key_len,
                                                          uint64_t *value);

/* Takes the key out, pinned or not, waits until the adds in progress have ended, and sets
 * *final_value, which is exact: later adds make the key anew. With final_value NULL the value goes
 * to `removed`.
 * CKF_NOT_FOUND: *final_value is 0. CKF_INVALID. */
CKF_API CKF_MUST_USE enum ckf_status ckf_counter_map_remove(struct ckf_counter_map *map,
                                                            const void *key, size_t key_len,
                                                            uint64_t *final_value);

/* Called for one key; value as in ckf_counter_map_get. Returns false to stop. */
typedef bool (*ckf_counter_visit)(const void *key, size_t key_len, uint64_t value, void *arg);

/* Visits each key at most once, and each key that lived throughout exactly once, in no order. Each
 * value was the key's at a moment between the start and its visit: keys and values are copied, some
 * thousand at a time, before they are visited. A key that was removed before its turn is not visited.
 * CKF_OK, also when stopped. CKF_NO_MEMORY: there was no room to copy; some may have been visited. */
CKF_API enum ckf_status ckf_counter_map_for_each(struct ckf_counter_map *map,
                                                 ckf_counter_visit visit, void *arg);

/* The same with a take of each key instead of a get. Keys at 0 are not visited; the value at which
 * the visitor stopped has been taken. */
CKF_API enum ckf_status ckf_counter_map_take_all(struct ckf_counter_map *map,
                                                 ckf_counter_visit visit, void *arg);

/* Visits the k keys with the largest values, or all if there are fewer, in descending order of
 * their values as they were when the keys were looked through, which is done before the first
 * visit. Equal ones come in any order. CKF_OK, CKF_NO_MEMORY: none was visited. */
CKF_API enum ckf_status ckf_counter_map_top(struct ckf_counter_map *map, size_t k,
                                            ckf_counter_visit visit, void *arg);

/* One sweep of the map's clock: keys without an add in the last idle_sweeps sweeps (those between
 * them and this one included) go, all keys if it is 0, and `removed` is told their final values.
 * Pinned keys stay. An add of 0 is an add; takes and reads are none. An add that meets the sweep
 * may still be part of the final value. Waits as remove does, once. Returns how many keys went. */
CKF_API size_t ckf_counter_map_expire(struct ckf_counter_map *map, unsigned idle_sweeps);

/* Keys that are there now. */
CKF_API size_t ckf_counter_map_len(const struct ckf_counter_map *map);

/* All that was ever added: values + overflow + final values + values taken. Exact when nothing is
 * added; never goes backwards. Looks at every key. */
CKF_API uint64_t ckf_counter_map_total(struct ckf_counter_map *map);

/* What was counted outside any key. */
CKF_API uint64_t ckf_counter_map_overflow(struct ckf_counter_map *map);

/* A key that was looked up once, for hot paths. Pins the key: expire leaves it alone. May be used by
 * several threads at once. After a remove the next add makes the key anew, pinned again, or counts
 * in overflow. */
struct ckf_counter;

/* Makes a handle, to be released by the caller; makes the key, at 0, if it is not there: for expire,
 * this is an add.
 * CKF_OVERFLOWED: the map is at max_keys: *counter is usable, its adds count in overflow until there
 * is room for the key. CKF_NO_MEMORY, CKF_INVALID: *counter is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_counter_map_counter(struct ckf_counter_map *map,
                                                             const void *key, size_t key_len,
                                                             struct ckf_counter **counter);

/* ckf_counter_map_add for the handle's key. */
CKF_API void ckf_counter_add(struct ckf_counter *counter, uint64_t n);

/* The same, in a call. Programs have no use for it. */
CKF_API void ckf_counter_add_in_full(struct ckf_counter *counter, uint64_t n);

#if defined(__GNUC__)
/* Where this thread says that it is inside a call; NULL: it has not been in one. Programs have no use for
 * it but in the next function. */
struct ckf_place;
extern __thread struct ckf_place *ckf_thread_place
    __attribute__((__tls_model__("initial-exec"), __visibility__("default")));

#if !defined(CKF_CALLS_ONLY)
/* Most adds need no call: the thread goes inside by one store, adds to a word of its own by another, and
 * leaves by a third. (A program that wants calls all the same defines CKF_CALLS_ONLY.) This is also a promise
 * about places and handles, now and later. A place begins with two words: what it is inside of, or 0, and a
 * gate, which goes there. A handle has, at the offset in the gate's low 16 bits, the address of the word in
 * which this thread counts the handle's key, or NULL. It stays good until the thread leaves. */
extern inline __attribute__((__gnu_inline__)) void ckf_counter_add(struct ckf_counter *counter,
                                                                   uint64_t n)
{
    uint64_t *place = (uint64_t *)(void *)ckf_thread_place;
    if (__builtin_expect(counter != NULL && place != NULL && (n - 1) >> 32 == 0, 1)) {
        /* The orders are those of the library's own ckf_counter_add(), and argued there. */
        uint64_t gate = __atomic_load_n(&place[1], __ATOMIC_ACQUIRE);
        __atomic_store_n(&place[0], gate, __ATOMIC_RELEASE);
        __asm__ volatile("" ::: "memory");
        uint64_t *word = __atomic_load_n((uint64_t **)(void *)((char *)counter + (gate & 0xffff)),
                                         __ATOMIC_RELAXED);
        if (__builtin_expect(word != NULL, 1)) {
            __atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + n, __ATOMIC_RELEASE);
            __atomic_store_n(&place[0], 0, __ATOMIC_RELEASE);
            return;
        }
        __atomic_store_n(&place[0], 0, __ATOMIC_RELEASE);
    }
    ckf_counter_add_in_full(counter, n);
}
#endif
#endif

/* The key's value; 0 if it is not in the map. */
CKF_API uint64_t ckf_counter_get(struct ckf_counter *counter);

/* Gives the handle back. No other call on it may be running or start any more. */
CKF_API void ckf_counter_release(struct ckf_counter *counter);

CKF_END_DECLS

#endif
