/* filter/filter.c - the door: evaluations, publishing, statistics, and the ATOMIC variant.
 *
 * Roles:     evaluators (any thread) look at one snapshot; publishers, one at a time, replace it.
 * Invariant: generations go up by one with each snapshot, and a snapshot never changes after it was
 *            published. An evaluation loads the pointer once, inside a section, and the old
 *            snapshot is freed after all sections that may have seen it: so the verdict is that of
 *            one ruleset, whole, and names it.
 * Progress:  ATOMIC evaluations are wait-free; MUTEX ones lock for a few instructions. Publishing
 *            compiles outside all locks and waits for other publishers alone.
 * Teardown:  destroy waits for nothing. The filter and each retired snapshot hold its memory, and
 *            whoever is the last to go frees it.
 *
 * Replacing a pointer and freeing after a grace period: McKenney, Slingwine, "Read-Copy Update",
 * PDCS 1998.
 */
#include <ck_filter/filter.h>

#include <errno.h>

#include "base/backoff.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/probes.h"
#include "base/step.h"
#include "filter/state.h"
#include "sync/section.h"
#include "sync/trace.h"

#define DEFAULT_RETIRED_BYTES ((size_t)256 << 20)
#define DEFAULT_RULE_IDS      ((size_t)1 << 20)

enum {
    /* Of the cells of the ATOMIC variant: memory for each rule id. */
    STRIPES = 8,
    OWNED_STRIPES = 6,
    MANY_CPUS = 8, /* above it, twice as many */
    BATCH = 64     /* records between two visits to the counters */
};

void ckf_mutex_lock(pthread_mutex_t *mutex)
{
    int error = pthread_mutex_lock(mutex);
    if (CKF_UNLIKELY(error != 0))
        ckf_die("pthread_mutex_lock", error);
}

void ckf_mutex_unlock(pthread_mutex_t *mutex)
{
    int error = pthread_mutex_unlock(mutex);
    if (CKF_UNLIKELY(error != 0))
        ckf_die("pthread_mutex_unlock", error);
}

/* ---- Creation and the end ---- */

static bool is_action(enum ckf_action action)
{
    return (unsigned)action <= CKF_ACTION_DROP;
}

static bool are_valid(const struct ckf_filter_options *options)
{
    uint64_t reserved = 0;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        reserved |= options->reserved[i];
    return reserved == 0 && (unsigned)options->variant <= CKF_VARIANT_MUTEX &&
           is_action(options->default_action) && is_action(options->null_action);
}

static void set_options(struct ckf_filter *filter, const struct ckf_filter_options *options)
{
    filter->variant = options->variant;
    filter->by_default = (struct ckf_outcome){.action = (uint8_t)options->default_action,
                                              .reason = CKF_REASON_DEFAULT};
    filter->by_null = (struct ckf_outcome){.action = (uint8_t)options->null_action,
                                           .reason = CKF_REASON_NULL_RECORD};
    filter->max_retired_bytes =
        options->max_retired_bytes != 0 ? options->max_retired_bytes : DEFAULT_RETIRED_BYTES;
    filter->max_rule_ids = options->max_rule_ids != 0 ? options->max_rule_ids : DEFAULT_RULE_IDS;
    ckf_fold_key_init(&filter->exact_key);
}

static void init_mutex(pthread_mutex_t *mutex)
{
    int error = pthread_mutex_init(mutex, NULL);
    if (error != 0)
        ckf_die("pthread_mutex_init", error);
}

static bool init_hits(struct ckf_filter *filter)
{
    if (filter->variant == CKF_VARIANT_MUTEX)
        return ckf_hits_init(&filter->hits, 1, 0);
    unsigned times = ckf_cpus_allowed() > MANY_CPUS ? 2 : 1;
    return ckf_hits_init(&filter->hits, times * STRIPES, times * OWNED_STRIPES);
}

