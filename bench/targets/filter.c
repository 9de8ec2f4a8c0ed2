/* filter.c - filters against what a program would pick instead, and what is to come out.
 *
 * Which records match is known beforehand. Rulesets published meanwhile hold the same rules, built
 * anew each time, so the number of drops is known as well.
 */
#include <ck_filter/context.h>
#include <ck_filter/filter.h>
#include <ck_filter/group.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases/filter_ours.h"
#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "targets/tables.h"

/* Ours. */

static bool publish_nothing(void *filter, const struct filter_corpus *corpus)
{
    (void)filter;
    (void)corpus;
    return true;
}

FILTER_PEER_BODIES(bodies, filter_no_enter, filter_no_leave, our_evaluate, our_evaluate_many,
                   our_publish);
FILTER_PEER_BODIES(quiet_bodies, filter_no_enter, filter_no_leave, our_evaluate, our_evaluate_many,
                   publish_nothing);

#define ATOMIC .name = "atomic", .label = "ck_filter, atomic"

static const struct bench_contestant atomic_filter = {ATOMIC, .bodies = bodies,
                                                      .face = &atomic_face};
static const struct bench_contestant mutex_filter = {.name = "mutex",
                                                     .label = "ck_filter, mutex",
                                                     .bodies = bodies,
                                                     .face = &mutex_face,
                                                     .sleeps = true};
static const struct bench_contestant quiet_filter = {.name = "atomic-quiet",
                                                     .label =
                                                         "ck_filter, atomic, nothing is published",
                                                     .bodies = quiet_bodies,
                                                     .face = &atomic_face};

/* Programs. */

static const struct bench_contestant aho_corasick = {
    .name = "aho-corasick",
    .program = "peers-rust",
    .label = "Rust, aho-corasick",
    .note = "in its own process; says that something matches, not which rule speaks"};
static const struct bench_contestant grep = {
    .name = "grep",
    .program = "peers-grep",
    .label = "grep -c -F -f PATTERNS",
    .note = "in its own process, compiling the patterns included; lines of a file; does not say "
            "which matches"};

/* Corpora, made once for all contestants and kept to the end of the program. */

enum { TEXT_BYTES = 160, WORD_BYTES = 24, CORPORA = 8, RECORD_FILE_TIMES = 16 };

/* Texts lie in one piece of memory each list; data NULL: no memory. */
static struct ckf_record copy_of(char **memory, const char *text)
{
    size_t len = strlen(text);
    memcpy(*memory, text, len);
    struct ckf_record record = {.data = *memory, .len = len};
    *memory += len;
    return record;
}

static void exact_text(char *text, size_t index)
{
    snprintf(text, TEXT_BYTES, "tenant-%04zu/service-%08x", index % 997,
             (unsigned)((uint32_t)index * UINT32_C(0x9e3779b1)));
}

static void word_text(char *text, size_t index)
{
    snprintf(text, WORD_BYTES, "err%08x", (unsigned)((uint32_t)index * UINT32_C(0x9e3779b1)));
}

static void line_text(char *text, uint64_t noise, const char *word)
{
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
    if (!hit)
        index += corpus->pattern_count;
    if (corpus->match == CKF_MATCH_EXACT) {
        exact_text(text, index);
        return hit;
    }
    char word[WORD_BYTES];
    word_text(word, index);
    line_text(text, bench_mix(draw), word);
    return hit;
}

static bool make_patterns(struct filter_corpus *corpus)
{
    corpus->patterns = calloc(corpus->pattern_count, sizeof(*corpus->patterns));
    char text[TEXT_BYTES], *memory = malloc(corpus->pattern_count * TEXT_BYTES / 4);
    if (corpus->patterns == NULL || memory == NULL)
        return false;
    for (size_t i = 0; i < corpus->pattern_count; i++) {
        if (corpus->match == CKF_MATCH_EXACT)
            exact_text(text, i);
        else
            word_text(text, i);
        corpus->patterns[i] = copy_of(&memory, text);
    }
    return true;
}

