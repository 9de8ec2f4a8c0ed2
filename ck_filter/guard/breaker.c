/* guard/breaker.c - a circuit breaker is a state of two words, and two steps that change it.
 *
 * Roles:      callers, who enter and leave; each step is a pure function of the state, the clock and what
 *             the caller brings.
 * Variants:   ATOMIC reads both words, takes the step on the copy, and puts it in place by one wide CAS,
 *             again from the start if somebody was faster. MUTEX takes the step under a lock.
 * Invariants: every change of state counts the epoch up, so no epoch comes back (but after 2^32 changes),
 *             and results of earlier ones are told by it alone. Within an epoch that is open or half
 *             open, `until` is constant: a low word that is the same before and after the high one was
 *             read makes a pair that was there at one moment. In a closed one only leave uses `until`,
 *             and its CAS compares both.
 *             Permits of a half-open epoch are counted in the same CAS that gives them.
 * Statistics: a call is counted as admitted before it can be counted as ended, and readers sum up what
 *             ended first: what is in progress is never negative.
 * Teardown:   nobody is inside; permits may be left over, they point nowhere.
 */
#include <ck_filter/breaker.h>

#include <pthread.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/step.h"
#include "base/wide_cas.h"
#include "sync/sharded_counter.h"

enum { DEFAULT_MIN_CALLS = 20, DEFAULT_PERCENT = 50, DEFAULT_PROBES = 1, MOST_COUNT = 0x7fff };
#define DEFAULT_WINDOW_NS INT64_C(10000000000)
#define DEFAULT_OPEN_NS   INT64_C(5000000000)
#define DEFAULT_PROBE_NS  INT64_C(30000000000)

/* What the two words say. */
struct moment {
    uint32_t epoch;
    enum ckf_breaker_state state;
    /* closed: results of the window, and the failures among them; half open: permits given, and
     * successes */
    unsigned first, second;
    int64_t until; /* closed: the window; open: refusal; half open: patience with the probes */
};

enum { RESULTS = CKF_ABANDONED + 1 };

struct ckf_breaker {
    struct ckf_breaker_options options; /* never changes; name is our copy */
    char *name;
    CKF_CACHELINE_ALIGNED struct ckf_wide words; /* ATOMIC: see pack(); high is `until` */
    pthread_mutex_t lock;                        /* MUTEX: guards moment */
    struct moment moment;
    /* any thread */
    struct ckf_sharded_counter admitted, rejected, opened, ended[RESULTS];
};

/* --- steps --- */

static void change_state(struct moment *moment, enum ckf_breaker_state state, int64_t ns)
{
    *moment = (struct moment){
        .epoch = moment->epoch + 1, .state = state, .until = ckf_deadline_after_ns(ns)};
}

static enum ckf_status enter(const struct ckf_breaker_options *options, struct moment *moment)
{
    if (moment->state == CKF_BREAKER_CLOSED)
        return CKF_OK;
    bool is_over = ckf_now_ns() >= moment->until;
    bool has_probes = moment->state == CKF_BREAKER_HALF_OPEN && moment->first < options->probes;
    if (!is_over && !has_probes)
        return CKF_BUSY;
    if (!has_probes)
        change_state(moment, CKF_BREAKER_HALF_OPEN, options->probe_ns);
    moment->first++;
    return CKF_OK;
}

static void count_result(const struct ckf_breaker_options *options, struct moment *moment,
                         bool failed)
{
    if (ckf_now_ns() >= moment->until || moment->first == MOST_COUNT) {
        moment->first = moment->second = 0;
        moment->until = ckf_deadline_after_ns(options->window_ns);
    }
    moment->first++;
    moment->second += failed;
    if (moment->first >= options->min_calls &&
        moment->second * 100 >= options->failure_percent * moment->first)
        change_state(moment, CKF_BREAKER_OPEN, options->open_ns);
}

static void count_probe(const struct ckf_breaker_options *options, struct moment *moment,
                        enum ckf_result result)
{
    if (result == CKF_ABANDONED)
        moment->first--;
    else if (result == CKF_FAILED)
        change_state(moment, CKF_BREAKER_OPEN, options->open_ns);
    else if (++moment->second == options->probes)
        change_state(moment, CKF_BREAKER_CLOSED, options->window_ns);
}

static enum ckf_status leave(const struct ckf_breaker_options *options, struct moment *moment,
                             struct ckf_permit permit, enum ckf_result result)
{
    if (permit.epoch != moment->epoch || moment->state == CKF_BREAKER_OPEN)
        return CKF_STALE;
    if (moment->state == CKF_BREAKER_HALF_OPEN)
        count_probe(options, moment, result);
    else if (result != CKF_ABANDONED)
        count_result(options, moment, result == CKF_FAILED);
    return CKF_OK;
}