/* All that can fail; what it got is freed by free_memory. */
static bool get_memory(struct ckf_filter *filter, const char *name, struct ckf_snapshot **first)
{
    *first = NULL;
    if (!ckf_copy_string(name, &filter->name) || !init_hits(filter))
        return false;
    *first = ckf_snapshot_create(filter, NULL, &filter->exact_key);
    return *first != NULL;
}

static void free_memory(struct ckf_filter *filter)
{
    ckf_hits_destroy(&filter->hits);
    ckf_free(filter->name);
    ckf_free(filter);
}

static void drop_holder(struct ckf_filter *filter)
{
    /* edge snapshot-reclaimed: release and acquire; pairs with itself: the last one to go sees all that
     * the others did. */
    if (fetch_sub_acq_rel(&filter->holders, 1) > 1)
        return;
    pthread_mutex_destroy(&filter->mutex);
    pthread_mutex_destroy(&filter->publishing);
    free_memory(filter);
}

static void start(struct ckf_filter *filter, struct ckf_snapshot *first)
{
    ckf_section_start();
    ckf_hits_attach_builtin(&filter->hits, &filter->by_default);
    ckf_hits_attach_builtin(&filter->hits, &filter->by_null);
    first->generation = 1;
    atomic_init(&filter->current, first);
    atomic_init(&filter->holders, 1);
    atomic_init(&filter->retired, NULL);
    filter->locked_current = first;
    init_mutex(&filter->mutex);
    init_mutex(&filter->publishing);
    ckf_forks_enter(filter);
}

enum ckf_status ckf_filter_create(struct ckf_filter **filter,
                                  const struct ckf_filter_options *options)
{
    CKF_REQUIRE(filter != NULL, "needs a place for the filter");
    static const struct ckf_filter_options defaults;
    if (options == NULL)
        options = &defaults;
    *filter = NULL;
    if (!are_valid(options))
        return CKF_INVALID;
    struct ckf_filter *fresh = ckf_alloc_aligned(sizeof *fresh, CKF_CACHELINE);
    if (fresh == NULL)
        return CKF_NO_MEMORY;
    set_options(fresh, options);
    struct ckf_snapshot *first;
    if (!get_memory(fresh, options->name, &first)) {
        free_memory(fresh);
        return CKF_NO_MEMORY;
    }
    start(fresh, first);
    *filter = fresh;
    return CKF_OK;
}

void ckf_filter_destroy(struct ckf_filter *filter)
{
    if (filter == NULL)
        return;
    ckf_forks_leave(filter);
    if (filter->variant == CKF_VARIANT_MUTEX) {
        CKF_REQUIRE(filter->locked_current->readers == 0, "no evaluation may be in progress");
        ckf_locked_sweep(filter);
        ckf_snapshot_destroy(filter->locked_current);
    } else {
        /* relaxed: no call is in progress, by rule, and the caller has seen their ends */
        ckf_snapshot_destroy(load_relaxed(&filter->current));
    }
    drop_holder(filter);
}

/* ---- Evaluation ---- */

static inline struct ckf_verdict verdict_of(const struct ckf_snapshot *snapshot,
                                            const struct ckf_outcome *outcome)
{
    return (struct ckf_verdict){snapshot->generation, outcome->id, (enum ckf_action)outcome->action,
                                (enum ckf_reason)outcome->reason};
}

static inline __attribute__((always_inline)) const struct ckf_outcome *judge(
    const struct ckf_filter *filter, const struct ckf_snapshot *snapshot,
    struct ckf_exact_look plain, const struct ckf_exact_look *folded, struct ckf_record record)
{
    if (CKF_UNLIKELY(record.data == NULL))
        return &filter->by_null;
    const struct ckf_outcome *outcome = ckf_snapshot_find(snapshot, plain, folded, record);
    return outcome != NULL ? outcome : &filter->by_default;
}