static bool make_records(struct filter_corpus *corpus, unsigned thread)
{
    struct ckf_record *records = calloc(FILTER_RECORDS, sizeof(*records));
    uint32_t *drops_before = calloc(FILTER_RECORDS + 1, sizeof(*drops_before));
    char text[TEXT_BYTES], *memory = malloc((size_t)FILTER_RECORDS * TEXT_BYTES);
    corpus->records[thread] = records;
    corpus->drops_before[thread] = drops_before;
    if (records == NULL || drops_before == NULL || memory == NULL)
        return false;
    for (size_t i = 0; i < FILTER_RECORDS; i++) {
        bool hit = record_text(corpus, text, bench_mix(((uint64_t)(thread + 1) << 32) + i));
        records[i] = copy_of(&memory, text);
        drops_before[i + 1] = drops_before[i] + hit;
    }
    return true;
}

static const struct filter_corpus *corpus_of(enum ckf_match match, size_t patterns,
                                             unsigned threads)
{
    static struct filter_corpus corpora[CORPORA];
    unsigned i = 0;
    while (i < CORPORA && corpora[i].patterns != NULL &&
           (corpora[i].match != match || corpora[i].pattern_count != patterns))
        i++;
    if (i == CORPORA)
        return NULL;
    struct filter_corpus *corpus = &corpora[i];
    corpus->match = match;
    corpus->pattern_count = patterns;
    if (corpus->patterns == NULL && !make_patterns(corpus))
        return NULL;
    for (unsigned thread = 0; thread < threads; thread++)
        if (corpus->records[thread] == NULL && !make_records(corpus, thread))
            return NULL;
    return corpus;
}

/* Programs find the corpus in files named by the environment: the patterns, and the first thread's
 * records RECORD_FILE_TIMES over, a line each. */
static char corpus_folder[64];

static void remove_files(void)
{
    char path[96];
    static const char *const names[] = {"patterns", "records"};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", corpus_folder, names[i]);
        unlink(path);
    }
    rmdir(corpus_folder);
}

static bool write_lines(const char *name, const struct ckf_record *lines, size_t count,
                        unsigned times)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", corpus_folder, name);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    for (unsigned time = 0; time < times; time++)
        for (size_t i = 0; i < count; i++)
            fprintf(file, "%.*s\n", (int)lines[i].len, (const char *)lines[i].data);
    return fclose(file) == 0;
}

static bool write_corpus(const struct filter_corpus *corpus)
{
    static const struct filter_corpus *written;
    if (written == corpus)
        return true;
    if (corpus_folder[0] == '\0') {
        const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(corpus_folder, sizeof(corpus_folder), "%s/ckf-bench-XXXXXX", parent);
        if (mkdtemp(corpus_folder) == NULL)
            return false;
        setenv("CKF_BENCH_CORPUS", corpus_folder, 1);
        atexit(remove_files);
    }
    written = corpus;
    return write_lines("patterns", corpus->patterns, corpus->pattern_count, 1) &&
           write_lines("records", corpus->records[0], FILTER_RECORDS, RECORD_FILE_TIMES);
}

/* The state. A workload's shape is the publisher's period in microseconds, its parameter the number
 * of patterns, substrings where it has a script. */

enum { NO_PUBLISHER = 0, FLAT_OUT = 1, A_THOUSAND_A_SECOND = 1000, A_HUNDRED_A_SECOND = 10000 };

/* Making a large filter takes seconds, so each contestant's is made once and serves all runs of all
 * workloads with these patterns; nothing is published in them. */
struct kept_filter {
    const struct filter_face *face; /* NULL: none */
    void *filter;
    uint64_t evaluated, dropped; /* before this run */
};

static struct kept_filter kept[BENCH_MAX_CONTESTANTS];
static const struct filter_corpus *kept_for;

static void drop_kept(void)
{
    for (unsigned i = 0; i < BENCH_MAX_CONTESTANTS; i++)
        if (kept[i].face != NULL)
            kept[i].face->destroy(kept[i].filter);
    memset(kept, 0, sizeof(kept));
}

static struct kept_filter *keep(const struct filter_face *face, const struct filter_corpus *corpus)
{
    static bool will_drop;
    if (!will_drop)
        will_drop = atexit(drop_kept) == 0;
    if (kept_for != corpus)
        drop_kept();
    kept_for = corpus;
    struct kept_filter *place = kept;
    while (place->face != NULL && place->face != face)
        place++;
    if (place->face == NULL)
        place->filter = face->create(corpus);
    if (place->filter == NULL)
        return NULL;
    place->face = face;
    if (face->counts != NULL)
        face->counts(place->filter, &place->evaluated, &place->dropped);
    return place;
}

