/* base/block.h - sixteen bytes at a time: which of them are this one?
 *
 * Vector instructions where every machine of the architecture has them, plain words elsewhere.
 */
#ifndef CKF_BASE_BLOCK_H
#define CKF_BASE_BLOCK_H

#include <stdint.h>
#include <string.h>

enum { CKF_BLOCK_BYTES = 16 };

#if defined(__SSE2__)

#include <emmintrin.h>

/* Bit i is set where bytes[i] | bit is byte; bit 0: equality. */
static inline uint32_t ckf_block_find(const unsigned char *bytes, unsigned char byte,
                                      unsigned char bit)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i raised = _mm_or_si128(block, _mm_set1_epi8((char)bit));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(raised, _mm_set1_epi8((char)byte)));
}

#else

static inline uint32_t ckf_block_find(const unsigned char *bytes, unsigned char byte,
                                      unsigned char bit)
{
    uint32_t found = 0;
    for (int i = 0; i < CKF_BLOCK_BYTES; i++)
        found |= (uint32_t)((bytes[i] | bit) == byte) << i;
    return found;
}

#endif

#endif