/* --- the words --- */

enum { EPOCH_SHIFT = 32, STATE_SHIFT = 30, FIRST_SHIFT = 15 };

static uint64_t pack(const struct moment *moment)
{
    return (uint64_t)moment->epoch << EPOCH_SHIFT | (uint64_t)moment->state << STATE_SHIFT |
           (uint64_t)moment->first << FIRST_SHIFT | moment->second;
}

static struct moment unpack(uint64_t low, uint64_t high)
{
    return (struct moment){.epoch = (uint32_t)(low >> EPOCH_SHIFT),
                           .state = (enum ckf_breaker_state)(low >> STATE_SHIFT & 3),
                           .first = low >> FIRST_SHIFT & MOST_COUNT,
                           .second = low & MOST_COUNT,
                           .until = (int64_t)high};
}

static struct moment look(const struct ckf_breaker *breaker)
{
    for (;;) {
        /* edge breaker-changed: acquire, twice; pairs with the CAS in replace(). */
        uint64_t low = load_acquire(&breaker->words.low);
        uint64_t high = load_acquire(&breaker->words.high);
        /* relaxed: the high word, if it is of a later change, brings that change's low word along */
        if (!CKF_STEP(load_relaxed(&breaker->words.low) != low))
            return unpack(low, high);
    }
}

static bool replace(struct ckf_breaker *breaker, const struct moment *seen,
                    const struct moment *next)
{
    uint64_t low = pack(seen), new_low = pack(next);
    if (low == new_low && seen->until == next->until)
        return true;
    /* edge breaker-changed: release; pairs with the acquires in look(). */
    return ckf_wide_cas_explicit(&breaker->words, low, (uint64_t)seen->until, new_low,
                                 (uint64_t)next->until, memory_order_release);
}

/* --- the door --- */

/* What a caller brings: a permit if it leaves, and gets. */
struct caller {
    bool leaves;
    struct ckf_permit permit;
    enum ckf_result result;
};

static enum ckf_status step(const struct ckf_breaker *breaker, struct moment *moment,
                            const struct caller *caller)
{
    return caller->leaves ? leave(&breaker->options, moment, caller->permit, caller->result)
                          : enter(&breaker->options, moment);
}

static enum ckf_status take_step(struct ckf_breaker *breaker, struct caller *caller)
{
    const bool locks = breaker->options.variant == CKF_VARIANT_MUTEX;
    struct moment seen, next;
    enum ckf_status status;
    if (locks)
        pthread_mutex_lock(&breaker->lock);
    do {
        next = seen = locks ? breaker->moment : look(breaker);
        status = step(breaker, &next, caller);
    } while (!locks && !replace(breaker, &seen, &next));
    if (locks) {
        breaker->moment = next;
        pthread_mutex_unlock(&breaker->lock);
    }
    if (next.epoch != seen.epoch && next.state == CKF_BREAKER_OPEN)
        ckf_sharded_add(&breaker->opened, 1);
    caller->permit.epoch = next.epoch;
    return status;
}

/* One word is enough to see that nothing is to be changed. */
static bool is_seen_closed(const struct ckf_breaker *breaker, struct ckf_permit *permit)
{
    if (breaker->options.variant != CKF_VARIANT_ATOMIC)
        return false;
    /* edge breaker-changed: acquire; pairs with the CAS in replace(). */
    struct moment seen = unpack(load_acquire(&breaker->words.low), 0);
    permit->epoch = seen.epoch;
    return seen.state == CKF_BREAKER_CLOSED;
}

enum ckf_status ckf_breaker_try_enter(struct ckf_breaker *breaker, struct ckf_permit *permit)
{
    CKF_REQUIRE(breaker != NULL, "the breaker must not be NULL");
    CKF_REQUIRE(permit != NULL, "the place for the permit must not be NULL");
    struct caller caller = {.leaves = false};
    enum ckf_status status = CKF_OK;
    if (!is_seen_closed(breaker, &caller.permit))
        status = take_step(breaker, &caller);
    ckf_sharded_add(status == CKF_OK ? &breaker->admitted : &breaker->rejected, 1);
    if (status == CKF_OK)
        *permit = caller.permit;
    return status;
}

