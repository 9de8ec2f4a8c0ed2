/* base/hash.h - keyed hashes of bytes from the outside world.
 *
 * SipHash-1-3 (Aumasson, Bernstein, INDOCRYPT 2012): with a key from getrandom, whoever chooses the
 * bytes cannot choose their hashes. The key never leaves the process.
 */
#ifndef CKF_BASE_HASH_H
#define CKF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct ckf_hash_key {
    uint64_t k0, k1;
};

/* A fresh secret key. */
void ckf_hash_key_init(struct ckf_hash_key *key);

uint64_t ckf_siphash13(const struct ckf_hash_key *key, const void *bytes, size_t length);

#endif
