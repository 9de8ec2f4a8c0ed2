/* ck_filter/memory.h - where the library's memory comes from.
 *
 * Every allocation of the library goes through one allocator: the C library's, unless the program
 * installs its own before its first other call. Memory that liburcu allocates for itself does not, nor
 * does Hyperscan's, which is the program's to direct (hs_set_allocator).
 */
#ifndef CKF_MEMORY_H
#define CKF_MEMORY_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_allocator {
    /* Returns size bytes (never 0) aligned to align (a power of two), or NULL: the call that needed
     * them then fails with CKF_NO_MEMORY and changes nothing. Both may change errno. */
    void *(*allocate)(size_t size, size_t align, void *arg);
    /* Takes back what allocate returned; memory is never NULL. Called from any thread. */
    void (*release)(void *memory, void *arg);
    void *arg;
};

/* Installs an allocator (copied) for the whole process; NULL restores the C library's. To be called
 * while no other call of the library runs. CKF_BUSY once the library has allocated anything,
 * CKF_INVALID if a function is missing. */
CKF_API CKF_MUST_USE enum ckf_status ckf_set_allocator(const struct ckf_allocator *allocator);

CKF_END_DECLS

#endif
