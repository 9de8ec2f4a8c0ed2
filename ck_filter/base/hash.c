/* base/hash.c - SipHash-1-3: one compression round a word, three finalization rounds. */
#include "base/hash.h"

#include <string.h>

#include "base/random.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_absorb(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t little_endian(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

void ckf_hash_key_init(struct ckf_hash_key *key)
{
    ckf_random_bytes(key, sizeof *key);
}

uint64_t ckf_siphash13(const struct ckf_hash_key *key, const void *bytes, size_t length)
{
    struct sip s = {key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
                    key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573)};
    const unsigned char *next = bytes;
    size_t left = length;
    for (; left >= 8; left -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        sip_absorb(&s, little_endian(word));
    }
    uint64_t last = 0;
    if (left > 0)
        memcpy(&last, next, left);
    sip_absorb(&s, little_endian(last) | (uint64_t)length << 56);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