static inline __attribute__((always_inline)) const struct ckf_outcome *judge_one(
    const struct ckf_filter *filter, const struct ckf_snapshot *snapshot, struct ckf_record record)
{
    struct ckf_exact_look plain = {CKF_EXACT_ABSENT, 0};
    if (CKF_LIKELY(record.data != NULL))
        plain = ckf_exact_look(&snapshot->matcher.exact[0], record.data, record.len, false);
    return judge(filter, snapshot, plain, NULL, record);
}

/* Where additions are dear, runs of one outcome are one. */
static void count_batch(struct ckf_stripe stripe, const struct ckf_outcome *const *outcomes,
                        size_t count)
{
    if (CKF_LIKELY(stripe.is_owned)) {
        for (size_t i = 0; i < count; i++)
            ckf_hits_add(stripe, outcomes[i], 1);
        return;
    }
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && outcomes[end] == outcomes[i])
            end++;
        ckf_hits_add(stripe, outcomes[i], end - i);
        i = end;
    }
}

static void judge_batch(const struct ckf_filter *filter, const struct ckf_snapshot *snapshot,
                        const struct ckf_record *records, struct ckf_verdict *verdicts,
                        size_t count, const struct ckf_outcome **outcomes)
{
    struct ckf_exact_look plain[BATCH], folded[BATCH];
    ckf_exact_look_ahead(&snapshot->matcher.exact[0], records, count, plain, false);
    if (CKF_UNLIKELY(snapshot->matcher.has_more))
        ckf_exact_look_ahead(&snapshot->matcher.exact[1], records, count, folded, true);
    for (size_t i = 0; i < count; i++) {
        outcomes[i] = judge(filter, snapshot, plain[i], &folded[i], records[i]);
        verdicts[i] = verdict_of(snapshot, outcomes[i]);
    }
}

static size_t batch_of(size_t left)
{
    return left < BATCH ? left : BATCH;
}

/* Inside a section. */
static struct ckf_snapshot *look_up_current(const struct ckf_filter *filter)
{
    /* edge ruleset-published: acquire; pairs with the release in replace(). */
    return load_acquire(&filter->current);
}

static void evaluate_many_atomic(struct ckf_filter *filter, const struct ckf_record *records,
                                 struct ckf_verdict *verdicts, size_t count)
{
    const struct ckf_outcome *outcomes[BATCH];
    struct ckf_place *place = ckf_section_begin();
    const struct ckf_snapshot *snapshot = look_up_current(filter);
    const struct ckf_stripe stripe = ckf_hits_stripe(&filter->hits, ckf_thread_number());
    for (size_t done = 0, batch; done < count; done += batch) {
        batch = batch_of(count - done);
        judge_batch(filter, snapshot, records + done, verdicts + done, batch, outcomes);
        count_batch(stripe, outcomes, batch);
    }
    ckf_section_end(place);
}

/* Inside a section. */
static inline __attribute__((always_inline)) struct ckf_verdict evaluate_current(
    struct ckf_filter *filter, unsigned number, struct ckf_record record)
{
    const struct ckf_snapshot *snapshot = look_up_current(filter);
    const struct ckf_outcome *outcome = judge_one(filter, snapshot, record);
    ckf_hits_add(ckf_hits_stripe(&filter->hits, number), outcome, 1);
    return verdict_of(snapshot, outcome);
}

static __attribute__((noinline)) struct ckf_verdict evaluate_heavily(struct ckf_filter *filter,
                                                                     struct ckf_record record)
{
    struct ckf_place *place = ckf_section_begin();
    struct ckf_verdict verdict = evaluate_current(filter, ckf_thread_number(), record);
    ckf_section_end(place);
    return verdict;
}

static void evaluate_many_locked(struct ckf_filter *filter, const struct ckf_record *records,
                                 struct ckf_verdict *verdicts, size_t count)
{
    const struct ckf_outcome *outcomes[BATCH];
    struct ckf_snapshot *snapshot = ckf_locked_pin(filter);
    for (size_t done = 0, batch; done < count; done += batch) {
        batch = batch_of(count - done);
        judge_batch(filter, snapshot, records + done, verdicts + done, batch, outcomes);
        ckf_locked_count(filter, outcomes, batch, done + batch == count ? snapshot : NULL);
    }
}