enum ckf_status ckf_breaker_leave(struct ckf_breaker *breaker, struct ckf_permit permit,
                                  enum ckf_result result)
{
    CKF_REQUIRE(breaker != NULL, "the breaker must not be NULL");
    CKF_REQUIRE((unsigned)result < RESULTS, "there is no such result");
    struct caller caller = {.leaves = true, .permit = permit, .result = result};
    enum ckf_status status = take_step(breaker, &caller);
    ckf_sharded_add(&breaker->ended[result], 1);
    return status;
}

enum ckf_breaker_state ckf_breaker_state(struct ckf_breaker *breaker)
{
    CKF_REQUIRE(breaker != NULL, "the breaker must not be NULL");
    if (breaker->options.variant == CKF_VARIANT_ATOMIC)
        return look(breaker).state;
    pthread_mutex_lock(&breaker->lock);
    enum ckf_breaker_state state = breaker->moment.state;
    pthread_mutex_unlock(&breaker->lock);
    return state;
}

void ckf_breaker_read_stats(struct ckf_breaker *breaker, struct ckf_breaker_stats *stats)
{
    CKF_REQUIRE(breaker != NULL, "the breaker must not be NULL");
    CKF_REQUIRE(stats != NULL, "the place for the statistics must not be NULL");
    *stats =
        (struct ckf_breaker_stats){.succeeded = ckf_sharded_sum(&breaker->ended[CKF_SUCCEEDED]),
                                   .failed = ckf_sharded_sum(&breaker->ended[CKF_FAILED]),
                                   .abandoned = ckf_sharded_sum(&breaker->ended[CKF_ABANDONED]),
                                   .opened = ckf_sharded_sum(&breaker->opened)};
    uint64_t ended = stats->succeeded + stats->failed + stats->abandoned;
    /* after what ended: each of those had been admitted */
    uint64_t admitted = ckf_sharded_sum(&breaker->admitted);
    stats->in_progress = admitted - ended;
    stats->rejected = ckf_sharded_sum(&breaker->rejected);
    stats->attempts = admitted + stats->rejected;
}

/* --- creation --- */

static void fill_in_defaults(struct ckf_breaker_options *options)
{
    if (options->min_calls == 0)
        options->min_calls = DEFAULT_MIN_CALLS;
    if (options->failure_percent == 0)
        options->failure_percent = DEFAULT_PERCENT;
    if (options->probes == 0)
        options->probes = DEFAULT_PROBES;
    if (options->window_ns == 0)
        options->window_ns = DEFAULT_WINDOW_NS;
    if (options->open_ns == 0)
        options->open_ns = DEFAULT_OPEN_NS;
    if (options->probe_ns == 0)
        options->probe_ns = DEFAULT_PROBE_NS;
}

static bool are_valid(const struct ckf_breaker_options *options)
{
    uint64_t reserved = 0;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        reserved |= options->reserved[i];
    return reserved == 0 && options->min_calls <= MOST_COUNT && options->failure_percent <= 100 &&
           options->probes <= MOST_COUNT && options->window_ns > 0 && options->open_ns > 0 &&
           options->probe_ns > 0 &&
           (options->variant == CKF_VARIANT_ATOMIC || options->variant == CKF_VARIANT_MUTEX);
}

enum ckf_status ckf_breaker_create(struct ckf_breaker **breaker,
                                   const struct ckf_breaker_options *options)
{
    CKF_REQUIRE(breaker != NULL, "the place for the breaker must not be NULL");
    struct ckf_breaker_options filled = {0};
    if (options != NULL)
        filled = *options;
    fill_in_defaults(&filled);
    if (!are_valid(&filled))
        return CKF_INVALID;
    struct ckf_breaker *created = ckf_alloc_aligned(sizeof *created, CKF_CACHELINE);
    if (created == NULL)
        return CKF_NO_MEMORY;
    if (!ckf_copy_string(filled.name, &created->name)) {
        ckf_free(created);
        return CKF_NO_MEMORY;
    }
    filled.name = created->name;
    created->options = filled;
    created->moment = (struct moment){.until = ckf_deadline_after_ns(filled.window_ns)};
    atomic_init(&created->words.low, pack(&created->moment));
    atomic_init(&created->words.high, (uint64_t)created->moment.until);
    pthread_mutex_init(&created->lock, NULL);
    *breaker = created;
    return CKF_OK;
}

void ckf_breaker_destroy(struct ckf_breaker *breaker)
{
    CKF_REQUIRE(breaker != NULL, "the breaker must not be NULL");
    pthread_mutex_destroy(&breaker->lock);
    ckf_free(breaker->name);
    ckf_free(breaker);
}
