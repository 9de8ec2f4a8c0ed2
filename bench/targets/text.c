/* text.c - makes a text: a list of words, and draws from it. */
#include "targets/text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bench.h"

enum { VOCABULARY = 100000, LONGEST = 16, WORDS_OF_A_LINE = 12 };

struct word {
    char letters[LONGEST];
    unsigned char len;
};

static struct word make_word(uint32_t rank)
{
    enum { FREQUENT = 1000, LETTERS = 26 };
    uint64_t noise = bench_mix(rank + 1);
    struct word word = {.len = (unsigned char)(2 + noise % 5 + (rank < FREQUENT ? 0 : 5))};
    for (unsigned i = 0; i < word.len; i++, noise /= LETTERS)
        word.letters[i] = (char)('a' + noise % LETTERS);
    return word;
}

/* Of ranks whose probability falls as one over the rank. */
static uint32_t draw_rank(uint64_t i)
{
    double unit = (double)(bench_mix(i ^ UINT64_C(0x7e87) << 40) >> 11) * 0x1p-53;
    return (uint32_t)exp2(unit * log2(VOCABULARY));
}

const struct text *text_of_words(size_t words)
{
    static struct text text;
    if (text.words == words)
        return &text;
    struct word *vocabulary = malloc(VOCABULARY * sizeof(*vocabulary));
    char *data = malloc(words * (LONGEST + 1));
    if (vocabulary == NULL || data == NULL) {
        free(vocabulary);
        free(data);
        return &text;
    }
    for (uint32_t rank = 0; rank < VOCABULARY; rank++)
        vocabulary[rank] = make_word(rank);
    char *to = data;
    for (size_t i = 0; i < words; i++) {
        const struct word *word = &vocabulary[draw_rank(i) % VOCABULARY];
        memcpy(to, word->letters, word->len);
        to += word->len;
        *to++ = i % WORDS_OF_A_LINE == WORDS_OF_A_LINE - 1 ? '\n' : ' ';
    }
    free(vocabulary);
    free((char *)text.data);
    text = (struct text){.data = data, .len = (size_t)(to - data), .words = words};
    return &text;
}
