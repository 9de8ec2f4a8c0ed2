/* ck_filter/counter_map.h - counters by key, exact to the last increment. */
#ifndef CKF_COUNTER_MAP_H
#define CKF_COUNTER_MAP_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

enum { CKF_COUNTER_MAP_U64_KEYS = 1, CKF_COUNTER_MAP_SIPHASH = 2 };

struct ckf_counter_map;

struct ckf_counter_map_options {
    const char *name;
    enum ckf_variant variant;
    size_t expected_keys, max_keys; /* max_keys 0: no bound */
    unsigned flags; /* CKF_COUNTER_MAP_U64_KEYS; CKF_COUNTER_MAP_SIPHASH: SipHash from the start */
    void (*removed)(const void *key, size_t key_len, uint64_t final_value, void *arg);
    void *removed_arg;
    uint64_t reserved[4];
};
CKF_API enum ckf_status ckf_counter_map_create(struct ckf_counter_map **,
                                               const struct ckf_counter_map_options *);
CKF_API void ckf_counter_map_destroy(struct ckf_counter_map *);
CKF_API enum ckf_status ckf_counter_map_add(struct ckf_counter_map *, const void *key,
                                            size_t key_len, uint64_t n);
CKF_API enum ckf_status ckf_counter_map_add_u64(struct ckf_counter_map *, uint64_t key,
                                                uint64_t n); /* the key's 8 bytes */
CKF_API enum ckf_status ckf_counter_map_get(struct ckf_counter_map *, const void *key,
                                            size_t key_len, uint64_t *value);
CKF_API enum ckf_status ckf_counter_map_take(struct ckf_counter_map *, const void *key,
                                             size_t key_len, uint64_t *value);
CKF_API enum ckf_status ckf_counter_map_remove(struct ckf_counter_map *, const void *key,
                                               size_t key_len, uint64_t *final_value);
typedef bool (*ckf_counter_visit)(const void *key, size_t key_len, uint64_t value,
                                  void *arg); /* false stops */
CKF_API enum ckf_status ckf_counter_map_for_each(struct ckf_counter_map *, ckf_counter_visit,
                                                 void *arg);
CKF_API enum ckf_status ckf_counter_map_take_all(struct ckf_counter_map *, ckf_counter_visit,
                                                 void *arg);
CKF_API enum ckf_status ckf_counter_map_top(struct ckf_counter_map *, size_t k, ckf_counter_visit,
                                            void *arg); /* descending */
CKF_API size_t ckf_counter_map_expire(struct ckf_counter_map *, unsigned idle_sweeps);
CKF_API size_t ckf_counter_map_len(const struct ckf_counter_map *);
CKF_API uint64_t ckf_counter_map_total(
    struct ckf_counter_map *); /* all adds ever: live + overflow + removed + taken */
CKF_API uint64_t ckf_counter_map_overflow(struct ckf_counter_map *);

struct ckf_counter; /* a key looked up once, for hot paths */
CKF_API enum ckf_status ckf_counter_map_counter(struct ckf_counter_map *, const void *key,
                                                size_t key_len, struct ckf_counter **);
CKF_API void ckf_counter_add(struct ckf_counter *, uint64_t n);
CKF_API uint64_t ckf_counter_get(struct ckf_counter *);
CKF_API void ckf_counter_release(struct ckf_counter *);

CKF_END_DECLS

#endif
