/* targets/text.h - text to count the words of. */
#ifndef CKF_BENCH_TEXT_H
#define CKF_BENCH_TEXT_H

#include <stddef.h>

struct text {
    const char *data;
    size_t len, words;
};

/* So many words of a made-up language, frequent ones shorter, drawn as in real texts (Zipf's law, exponent
 * 1, 100k words): the same on every machine, some seven bytes a word. Made once, kept to the end; len 0: no
 * memory. */
const struct text *text_of_words(size_t words);

#endif
