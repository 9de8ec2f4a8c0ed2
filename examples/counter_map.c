/* examples/counter_map.c - a counter map: many threads count by key, and nothing is lost.
 *
 * Four threads count words, two of them through a handle on the word that they meet most. Then the
 * counts are taken: each of them lands in exactly one report.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/counter_map.h>

enum { THREADS = 4, ROUNDS = 10000, WORDS = 9 };

static const char *const words[WORDS] = {"the",   "fox",  "the", "dog", "the",
                                         "quick", "lazy", "the", "fox"};

static void check(enum ckf_status status, const char *what)
{
    if (status == CKF_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ckf_status_name(status));
    exit(1);
}

static void *count_words(void *arg)
{
    struct ckf_counter_map *map = arg;
    for (int i = 0; i < ROUNDS; i++)
        ckf_counter_map_add(map, words[i % WORDS], strlen(words[i % WORDS]), 1);
    return NULL;
}

/* The same; the commonest word is looked up once. */
static void *count_words_by_handle(void *arg)
{
    struct ckf_counter_map *map = arg;
    struct ckf_counter *the;
    check(ckf_counter_map_counter(map, "the", 3, &the), "ckf_counter_map_counter");
    for (int i = 0; i < ROUNDS; i++)
        if (strcmp(words[i % WORDS], "the") == 0)
            ckf_counter_add(the, 1);
        else
            ckf_counter_map_add(map, words[i % WORDS], strlen(words[i % WORDS]), 1);
    ckf_counter_release(the);
    return NULL;
}

static bool print(const void *key, size_t key_len, uint64_t value, void *arg)
{
    (void)arg;
    printf("%6" PRIu64 " %.*s\n", value, (int)key_len, (const char *)key);
    return true;
}

static bool sum(const void *key, size_t key_len, uint64_t value, void *arg)
{
    (void)key;
    (void)key_len;
    *(uint64_t *)arg += value;
    return true;
}

int main(void)
{
    struct ckf_counter_map *map;
    struct ckf_counter_map_options options = {.name = "words", .max_keys = 1000};
    pthread_t threads[THREADS];
    check(ckf_counter_map_create(&map, &options), "ckf_counter_map_create");
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, i % 2 == 0 ? count_words : count_words_by_handle,
                           map) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    printf("the three most frequent words:\n");
    check(ckf_counter_map_top(map, 3, print, NULL), "ckf_counter_map_top");

    uint64_t first = 0, second = 0;
    check(ckf_counter_map_take_all(map, sum, &first), "ckf_counter_map_take_all");
    check(ckf_counter_map_take_all(map, sum, &second), "ckf_counter_map_take_all");
    printf("taken: %" PRIu64 ", then %" PRIu64 "; ever added: %" PRIu64 "\n", first, second,
           ckf_counter_map_total(map));
    ckf_counter_map_destroy(map);
    return first == THREADS * ROUNDS && second == 0 ? 0 : 1;
}
