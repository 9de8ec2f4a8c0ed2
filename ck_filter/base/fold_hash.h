/* base/fold_hash.h - a fast keyed hash of short bytes: multiply, fold the halves together.
 *
 * In the family of wyhash and mx3 (Wang Yi et al.; Maiga; the 128-bit fold is Thaler's "MUM"), with
 * all constants secret and drawn afresh. Two multiplications for up to 16 bytes. Bytes cannot be
 * chosen to collide without knowing the key; but it is no MAC: whoever can measure collisions may
 * learn how to make more. Users watch their chains, and change to SipHash (base/hash.h) where they
 * grow.
 */
#ifndef CKF_BASE_FOLD_HASH_H
#define CKF_BASE_FOLD_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"

struct ckf_fold_key {
    uint64_t words[5]; /* odd: none of them is 0 */
};

static inline void ckf_fold_key_init(struct ckf_fold_key *key)
{
    ckf_random_bytes(key, sizeof *key);
    for (int i = 0; i < 5; i++)
        key->words[i] |= 1;
}

static inline uint64_t ckf_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t ckf_read64(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t ckf_read32(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* More than 16 bytes: two lanes of 16 bytes each; *a and *b become the last 16. */
static inline uint64_t ckf_fold_long(const struct ckf_fold_key *key, const unsigned char *bytes,
                                     size_t length, uint64_t *a, uint64_t *b)
{
    uint64_t first = key->words[0], second = key->words[4];
    size_t left = length;
    for (; left > 32; left -= 32, bytes += 32) {
        first = ckf_fold(ckf_read64(bytes) ^ key->words[1], ckf_read64(bytes + 8) ^ first);
        second = ckf_fold(ckf_read64(bytes + 16) ^ key->words[3], ckf_read64(bytes + 24) ^ second);
    }
    if (left > 16)
        first = ckf_fold(ckf_read64(bytes) ^ key->words[1], ckf_read64(bytes + 8) ^ first);
    *a = ckf_read64(bytes + left - 16);
    *b = ckf_read64(bytes + left - 8);
    return first ^ second;
}

/* Of the last two words of a key: all of it, if it has 8 to 16 bytes and the seed is the key's. */
static inline uint64_t ckf_fold_words(const struct ckf_fold_key *key, uint64_t a, uint64_t b,
                                      uint64_t seed, size_t length)
{
    return ckf_fold(ckf_fold(a ^ key->words[1], b ^ seed) ^ key->words[3],
                    key->words[2] ^ (uint64_t)length << 1);
}

static inline uint64_t ckf_fold_hash(const struct ckf_fold_key *key, const void *data,
                                     size_t length)
{
    const unsigned char *bytes = data;
    uint64_t a = 0, b = 0, seed = key->words[0];
    if (length > 16) {
        seed = ckf_fold_long(key, bytes, length, &a, &b);
    } else if (length >= 8) {
        a = ckf_read64(bytes);
        b = ckf_read64(bytes + length - 8);
    } else if (length >= 4) {
        a = ckf_read32(bytes);
        b = ckf_read32(bytes + length - 4);
    } else if (length > 0) {
        a = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[length / 2] << 8 | bytes[length - 1];
    }
    return ckf_fold_words(key, a, b, seed, length);
}

#endif