enum { KEPT_FROM = 100000 };

static bool make_filter(struct filter_state *state, const struct filter_face *face, bool publishes)
{
    if (publishes || state->corpus->pattern_count < KEPT_FROM) {
        state->filter = face->create(state->corpus);
    } else {
        state->kept = keep(face, state->corpus);
        state->filter = state->kept != NULL ? state->kept->filter : NULL;
    }
    return state->filter != NULL;
}

static void setup(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    const struct filter_face *face = bench_face(run);
    const struct bench_workload *workload = bench_workload(run);
    unsigned threads = workload->actors[0].copies;
    enum ckf_match match = workload->script != NULL ? CKF_MATCH_SUBSTRING : CKF_MATCH_EXACT;
    memset(state, 0, sizeof(*state));
    state->readers_left = threads;
    state->period_ns = (int64_t)workload->shape * 1000;
    state->corpus = corpus_of(match, workload->parameter, threads);
    bool ready = state->corpus != NULL;
    if (ready && workload->script != NULL)
        ready = write_corpus(state->corpus);
    if (ready && workload->actors[0].role == FILTER_TAIL) {
        state->times = calloc(BENCH_MAX_THREADS, sizeof(*state->times));
        ready = state->times != NULL;
    }
    if (!ready || !make_filter(state, face, workload->shape != NO_PUBLISHER))
        bench_fail(run, "the filter could not be made");
}

static void teardown(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    const struct filter_face *face = bench_face(run);
    if (state->kept == NULL && state->filter != NULL)
        face->destroy(state->filter);
    free(state->times);
}

static uint64_t drops_due(const struct filter_corpus *corpus, unsigned thread, size_t records)
{
    const uint32_t *before = corpus->drops_before[thread];
    return (uint64_t)(records / FILTER_RECORDS) * before[FILTER_RECORDS] +
           before[records % FILTER_RECORDS];
}

/* What 99.9 of 100 evaluations stay below. */
static double tail_ns(const struct filter_state *state)
{
    uint64_t total = 0, seen = 0, sums[FILTER_TAIL_BUCKETS] = {0};
    for (unsigned thread = 0; thread < BENCH_MAX_THREADS; thread++)
        for (unsigned i = 0; i < FILTER_TAIL_BUCKETS; i++) {
            sums[i] += state->times[thread][i];
            total += state->times[thread][i];
        }
    unsigned bucket = 0;
    while (bucket < FILTER_TAIL_BUCKETS - 1 && (seen += sums[bucket]) * 1000 < total * 999)
        bucket++;
    return filter_bucket_ns(bucket + 1);
}

static void verify(struct bench_run *run, void *argument)
{
    const struct filter_state *state = argument;
    const struct filter_face *face = bench_face(run);
    uint64_t due = 0, dropped = 0, evaluated = 0, counted = 0, counted_drops = 0;
    for (unsigned i = 0; i < bench_copies(run, 0); i++) {
        due += drops_due(state->corpus, i, state->thread[i].position);
        dropped += state->thread[i].dropped;
        evaluated += state->thread[i].position;
    }
    if (evaluated != bench_work(run) || dropped != due)
        bench_fail(run, "%llu drops were due and %llu were seen", (unsigned long long)due,
                   (unsigned long long)dropped);
    if (state->times != NULL)
        bench_value(run, tail_ns(state));
    if (face->counts == NULL)
        return;
    face->counts(state->filter, &counted, &counted_drops);
    if (state->kept != NULL) {
        counted -= state->kept->evaluated;
        counted_drops -= state->kept->dropped;
    }
    if (counted != evaluated || counted_drops != dropped)
        bench_fail(run, "%llu evaluations with %llu drops were counted as %llu with %llu",
                   (unsigned long long)evaluated, (unsigned long long)dropped,
                   (unsigned long long)counted, (unsigned long long)counted_drops);
}

/* Programs print how many records matched. */
static void verify_printed(struct bench_run *run, const struct bench_printed *printed)
{
    const struct filter_corpus *corpus =
        corpus_of(CKF_MATCH_SUBSTRING, bench_workload(run)->parameter, 1);
    uint64_t due = corpus == NULL ? 0 : drops_due(corpus, 0, bench_work(run));
    if (printed->count != due)
        bench_fail(run, "%llu records match, %llu were found", (unsigned long long)due,
                   (unsigned long long)printed->count);
}

