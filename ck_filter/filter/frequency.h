/* filter/frequency.h - how often bytes occur in texts and logs, as far as one can know.
 *
 * Matchers look first for what is rare. (An idea of Rust's memchr crate.)
 */
#ifndef CKF_FILTER_FREQUENCY_H
#define CKF_FILTER_FREQUENCY_H

#include <stddef.h>
#include <string.h>

enum { CKF_FREQUENCY_RANKS = 97 };

/* The more frequent a byte is, the higher; 0 for the rarest;
 * always below CKF_FREQUENCY_RANKS. */
static inline size_t ckf_frequency_rank(unsigned char byte)
{
    static const char rarest_first[] = "~^`|}{@$!&#?+*<>%;\\QZXJKqzVYjGHBUWOFRxNLMDPSTEACI9876[](5)"
                                       "'\"432=10,_:kvwbg-y/.fpumhcdlrsnoaite ";
    const char *found = byte != '\0' ? strchr(rarest_first, byte) : NULL;
    return found == NULL ? 0 : (size_t)(found - rarest_first) + 1;
}

/* How often the byte is met: roughly as in texts, where the n-th most frequent word or letter is so
 * much rarer than the first (Zipf). */
static inline double ckf_frequency_weight(unsigned char byte)
{
    return 1.0 / (double)(CKF_FREQUENCY_RANKS - ckf_frequency_rank(byte));
}

#endif
