/* bench_filter.c - what deciding about a record costs, alone and while rulesets are replaced.
 *
 * The rulesets published meanwhile hold the same rules, so the number of drops is known; each one is
 * built anew, as it would be from a changed file. After each run the drops must be those due, and the
 * filter's own counts must agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases/filter_ours.h"
#include "cases/suites.h"
#include "peers/peers.h"

static void evaluate_body(struct bench_run *run, void *state)
{
    filter_evaluate(run, state, filter_no_enter, filter_no_leave, our_evaluate);
}

static void evaluate_many_body(struct bench_run *run, void *state)
{
    filter_evaluate_many(run, state, our_evaluate_many);
}

static void publishes_beside_body(struct bench_run *run, void *state)
{
    filter_publishes_beside(run, state, our_publish);
}

static const bench_body bodies[FILTER_ROLES] = {[FILTER_EVALUATE] = evaluate_body,
                                                [FILTER_EVALUATE_MANY] = evaluate_many_body,
                                                [FILTER_PUBLISHES_BESIDE] = publishes_beside_body};

static const struct bench_contestant atomic_contestant = {
    .name = "atomic", .label = "ck_filter, atomic", .bodies = bodies, .face = &atomic_face};
static const struct bench_contestant mutex_contestant = {.name = "mutex",
                                                         .label = "ck_filter, mutex",
                                                         .bodies = bodies,
                                                         .face = &mutex_face,
                                                         .sleeps = true};

/* Corpora, made once for all contestants and kept to the end of the program. */

enum { EXACT_PATTERNS = 10000, SUBSTRING_PATTERNS = 16, TEXT_BYTES = 128, WORD_BYTES = 16 };

/* NULL data: no memory. */
static struct ckf_record text_record(const char *text)
{
    size_t len = strlen(text);
    char *data = malloc(len);
    if (data != NULL)
        memcpy(data, text, len);
    return (struct ckf_record){.data = data, .len = len};
}

static void exact_text(char *text, size_t index)
{
    snprintf(text, TEXT_BYTES, "tenant-%04zu/service-%08llx", index % 997,
             (unsigned long long)(bench_mix(index) >> 32));
}

static void word_text(char *text, size_t index)
{
    snprintf(text, WORD_BYTES, "err%05llx", (unsigned long long)(bench_mix(index) >> 44));
}

static void line_text(char *text, size_t index, const char *word)
{
    uint64_t noise = bench_mix(index + 77);
    snprintf(text, TEXT_BYTES,
             "2024-05-01T12:%02u:%02u level=warn host=node%03u msg=\"%s\" took=%uus",
             (unsigned)(noise % 60), (unsigned)(noise / 60 % 60), (unsigned)(noise / 3600 % 500),
             word, (unsigned)(noise >> 40 & 0xffff));
}

/* The text of one record; true if a pattern matches it. Odd draws match. */
static bool record_text(const struct filter_corpus *corpus, char *text, uint64_t draw)
{
    bool hit = draw & 1;
    size_t index = (size_t)(draw >> 8) % corpus->pattern_count;
    if (corpus->match == CKF_MATCH_EXACT) {
        exact_text(text, hit ? index : index + corpus->pattern_count);
        return hit;
    }
    char word[WORD_BYTES];
    word_text(word, hit ? index : index + corpus->pattern_count);
    line_text(text, (size_t)(draw >> 8), word);
    return hit;
}

static bool make_patterns(struct filter_corpus *corpus)
{
    corpus->patterns = calloc(corpus->pattern_count, sizeof(*corpus->patterns));
    if (corpus->patterns == NULL)
        return false;
    for (size_t i = 0; i < corpus->pattern_count; i++) {
        char text[TEXT_BYTES];
        if (corpus->match == CKF_MATCH_EXACT)
            exact_text(text, i);
        else
            word_text(text, i);
        corpus->patterns[i] = text_record(text);
        if (corpus->patterns[i].data == NULL)
            return false;
    }
    return true;
}

static bool make_records(struct filter_corpus *corpus, unsigned thread)
{
    struct ckf_record *records = calloc(FILTER_RECORDS, sizeof(*records));
    uint32_t *drops_before = calloc(FILTER_RECORDS + 1, sizeof(*drops_before));
    corpus->records[thread] = records;
    corpus->drops_before[thread] = drops_before;
    if (records == NULL || drops_before == NULL)
        return false;
    for (size_t i = 0; i < FILTER_RECORDS; i++) {
        char text[TEXT_BYTES];
        bool hit = record_text(corpus, text, bench_mix(((uint64_t)(thread + 1) << 32) + i));
        records[i] = text_record(text);
        drops_before[i + 1] = drops_before[i] + hit;
        if (records[i].data == NULL)
            return false;
    }
    return true;
}

static const struct filter_corpus *corpus_of(enum ckf_match match, unsigned threads)
{
    static struct filter_corpus exact = {.match = CKF_MATCH_EXACT, .pattern_count = EXACT_PATTERNS};
    static struct filter_corpus substring = {.match = CKF_MATCH_SUBSTRING,
                                             .pattern_count = SUBSTRING_PATTERNS};
    struct filter_corpus *corpus = match == CKF_MATCH_EXACT ? &exact : &substring;
    if (corpus->patterns == NULL && !make_patterns(corpus))
        return NULL;
    for (unsigned i = 0; i < threads; i++)
        if (corpus->records[i] == NULL && !make_records(corpus, i))
            return NULL;
    return corpus;
}

/* The state. */