/* The task layer. */

enum { SPAWNS = 1000 };

static void context_setup(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    struct ckf_context *context = NULL;
    memset(state, 0, sizeof(*state));
    if (ckf_context_create(&context, NULL, CKF_FOREVER) != CKF_OK)
        bench_fail(run, "the context could not be made");
    state->filter = context;
}

static void context_teardown(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    (void)run;
    ckf_context_release(state->filter);
}

static void nothing(struct bench_run *run, void *state)
{
    (void)run;
    (void)state;
}

static void check_context(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    uint64_t done = 0;
    for (size_t i = 0, share = bench_share(run); i < share; i++)
        done += ckf_context_status(state->filter) != CKF_OK;
    bench_keep(done);
}

static void check_flag(struct bench_run *run, void *argument)
{
    struct filter_state *state = argument;
    atomic_bool *flag = (atomic_bool *)&state->readers_left;
    uint64_t done = 0;
    for (size_t i = 0, share = bench_share(run); i < share; i++)
        done += atomic_load_explicit(flag, memory_order_acquire);
    bench_keep(done);
}

static atomic_uint tasks_run;

static int task(struct ckf_context *context, void *argument)
{
    (void)context;
    (void)argument;
    atomic_fetch_add_explicit(&tasks_run, 1, memory_order_relaxed);
    return 0;
}

static void *thread_main(void *argument)
{
    (void)argument;
    atomic_fetch_add_explicit(&tasks_run, 1, memory_order_relaxed);
    return NULL;
}

static void check_tasks(struct bench_run *run)
{
    if (atomic_exchange(&tasks_run, 0) != bench_work(run))
        bench_fail(run, "not every task ran once");
}

static void spawn_by_group(struct bench_run *run, void *argument)
{
    (void)argument;
    struct ckf_group *group;
    if (ckf_group_create(&group, NULL) != CKF_OK) {
        bench_fail(run, "the group could not be made");
        return;
    }
    for (size_t i = 0; i < bench_work(run); i++)
        if (ckf_group_go(group, task, NULL, NULL) != CKF_OK)
            bench_fail(run, "a task was not started");
    if (ckf_group_wait(group, CKF_FOREVER, NULL) != CKF_OK)
        bench_fail(run, "the group did not end well");
    ckf_group_destroy(group);
    check_tasks(run);
}

static void spawn_by_hand(struct bench_run *run, void *argument)
{
    (void)argument;
    static pthread_t threads[SPAWNS];
    for (size_t i = 0; i < bench_work(run); i++)
        if (pthread_create(&threads[i], NULL, thread_main, NULL) != 0) {
            bench_fail(run, "a thread was not started");
            return;
        }
    for (size_t i = 0; i < bench_work(run); i++)
        pthread_join(threads[i], NULL);
    check_tasks(run);
}

static const bench_body task_bodies[FILTER_ROLES] = {
    [FILTER_FAST_CHECK] = check_context, [FILTER_SPAWN] = spawn_by_group};
static const bench_body hand_bodies[FILTER_ROLES] = {
    [FILTER_FAST_CHECK] = check_flag, [FILTER_SPAWN] = spawn_by_hand};
static const struct bench_contestant tasks = {ATOMIC, .bodies = task_bodies};
static const struct bench_contestant by_hand = {.name = "by-hand",
                                                .label = "pthread_create and join; an atomic flag",
                                                .note =
                                                    "no cancellation, no deadlines, no first error",
                                                .bodies = hand_bodies};

/* The workloads. */

static const struct bench_contestant *const sets[] = {
    &atomic_filter,   &mutex_filter,      &peer_alone_set,       &peer_bare_set,
    &peer_rcu_set,    &peer_rcu_set_memb, &peer_rcu_set_qsbr,    &peer_ck_epoch,
    &peer_rwlock_set, &peer_mutex_set,    &peer_shared_ptr_type, &peer_shared_ptr_functions};
static const struct bench_contestant *const large_sets[] = {&atomic_filter,  &mutex_filter,
                                                            &peer_alone_set, &peer_bare_set,
                                                            &peer_rcu_set,   &peer_rwlock_set};
static const struct bench_contestant *const tails[] = {&atomic_filter, &quiet_filter, &mutex_filter,
                                                       &peer_rcu_set, &peer_rwlock_set};
