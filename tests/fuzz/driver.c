/* fuzz/driver.c - runs a target without a fuzzer: on files (a finding again), or on random inputs that
 * a seed determines (what the tests do).
 *
 *     fuzz_rules FILE ...
 *     fuzz_rules --runs N [--seed N]
 *
 * Inputs are put together from the words that the targets' languages know, and spoilt here and there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 2048 };

static uint64_t random_state;

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint32_t random_below(uint32_t bound)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((z ^ z >> 31) >> 32) * bound >> 32);
}

static const char *const words[] = {"drop ",
                                    "pass ",
                                    "exact ",
                                    "prefix ",
                                    "suffix/i ",
                                    "suffix ",
                                    "substring/i ",
                                    "substring ",
                                    "\n",
                                    "\r\n",
                                    "#",
                                    "\\x41",
                                    "\\s",
                                    "\\",
                                    " ",
                                    "1 drop substring ab\n",
                                    "2 pass exact/i Ab\n",
                                    "\xef\xbb\xbf",
                                    "4294967296 ",
                                    "4294967295 ",
                                    "aaaa",
                                    "abab"};

static size_t append(uint8_t *input, size_t size, const void *bytes, size_t len)
{
    if (len > MAX_INPUT - size)
        return size;
    memcpy(input + size, bytes, len);
    return size + len;
}

static size_t append_number(uint8_t *input, size_t size)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%u ", random_below(30));
    return append(input, size, text, (size_t)len);
}

static size_t append_rule(uint8_t *input, size_t size)
{
    static const char *const kinds[] = {"exact", "prefix", "suffix", "substring"};
    char text[64];
    int len = snprintf(text, sizeof text, "%u %s %s%s ", 1 + random_below(200),
                       random_below(2) == 0 ? "drop" : "pass", kinds[random_below(4)],
                       random_below(3) == 0 ? "/i" : "");
    for (uint32_t bytes = 1 + random_below(12); bytes > 0; bytes--)
        text[len++] = "abAB"[random_below(4)];
    text[len++] = '\n';
    return append(input, size, text, (size_t)len);
}

static size_t make_input(uint8_t *input)
{
    size_t size = 0;
    uint32_t parts = random_below(60), kind = random_below(3);
    for (uint32_t i = 0; i < parts; i++) {
        uint8_t byte = (uint8_t)random_below(256);
        const char *word = words[random_below(sizeof words / sizeof words[0])];
        if (kind == 0)
            size = append_rule(input, size);
        else if (kind == 1 && random_below(3) > 0)
            size = append(input, size, word, strlen(word));
        else if (kind == 1)
            size = append_number(input, size);
        for (int n = kind == 2 ? 30 : 0; n > 0; n--, byte = (uint8_t)random_below(256))
            size = append(input, size, &byte, 1);
    }
    for (uint32_t spoilt = random_below(2) * random_below(4); spoilt > 0 && size > 0; spoilt--)
        input[random_below((uint32_t)size)] = (uint8_t)random_below(256);
    return size;
}

static int run_file(const char *path)
{
    static uint8_t input[1 << 20];
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        perror(path);
        return 2;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    LLVMFuzzerTestOneInput(input, size);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long runs = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            runs = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            random_state = strtoull(argv[++i], NULL, 10);
        else if (run_file(argv[i]) != 0)
            return 2;
    }
    for (unsigned long run = 0; run < runs; run++) {
        uint8_t input[MAX_INPUT];
        size_t size = make_input(input);
        LLVMFuzzerTestOneInput(input, size);
    }
    if (runs > 0) /* as cmocka would, for who counts tests */
        printf("[       OK ] %lu random inputs\n", runs);
    return 0;
}
