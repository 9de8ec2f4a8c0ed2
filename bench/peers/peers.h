/* peers/peers.h - what a program could use instead, each a contestant for some workloads.
 *
 * A peer that was not built (its library was missing at configure time) is a weak symbol without a
 * definition: its address is NULL and the runner leaves it out.
 */
#ifndef CKF_BENCH_PEERS_H
#define CKF_BENCH_PEERS_H

#include "harness/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PEER extern const struct bench_contestant __attribute__((weak))

/* Channels. */
PEER peer_pthread_ring;    /* a mutex, two condition variables and an array: bounded, any threads */
PEER peer_pipe;            /* pipe(2): bounded, any threads */
PEER peer_ck_ring;         /* Concurrency Kit, single producer and consumer: the limit; spins */
PEER peer_wfcqueue_locked; /* the same for several consumers */
PEER peer_wfcqueue;        /* liburcu, unbounded; spins */
PEER peer_vyukov;          /* Vyukov's bounded queue, compact; spins */
PEER peer_spsc_ring;       /* one producer, one consumer, cached indices: the limit */
PEER peer_rte_ring;        /* DPDK, any threads; spins */
PEER peer_rte_ring_single; /* DPDK, one producer, one consumer; spins */
PEER peer_futex_cell;      /* a word and a futex: the limit of waking */
PEER peer_moodycamel;      /* unbounded; spins */
PEER peer_moodycamel_blocking, peer_moodycamel_wide; /* unbounded */
PEER peer_tbb_queue, peer_tbb_queue_wide;            /* oneTBB, bounded */
PEER peer_boost_queue;                               /* boost::lockfree, bounded; spins */

/* Counter maps. */
PEER peer_pthread_map; /* a mutex and a chained hash table */
PEER peer_lfht;        /* liburcu's hash table and an atomic add */
PEER peer_fetch_add;   /* one shared word a key, for handles */
PEER peer_alone_map;   /* the hash table without a lock: one thread, the limit */

/* Counter maps, for the table of targets. */
PEER peer_absl_private;  /* absl::flat_hash_map, one a thread: the limit */
PEER peer_absl_mutex;    /* the same behind a mutex */
PEER peer_absl_sharded;  /* 64 of them behind a mutex each */
PEER peer_array_private; /* an array a thread: the limit of all counting */
PEER peer_shared_words;  /* one shared word a key, for handles */
PEER peer_lfht_table;    /* liburcu's hash table */
PEER peer_ck_ht;         /* Concurrency Kit's hash table */
PEER peer_tbb_map;       /* oneTBB's concurrent_hash_map */
PEER peer_cuckoo_map;    /* libcuckoo */

/* Filters. */
PEER peer_rwlock_set;                                 /* a hash set under a read-write lock */
PEER peer_rcu_set;                                    /* a hash set behind an RCU pointer */
PEER peer_rcu_set_memb, peer_rcu_set_qsbr;            /* other flavours of liburcu */
PEER peer_ck_epoch;                                   /* Concurrency Kit's epochs */
PEER peer_mutex_set;                                  /* a hash set under a mutex */
PEER peer_shared_ptr_functions, peer_shared_ptr_type; /* behind a shared_ptr */
PEER peer_hyperscan;                                  /* many substrings at once */
PEER peer_atomic_hyperscan;                           /* a back end of ours */
PEER peer_alone_set; /* a filter that nobody replaces, on one hash set: the limit of filters */
PEER peer_bare_set;  /* its hash set alone: the limit of the other sets */

#ifdef __cplusplus
}
#endif

#endif
