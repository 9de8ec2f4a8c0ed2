/* alone_set.c - the set of strings without any synchronisation, twice.
 *
 * `no-sync` does what our filter does, but for what its users do at the same time: it is called, looks
 * ahead over the records of a batch, fills verdicts with generation, rule, action and reason, tells
 * null records apart, and counts hits by rule and action, each thread in counters of its own.
 * `bare-set` says whether a record is in the set: the limit of what puts that behind a lock or a
 * pointer.
 *
 * A publish does the same work and throws it away, so that it takes the same CPU time from the
 * readers.
 */
#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

enum { ACTIONS = 2, NULL_RECORD = 0, NO_RULE = 1, FIRST_RULE = 2 };

struct alone_filter;

struct alone_reader {
    const struct alone_filter *filter;
    uint64_t (*hits)[ACTIONS]; /* NULL_RECORD, NO_RULE, then by rule id */
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

struct alone_filter {
    struct string_set *set;
    enum ckf_action *actions; /* by rule id */
    uint64_t generation;
    size_t rules;
    struct alone_reader readers[BENCH_MAX_THREADS];
};

static void destroy_alone(void *argument)
{
    struct alone_filter *filter = argument;
    for (unsigned i = 0; i < BENCH_MAX_THREADS; i++)
        free(filter->readers[i].hits);
    free(filter->actions);
    free(filter->set);
    free(filter);
}

static void *create_alone(const struct filter_corpus *corpus)
{
    struct alone_filter *filter = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*filter));
    if (filter == NULL)
        return NULL;
    memset(filter, 0, sizeof(*filter));
    filter->generation = 2; /* as ours has it after its first publish */
    filter->rules = corpus->pattern_count;
    filter->set = string_set_make(corpus);
    filter->actions = calloc(filter->rules + 1, sizeof(*filter->actions));
    bool made = filter->set != NULL && filter->actions != NULL;
    for (size_t i = 1; made && i <= filter->rules; i++)
        filter->actions[i] = CKF_ACTION_DROP;
    for (unsigned i = 0; made && i < BENCH_MAX_THREADS; i++) {
        struct alone_reader *reader = &filter->readers[i];
        reader->filter = filter;
        reader->hits = calloc(filter->rules + 1 + FIRST_RULE, sizeof(*reader->hits));
        made = reader->hits != NULL;
    }
    if (made)
        return filter;
    destroy_alone(filter);
    return NULL;
}

static void *enter(void *argument, unsigned thread)
{
    struct alone_filter *filter = argument;
    return &filter->readers[thread];
}

static inline struct ckf_verdict decide(const struct alone_reader *reader, struct ckf_record record,
                                        uint64_t hash)
{
    const struct alone_filter *filter = reader->filter;
    struct ckf_verdict verdict = {.generation = filter->generation,
                                  .reason = CKF_REASON_NULL_RECORD};
    size_t counter = NULL_RECORD;
    if (record.data != NULL) {
        uint32_t rule = string_set_find(filter->set, record, hash);
        verdict.rule_id = rule;
        verdict.action = filter->actions[rule];
        verdict.reason = rule != 0 ? CKF_REASON_RULE : CKF_REASON_DEFAULT;
        counter = rule != 0 ? FIRST_RULE + rule : NO_RULE;
    }
    reader->hits[counter][verdict.action]++;
    return verdict;
}

static inline uint64_t hash_of(struct ckf_record record)
{
    return record.data != NULL ? string_hash(record.data, record.len) : 0;
}

/* Called, as a library's functions are. */
static __attribute__((noinline)) struct ckf_verdict decide_one(const struct alone_reader *reader,
                                                               struct ckf_record record)
{
    return decide(reader, record, hash_of(record));
}

static __attribute__((noinline)) void decide_many(const struct alone_reader *reader,
                                                  const struct ckf_record *records,
                                                  struct ckf_verdict *verdicts, size_t count)
{
    const struct string_set *set = reader->filter->set;
    const struct string_set_slot *slots = string_set_slots(set);
    uint64_t hashes[FILTER_BATCH];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(records[i]);
        __builtin_prefetch(&slots[hashes[i] & set->mask]);
    }
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(slots[hashes[i] & set->mask].text.data);
    for (size_t i = 0; i < count; i++)
        verdicts[i] = decide(reader, records[i], hashes[i]);
}

static bool evaluate_alone(void *reader, struct ckf_record record)
{
    return decide_one(reader, record).action == CKF_ACTION_DROP;
}

static size_t evaluate_many_alone(void *reader, const struct ckf_record *records, size_t count)
{
    struct ckf_verdict verdicts[FILTER_BATCH];
    size_t dropped = 0;
    decide_many(reader, records, verdicts, count);
    for (size_t i = 0; i < count; i++)
        dropped += verdicts[i].action == CKF_ACTION_DROP;
    return dropped;
}

static void counts_alone(void *argument, uint64_t *evaluated, uint64_t *dropped)
{
    const struct alone_filter *filter = argument;
    *evaluated = *dropped = 0;
    for (unsigned thread = 0; thread < BENCH_MAX_THREADS; thread++)
        for (size_t i = 0; i < filter->rules + 1 + FIRST_RULE; i++) {
            const uint64_t *hits = filter->readers[thread].hits[i];
            *dropped += hits[CKF_ACTION_DROP];
            *evaluated += hits[CKF_ACTION_PASS] + hits[CKF_ACTION_DROP];
        }
}

static void *create_bare(const struct filter_corpus *corpus)
{
    return string_set_make(corpus);
}

static bool evaluate_bare(void *set, struct ckf_record record)
{
    return string_set_has(set, record);
}

static size_t evaluate_many_bare(void *set, const struct ckf_record *records, size_t count)
{
    return string_set_count(set, records, count);
}

static bool publish(void *filter, const struct filter_corpus *corpus)
{
    (void)filter;
    struct string_set *unused = string_set_make(corpus);
    bool made = unused != NULL;
    free(unused);
    return made;
}

FILTER_PEER_BODIES(alone_bodies, enter, filter_no_leave, evaluate_alone, evaluate_many_alone,
                   publish);
FILTER_PEER_BODIES(bare_bodies, filter_no_enter, filter_no_leave, evaluate_bare, evaluate_many_bare,
                   publish);
static const struct filter_face alone_face = {
    .create = create_alone, .destroy = destroy_alone, .counts = counts_alone};
static const struct filter_face bare_face = {.create = create_bare, .destroy = free};

const struct bench_contestant peer_alone_set = {
    .name = "no-sync",
    .label = "hash set, verdicts and hit counts, no synchronisation",
    .note = "a limit: nothing is ever replaced",
    .bodies = alone_bodies,
    .face = &alone_face};
const struct bench_contestant peer_bare_set = {
    .name = "bare-set",
    .label = "hash set, no synchronisation",
    .note = "a limit: nothing is ever replaced, no hit counts, no statistics, no verdicts",
    .bodies = bare_bodies,
    .face = &bare_face};