static const struct bench_contestant *const paces[] = {&atomic_filter, &mutex_filter,
                                                       &peer_rcu_set,  &peer_rcu_set_qsbr,
                                                       &peer_ck_epoch, &peer_rwlock_set};
static const struct bench_contestant *const matchers[] = {
    &atomic_filter, &mutex_filter, &peer_atomic_hyperscan, &peer_hyperscan, &aho_corasick, &grep};
static const struct bench_contestant *const task_layer[] = {&tasks, &by_hand};

#define PLACE                                                                                      \
    .collection = "filter", .state_size = sizeof(struct filter_state), .kind = BENCH_FIXED_WORK
#define COMMON                                                                                     \
    PLACE, .setup = setup, .verify = verify, .teardown = teardown, .verify_printed = verify_printed

#define READ(id_, family_, title_, role, patterns, threads, period, list)                          \
    {                                                                                              \
        COMMON, .id = "filter-" id_, .family = family_, .title = title_, .unit = "ns/record",      \
                .parameter = patterns, .shape = period, .own_work = true,                          \
                .actors = {{role, threads}, {FILTER_PUBLISHER, (period) != NO_PUBLISHER}},         \
                CONTESTANTS(list)                                                                  \
    }

#define ONE(id, title, patterns, threads, period, list)                                            \
    READ("one-" id, "evaluate, one record a call", title, FILTER_ONE, patterns, threads, period,   \
         list)
#define MANY(id, title, patterns, threads, period, list)                                           \
    READ("many-" id, "evaluate_many, 64 records a call", title, FILTER_BATCHES, patterns, threads, \
         period, list)

#define EACH(how)                                                                                  \
    how("10k-1t", "10k exact, 1 thread", 10000, 1, NO_PUBLISHER, sets),                            \
        how("10k-2t", "10k exact, 2 threads", 10000, 2, NO_PUBLISHER, sets),                       \
        how("10k-4t", "10k exact, 4 threads", 10000, 4, NO_PUBLISHER, sets),                       \
        how("10k-100-1t", "10k exact, 100 publishes/s, 1 thread", 10000, 1, A_HUNDRED_A_SECOND,    \
            sets),                                                                                 \
        how("10k-100-2t", "10k exact, 100 publishes/s, 2 threads", 10000, 2, A_HUNDRED_A_SECOND,   \
            sets),                                                                                 \
        how("10k-100-4t", "10k exact, 100 publishes/s, 4 threads", 10000, 4, A_HUNDRED_A_SECOND,   \
            sets),                                                                                 \
        how("10k-1000-2t", "10k exact, 1000 publishes/s, 2 threads", 10000, 2,                     \
            A_THOUSAND_A_SECOND, sets),                                                            \
        how("10k-flat-out-2t", "10k exact, publishes without pause, 2 threads", 10000, 2,          \
            FLAT_OUT, sets)

#define EACH_LARGE(how)                                                                            \
    how("1m-1t", "1M exact, 1 thread", 1000000, 1, NO_PUBLISHER, large_sets),                      \
        how("1m-2t", "1M exact, 2 threads", 1000000, 2, NO_PUBLISHER, large_sets),                 \
        how("1m-4t", "1M exact, 4 threads", 1000000, 4, NO_PUBLISHER, large_sets)

#define SUBSTRINGS(id_, title_, patterns)                                                          \
    {                                                                                              \
        COMMON, .id = "filter-substrings-" id_, .family = "substrings in log lines of 80 bytes",   \
                .title = title_, .unit = "ns/record", .script = "substrings",                      \
                .parameter = patterns, .exact_work = (size_t)FILTER_RECORDS * RECORD_FILE_TIMES,   \
                .actors = {{FILTER_BATCHES, 1}}, CONTESTANTS(matchers)                             \
    }