static __attribute__((noinline)) struct ckf_verdict evaluate_locked(struct ckf_filter *filter,
                                                                    struct ckf_record record)
{
    struct ckf_snapshot *snapshot = ckf_locked_pin(filter);
    const struct ckf_outcome *outcome = judge_one(filter, snapshot, record);
    struct ckf_verdict verdict = verdict_of(snapshot, outcome);
    ckf_locked_count(filter, &outcome, 1, snapshot);
    return verdict;
}

struct ckf_verdict ckf_filter_evaluate(struct ckf_filter *filter, struct ckf_record record)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    if (CKF_UNLIKELY(filter->variant != CKF_VARIANT_ATOMIC))
        return evaluate_locked(filter, record);
    struct ckf_place *place = ckf_section_begin_lightly();
    if (CKF_UNLIKELY(place == NULL))
        return evaluate_heavily(filter, record);
    struct ckf_verdict verdict = evaluate_current(filter, place->number, record);
    ckf_section_end_lightly(place);
    return verdict;
}

void ckf_filter_evaluate_many(struct ckf_filter *filter, const struct ckf_record *records,
                              struct ckf_verdict *verdicts, size_t count)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    if (count == 0)
        return;
    CKF_REQUIRE(records != NULL && verdicts != NULL, "needs records and room for their verdicts");
    if (filter->variant == CKF_VARIANT_ATOMIC)
        evaluate_many_atomic(filter, records, verdicts, count);
    else
        evaluate_many_locked(filter, records, verdicts, count);
}

/* ---- Publishing ---- */

void ckf_account_retire(struct ckf_filter *filter, const struct ckf_snapshot *snapshot)
{
    /* relaxed: numbers that guard no data; the publisher's own order is all that the bound needs */
    fetch_add_relaxed(&filter->retired_bytes, snapshot->bytes);
    fetch_add_relaxed(&filter->holders, 1);
}

void ckf_account_reclaim(struct ckf_filter *filter, uint64_t bytes)
{
    /* relaxed: the subtraction that follows releases it */
    fetch_sub_relaxed(&filter->retired_bytes, bytes);
    drop_holder(filter);
}

/* On the thread of sync/reclaim. One wait for all that were replaced before it: each of them holds the
 * filter. */
static void reclaim_snapshots(struct ckf_retired *retired)
{
    struct ckf_filter *filter = ((struct ckf_snapshot *)(void *)retired)->filter;
    /* edge snapshot-retired: acquire; pairs with the release in retire(). */
    struct ckf_snapshot *snapshot = exchange_acquire(&filter->retired, NULL);
    ckf_section_wait();
    while (snapshot != NULL) {
        struct ckf_snapshot *next = snapshot->next_replaced;
        uint64_t bytes = snapshot->bytes;
        ckf_snapshot_destroy(snapshot);
        ckf_account_reclaim(filter, bytes);
        snapshot = next;
    }
}

/* By whoever holds `publishing`. Who finds the list empty sees to it that it will be taken. */
static void retire(struct ckf_filter *filter, struct ckf_snapshot *old)
{
    /* relaxed: what was retired before is not looked at */
    struct ckf_snapshot *first = load_relaxed(&filter->retired);
    do
        old->next_replaced = first;
    /* edge snapshot-retired: release; pairs with the acquire in reclaim_snapshots(): the old snapshot is
     * out of reach for sections that begin after the wait has. */
    while (!cas_release(&filter->retired, &first, old));
    if (first == NULL)
        ckf_retire(&old->retired, reclaim_snapshots);
}

/* The current snapshot, to whoever holds `publishing`. */
static struct ckf_snapshot *current(const struct ckf_filter *filter)
{
    /* relaxed: whoever replaced it held the mutex that the caller holds now */
    return filter->variant == CKF_VARIANT_ATOMIC ? load_relaxed(&filter->current)
                                                 : filter->locked_current;
}

