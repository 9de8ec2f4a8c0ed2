/* ck_filter/pool.h - objects of one kind that are used again instead of made anew.
 *
 * A pool hands out objects that are in their initial state, whoever used them before: put resets
 * what the last user left in them, so no state passes from one user to the next and nothing stays
 * pinned by an object that waits. Idle objects are bounded; what exceeds the bound is freed.
 *
 * get and put may be called by any thread at any time, also from destructors of thread-local data, and
 * an object may be put back by another thread than got it. Nothing is kept in thread-local memory, so no
 * thread takes objects with it when it exits. Put happens before the get that returns the same object.
 * Idle objects are inaccessible in builds with AddressSanitizer. Putting an object twice, or one of
 * another pool, aborts.
 *
 * Fork. A forked child may go on with a pool that it inherited; with CKF_VARIANT_MUTEX only if no other
 * thread was in a call on it. Objects that other threads had do not come back there: with some missing,
 * destroy aborts in the child as it does elsewhere.
 *
 * Progress: with CKF_VARIANT_ATOMIC get and put are lock-free, apart from the memory allocator and
 * the caller's functions; threads that each put about as often as they get seldom meet. With
 * CKF_VARIANT_MUTEX they take one short lock.
 */
#ifndef CKF_POOL_H
#define CKF_POOL_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_pool;

struct ckf_pool_options {
    const char *name; /* copied; NULL: none */
    enum ckf_variant variant;
    size_t size; /* bytes of an object, aligned as malloc's memory; more than 0 */
    /* Makes the initial state: called once on a new object, which is zeroed, and at every put on a
     * used one. NULL: objects are zeroed. */
    void (*reset)(void *object, void *arg);
    /* Frees what an object holds besides its own memory, after a reset and right before the object
     * is freed: in a put beyond max_idle, or in destroy. NULL: nothing. Both run on the calling
     * thread and without a lock. */
    void (*discard)(void *object, void *arg);
    void *arg;
    size_t max_idle; /* 0: 256 */
    uint64_t reserved[4];
};

/* CKF_INVALID: options are NULL, size is 0 or too large, there is no such variant, or reserved is not
 * zero. CKF_NO_MEMORY. On failure *pool is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_pool_create(struct ckf_pool **pool,
                                                     const struct ckf_pool_options *options);

/* An object in its initial state, to be put back; NULL without memory. */
CKF_API void *ckf_pool_get(struct ckf_pool *pool);

/* Takes the object back; it must not be touched afterwards. Never fails. */
CKF_API void ckf_pool_put(struct ckf_pool *pool, void *object);

/* Frees the idle objects. All objects must have been put back and no call may be in progress: aborts
 * if an object is missing. */
CKF_API void ckf_pool_destroy(struct ckf_pool *pool);

CKF_END_DECLS

#endif