static const struct bench_workload workloads[] = {
    EACH(MANY),
    EACH(ONE),
    {COMMON, .id = "filter-pace", .family = "100 publishes/s beside 4 threads, 10k exact",
     .title = "time between publishes", .unit = "ms", .parameter = 10000,
     .shape = A_HUNDRED_A_SECOND, .exact_work = 8000000,
     .actors = {{FILTER_ONE, 4}, {FILTER_PACE, 1}}, CONTESTANTS(paces)},
    {COMMON, .id = "filter-tail", .family = "100 publishes/s beside 4 threads, 10k exact",
     .title = "the slowest of 1000 evaluations", .unit = "ns", .parameter = 10000,
     .shape = A_HUNDRED_A_SECOND, .exact_work = 2000000,
     .actors = {{FILTER_TAIL, 4}, {FILTER_PUBLISHER, 1}}, CONTESTANTS(tails)},
    SUBSTRINGS("1", "1 pattern", 1),
    SUBSTRINGS("16", "16 patterns", 16),
    SUBSTRINGS("500", "500 patterns", 500),
    SUBSTRINGS("5000", "5000 patterns", 5000),
    {PLACE, .id = "filter-task-status", .family = "tasks", .title = "is the context done?",
     .unit = "ns/check", .own_work = true, .setup = context_setup, .verify = nothing,
     .teardown = context_teardown, .actors = {{FILTER_FAST_CHECK, 1}}, CONTESTANTS(task_layer)},
    {PLACE, .id = "filter-task-group", .family = "tasks", .title = "1000 short ones, a thread each",
     .unit = "ns/task", .exact_work = SPAWNS, .waits = true, .setup = context_setup,
     .verify = nothing, .teardown = context_teardown, .actors = {{FILTER_SPAWN, 1}},
     CONTESTANTS(task_layer)},
    EACH_LARGE(ONE),
    EACH_LARGE(MANY),
};

/* What is to come out. */

#define LIMIT(id, title_, bound)                                                                   \
    {                                                                                              \
        .title = title_, .workload = "filter-" id, .at_most = bound, .peers = { "no-sync" }        \
    }

static const struct bench_target targets[] = {
    LIMIT("many-10k-1t", "10k exact, evaluate_many, 1 thread", 1.05),
    LIMIT("many-10k-2t", "10k exact, evaluate_many, 2 threads", 1.05),
    LIMIT("many-10k-4t", "10k exact, evaluate_many, 4 threads", 1.05),
    LIMIT("many-10k-100-1t", "the same, 100 publishes/s, 1 thread", 1.05),
    LIMIT("many-10k-100-2t", "the same, 100 publishes/s, 2 threads", 1.05),
    LIMIT("many-10k-100-4t", "the same, 100 publishes/s, 4 threads", 1.05),
    LIMIT("one-10k-1t", "10k exact, one by one, 1 thread", 1.15),
    LIMIT("one-10k-2t", "10k exact, one by one, 2 threads", 1.15),
    LIMIT("one-10k-4t", "10k exact, one by one, 4 threads", 1.15),
    LIMIT("one-10k-100-1t", "the same, 100 publishes/s, 1 thread", 1.15),
    LIMIT("one-10k-100-2t", "the same, 100 publishes/s, 2 threads", 1.15),
    LIMIT("one-10k-100-4t", "the same, 100 publishes/s, 4 threads", 1.15),
    {.title = "100 publishes/s are reached, 4 threads", .workload = "filter-pace", .at_most = 10.5},
    {.title = "p99.9 beside 100 publishes/s, 4 threads",
     .workload = "filter-tail",
     .at_most = 2.0,
     .peers = {"atomic-quiet"}},
    {.title = "one by one, 2 threads: against MUTEX",
     .workload = "filter-one-10k-2t",
     .at_most = 0.2,
     .peers = {"mutex"}},
    {.title = "500 substrings",
     .workload = "filter-substrings-500",
     .at_most = 1.0,
     .peers = {"aho-corasick"}},
    {.title = "500 substrings",
     .workload = "filter-substrings-500",
     .at_most = 3.0,
     .peers = {"hyperscan"}},
    {.title = "5000 substrings",
     .workload = "filter-substrings-5000",
     .at_most = 1.0,
     .peers = {"aho-corasick"}},
    {.title = "5000 substrings",
     .workload = "filter-substrings-5000",
     .at_most = 3.0,
     .peers = {"hyperscan"}},
    {.title = "is the context done?", .workload = "filter-task-status", .at_most = 1.0},
    {.title = "a group of 1000 tasks",
     .workload = "filter-task-group",
     .at_most = 1.2,
     .peers = {"by-hand"}},
};

const struct bench_suite filter_table = {workloads, sizeof(workloads) / sizeof(workloads[0]),
                                         targets, sizeof(targets) / sizeof(targets[0])};