/* One may always wait for its readers, however large it is; more only within the bound. */
static bool may_retire(const struct ckf_filter *filter, const struct ckf_snapshot *old)
{
    /* relaxed: two numbers, which guard nothing; only this publisher adds to them */
    if (load_relaxed(&filter->holders) == 1)
        return true;
    uint64_t retired = load_relaxed(&filter->retired_bytes);
    return retired <= filter->max_retired_bytes &&
           old->bytes <= filter->max_retired_bytes - retired;
}

static void replace(struct ckf_filter *filter, struct ckf_snapshot *fresh)
{
    if (filter->variant == CKF_VARIANT_MUTEX) {
        ckf_locked_replace(filter, fresh);
        return;
    }
    struct ckf_snapshot *old = current(filter);
    ckf_account_retire(filter, old);
    /* edge ruleset-published: release; pairs with the acquire in look_up_current(). */
    store_release(&filter->current, fresh);
    retire(filter, old);
}

static enum ckf_status publish_locked(struct ckf_filter *filter, struct ckf_snapshot *fresh,
                                      uint64_t expected_generation, uint64_t *generation)
{
    const struct ckf_snapshot *old = current(filter);
    if (CKF_STEP(expected_generation != 0 && expected_generation != old->generation)) {
        *generation = old->generation;
        return CKF_STALE;
    }
    if (filter->variant == CKF_VARIANT_ATOMIC)
        ckf_reclaim_start(); /* in a forked child nobody is at what was retired before the fork */
    if (!may_retire(filter, old))
        return CKF_BUSY;
    enum ckf_status status =
        ckf_hits_attach(&filter->hits, fresh->outcomes, fresh->matcher.count, filter->max_rule_ids);
    if (status != CKF_OK)
        return status;
    ckf_snapshot_settle(fresh);
    fresh->generation = *generation = old->generation + 1;
    replace(filter, fresh);
    return CKF_OK;
}

static enum ckf_status publish(struct ckf_filter *filter, const struct ckf_ruleset *ruleset,
                               uint64_t expected_generation, uint64_t *generation)
{
    /* Generations only grow, so who is late already need not compile. */
    uint64_t now = ckf_filter_generation(filter);
    if (expected_generation != 0 && expected_generation < now) {
        *generation = now;
        return CKF_STALE;
    }
    struct ckf_snapshot *fresh = ckf_snapshot_create(filter, ruleset, &filter->exact_key);
    if (fresh == NULL)
        return CKF_NO_MEMORY;
    if (filter->variant == CKF_VARIANT_MUTEX)
        ckf_locked_sweep(filter);
    ckf_mutex_lock(&filter->publishing);
    enum ckf_status status = publish_locked(filter, fresh, expected_generation, generation);
    ckf_mutex_unlock(&filter->publishing);
    if (status != CKF_OK)
        ckf_snapshot_destroy(fresh);
    return status;
}

enum ckf_status ckf_filter_publish(struct ckf_filter *filter, const struct ckf_ruleset *ruleset,
                                   uint64_t expected_generation, uint64_t *generation)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    CKF_REQUIRE(ruleset != NULL, "needs a ruleset");
    uint64_t now = 0;
    int saved_errno = errno;
    int64_t since_ns = ckf_trace_is_on() ? ckf_now_ns() : 0;
    enum ckf_status status = publish(filter, ruleset, expected_generation, &now);
    CKF_PROBE3(publish, filter->name, now, (int)status);
    if (since_ns != 0)
        ckf_trace_note_span(since_ns, "filter", "publish", filter->name, now);
    if (generation != NULL && (status == CKF_OK || status == CKF_STALE))
        *generation = now;
    errno = saved_errno;
    return status;
}