static void setup(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    const struct filter_face *face = bench_face(run);
    memset(state, 0, sizeof(*state));
    state->corpus = corpus_of((enum ckf_match)bench_workload(run)->shape, bench_threads(run));
    if (state->corpus != NULL)
        state->filter = face->create(state->corpus);
    if (state->filter == NULL)
        bench_fail(run, "the filter could not be made");
}

static void teardown(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    const struct filter_face *face = bench_face(run);
    face->destroy(state->filter);
}

static uint64_t drops_due(const struct filter_state *state, unsigned thread)
{
    const uint32_t *before = state->corpus->drops_before[thread];
    size_t position = state->thread[thread].position;
    return (uint64_t)(position / FILTER_RECORDS) * before[FILTER_RECORDS] +
           before[position % FILTER_RECORDS];
}

static void verify(struct bench_run *run, void *argument)
{
    const struct filter_state *state = argument;
    const struct filter_face *face = bench_face(run);
    const struct bench_workload *workload = bench_workload(run);
    uint64_t due = 0, dropped = 0, evaluated = 0, counted = 0, counted_drops = 0;
    for (unsigned i = 0; i < bench_threads(run); i++) {
        due += drops_due(state, i);
        dropped += state->thread[i].dropped;
        evaluated += state->thread[i].position;
    }
    if (evaluated != bench_iterations(run) * (workload->units == 0 ? 1 : workload->units))
        bench_fail(run, "records were left out");
    if (dropped != due)
        bench_fail(run, "%llu drops were due and %llu were seen", (unsigned long long)due,
                   (unsigned long long)dropped);
    if (face->counts == NULL)
        return;
    face->counts(state->filter, &counted, &counted_drops);
    if (counted != evaluated || counted_drops != dropped)
        bench_fail(run, "%llu evaluations with %llu drops were counted as %llu with %llu",
                   (unsigned long long)evaluated, (unsigned long long)dropped,
                   (unsigned long long)counted, (unsigned long long)counted_drops);
}

/* The workloads. */

#define CONTESTANTS(list) .contestants = list, .contestant_count = sizeof(list) / sizeof(list[0])

static const struct bench_contestant *const exact_sets[] = {&atomic_contestant, &mutex_contestant,
                                                            &peer_rwlock_set,   &peer_rcu_set,
                                                            &peer_bare_set,     &peer_alone_set};
static const struct bench_contestant *const ours[] = {&atomic_contestant, &mutex_contestant};

#define COMMON                                                                                     \
    .collection = "filter", .state_size = sizeof(struct filter_state), .setup = setup,             \
    .verify = verify, .teardown = teardown, .unit = "ns/record", .kind = BENCH_PER_OP

#define ONE(id_, title_, match, threads, publishes, contestants_)                                  \
    {                                                                                              \
        COMMON, .id = "filter-evaluate-" id_, .family = "evaluate, one record a call",             \
                .title = title_, .shape = match, .actors = {{FILTER_EVALUATE, threads}},           \
                .background = {FILTER_PUBLISHES_BESIDE, publishes}, CONTESTANTS(contestants_)      \
    }

#define MANY(id_, title_, match, threads, publishes)                                               \
    {                                                                                              \
        COMMON, .id = "filter-evaluate-many-" id_, .family = "evaluate_many, 64 records a call",   \
                .title = title_, .shape = match, .actors = {{FILTER_EVALUATE_MANY, threads}},      \
                .batch = 16, .units = FILTER_BATCH,                                                \
                .background = {FILTER_PUBLISHES_BESIDE, publishes}, CONTESTANTS(ours)              \
    }

static const struct bench_workload workloads[] = {
    ONE("exact-10k-1t", "10k exact, 1 thread", CKF_MATCH_EXACT, 1, 0, exact_sets),
    ONE("exact-10k-2t", "10k exact, 2 threads", CKF_MATCH_EXACT, 2, 0, exact_sets),
    ONE("exact-10k-4t", "10k exact, 4 threads", CKF_MATCH_EXACT, 4, 0, exact_sets),
    ONE("exact-10k-published-1t", "10k exact, 100 publishes/s, 1 thread", CKF_MATCH_EXACT, 1, 1,
        exact_sets),
    ONE("exact-10k-published-2t", "10k exact, 100 publishes/s, 2 threads", CKF_MATCH_EXACT, 2, 1,
        exact_sets),
    ONE("exact-10k-published-4t", "10k exact, 100 publishes/s, 4 threads", CKF_MATCH_EXACT, 4, 1,
        exact_sets),
    ONE("substring-16-1t", "16 substrings, 1 thread", CKF_MATCH_SUBSTRING, 1, 0, ours),
    ONE("substring-16-2t", "16 substrings, 2 threads", CKF_MATCH_SUBSTRING, 2, 0, ours),
    ONE("substring-16-4t", "16 substrings, 4 threads", CKF_MATCH_SUBSTRING, 4, 0, ours),
    MANY("exact-10k-1t", "10k exact, 1 thread", CKF_MATCH_EXACT, 1, 0),
    MANY("exact-10k-2t", "10k exact, 2 threads", CKF_MATCH_EXACT, 2, 0),
    MANY("exact-10k-4t", "10k exact, 4 threads", CKF_MATCH_EXACT, 4, 0),
    MANY("exact-10k-published-1t", "10k exact, 100 publishes/s, 1 thread", CKF_MATCH_EXACT, 1, 1),
    MANY("exact-10k-published-2t", "10k exact, 100 publishes/s, 2 threads", CKF_MATCH_EXACT, 2, 1),
    MANY("exact-10k-published-4t", "10k exact, 100 publishes/s, 4 threads", CKF_MATCH_EXACT, 4, 1),
};

const struct bench_suite filter_suite = {workloads, sizeof(workloads) / sizeof(workloads[0])};
