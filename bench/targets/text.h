/* targets/text.h - real text to count the words of. */
#ifndef CKF_BENCH_TEXT_H
#define CKF_BENCH_TEXT_H

#include <stddef.h>

struct text {
    const char *data;
    size_t len, words;
};

/* The C headers of this machine, one behind the other and from the start again, up to exactly so
 * many words. Read once, kept to the end; len 0: there are none, or no memory. */
const struct text *text_of_words(size_t words);

#endif