uint64_t ckf_filter_generation(const struct ckf_filter *filter)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    if (filter->variant == CKF_VARIANT_MUTEX)
        return ckf_locked_generation((struct ckf_filter *)(uintptr_t)filter);
    struct ckf_place *place = ckf_section_begin();
    uint64_t generation = look_up_current(filter)->generation;
    ckf_section_end(place);
    return generation;
}

/* ---- Statistics ---- */

/* Some slots, and where the next ones are. */
struct reading {
    const struct ckf_hit_chunk *chunk;
    size_t from;
    unsigned count;
    struct ckf_slot_hits slots[CKF_SLOTS];
};

static unsigned read_slots(struct ckf_filter *filter, struct reading *reading)
{
    if (filter->variant == CKF_VARIANT_ATOMIC)
        return ckf_hits_read(&filter->hits, reading->chunk, reading->from, reading->slots);
    ckf_mutex_lock(&filter->mutex);
    unsigned count = ckf_hits_read(&filter->hits, reading->chunk, reading->from, reading->slots);
    ckf_mutex_unlock(&filter->mutex);
    return count;
}

/* False: that were all. */
static bool read_next(struct ckf_filter *filter, struct reading *reading)
{
    reading->from += reading->count;
    while ((reading->count = read_slots(filter, reading)) == 0) {
        reading->chunk = ckf_hits_next(reading->chunk);
        reading->from = 0;
        if (reading->chunk == NULL)
            return false;
    }
    return true;
}

static uint64_t sum_hits(const struct ckf_slot_hits *slot)
{
    return slot->by_action[CKF_ACTION_PASS] + slot->by_action[CKF_ACTION_DROP];
}

enum ckf_status ckf_filter_for_each_rule(struct ckf_filter *filter, ckf_rule_visit visit, void *arg)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    CKF_REQUIRE(visit != NULL, "needs a visitor");
    struct reading reading = {.chunk = filter->hits.first};
    while (read_next(filter, &reading))
        for (unsigned i = 0; i < reading.count; i++) {
            const struct ckf_slot_hits *slot = &reading.slots[i];
            if (slot->id != 0 && !visit(slot->id, sum_hits(slot), arg))
                return CKF_OK;
        }
    return CKF_OK;
}

/* The slots without an id, in the order in which start() attached them. */
enum { DEFAULT_SLOT = 0, NULL_SLOT = 1 };

void ckf_filter_read_stats(struct ckf_filter *filter, struct ckf_filter_stats *stats)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    CKF_REQUIRE(stats != NULL, "needs room for the statistics");
    *stats = (struct ckf_filter_stats){.generation = ckf_filter_generation(filter)};
    struct reading reading = {.chunk = filter->hits.first};
    while (read_next(filter, &reading)) {
        for (unsigned i = 0; i < reading.count; i++) {
            stats->passed += reading.slots[i].by_action[CKF_ACTION_PASS];
            stats->dropped += reading.slots[i].by_action[CKF_ACTION_DROP];
        }
        if (reading.chunk == filter->hits.first && reading.from == 0)
            stats->null_records = sum_hits(&reading.slots[NULL_SLOT]);
    }
    stats->evaluated = stats->passed + stats->dropped;
    /* relaxed: two numbers that change all the time; each is right at some moment of the call */
    stats->retired_bytes = load_relaxed(&filter->retired_bytes);
    stats->retired_snapshots = load_relaxed(&filter->holders) - 1;
}

void ckf_filter_read_compiled(struct ckf_filter *filter, struct ckf_compiled *compiled)
{
    CKF_REQUIRE(filter != NULL, "needs a filter");
    CKF_REQUIRE(compiled != NULL, "needs room for the description");
    if (filter->variant == CKF_VARIANT_MUTEX) {
        struct ckf_snapshot *snapshot = ckf_locked_pin(filter);
        ckf_snapshot_describe(snapshot, compiled);
        ckf_locked_count(filter, NULL, 0, snapshot);
        return;
    }
    struct ckf_place *place = ckf_section_begin();
    ckf_snapshot_describe(look_up_current(filter), compiled);
    ckf_section_end(place);
}
