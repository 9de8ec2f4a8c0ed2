/* explore/strategy.c - what is chosen where there is a choice.
 *
 * Every choice between two or more alternatives is recorded, whatever the strategy, in a way that
 * depends on the program's state alone: so a recorded vector can be followed under any strategy.
 * Alternative 0 of a thread choice is the thread that ran last, if it can go on; taking another one
 * then is a preemption. Alternative 0 of a read is the newest store. All zeros is therefore the
 * tamest execution.
 *
 * Depth-first search re-executes the program with the choices of the last execution up to the
 * deepest one that has an untried alternative. With sleep sets (Godefroid 1996): a thread that was
 * tried at a choice sleeps in the later alternatives of that choice until a step is taken that its
 * own pending step depends on; if only sleepers are left, the execution is equivalent to an earlier
 * one and is cut off. A bound on preemptions makes that unsound, so it is one or the other.
 *
 * PCT: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic
 * guarantees of finding bugs", ASPLOS 2010.
 */
#include "dpor.h"

#ifdef CKF_EXPLORE_FIXED_REGISTERS
#define CAN_HASH true
#else
#define CAN_HASH false
#endif

static uint32_t *since; /* since[n]: the execution that last changed one of the first n choices */

static uint16_t
    *todo; /* alternatives that the search may take, a set; all bits: any, however many */

void ckf_explore_strategy_prepare(void)
{
    todo = ckf_explore_reserve(MAX_CHOICES * sizeof *todo);
    since = ckf_explore_reserve((MAX_CHOICES + 1) * sizeof *since);
    ckf_explore_dpor_prepare();
}

static uint32_t below(uint32_t bound)
{
    return (uint32_t)((ckf_explore_random_next(&ckf_explore_engine.random_state) >> 32) * bound >>
                      32);
}

static void begin_pct(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->change_count = e->options.depth - 1;
    if (e->scheduled > e->scheduled_before)
        e->scheduled_before = e->scheduled;
    for (unsigned i = 0; i < e->change_count; i++)
        e->change_points[i] = 1 + below(e->scheduled_before + 1);
    e->scheduled = 0;
}

void ckf_explore_strategy_begin(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->dpor = e->exploring && e->options.strategy == CKF_EXPLORE_DPOR;
    e->searching = e->dpor || (e->exploring && e->options.strategy == CKF_EXPLORE_DFS);
    e->preemptions_left = e->dpor ? CKF_EXPLORE_UNBOUNDED : e->options.preemptions;
    e->stale_left = e->searching && e->options.reads_are_bounded ? e->options.stale_reads
                                                                 : CKF_EXPLORE_UNBOUNDED;
    e->sleep_sets = e->searching && !e->dpor && e->options.preemptions == CKF_EXPLORE_UNBOUNDED &&
                    (e->options.without & CKF_WITHOUT_SLEEP_SETS) == 0 &&
                    !e->options.timed; /* swapped steps may be equivalent to all but the clock */
    e->hashing = e->searching && CAN_HASH && e->options.model != CKF_EXPLORE_TSO &&
                 (!e->dpor || e->options.ends);
    e->remembering = e->hashing && !e->dpor && (e->options.without & CKF_WITHOUT_STATES) == 0;
    e->snapshots = e->searching && !e->dpor && CKF_CONTEXTS_CAN_BE_COPIED && !e->tracing &&
                   !e->no_snapshots && (e->options.without & CKF_WITHOUT_SNAPSHOTS) == 0;
    e->choosy = e->searching && (e->options.without & CKF_WITHOUT_CHOICE_OF_READS) == 0;
    if (e->options.strategy == CKF_EXPLORE_RANDOM || e->options.strategy == CKF_EXPLORE_PCT) {
        e->random_state = e->options.seed * UINT64_C(0x2545f4914f6cdd1d) + e->attempt;
        ckf_explore_random_next(&e->random_state);
    }
    if (e->options.strategy == CKF_EXPLORE_PCT)
        begin_pct();
    e->order = e->attempt;
    if (e->dpor)
        ckf_explore_dpor_begin();
}

/* Priorities above the change points' (1 to depth - 1), in random order. */
void ckf_explore_strategy_welcome(struct ckf_thread *thread)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->options.strategy != CKF_EXPLORE_PCT)
        return;
    unsigned place = below(thread->id + 1u);
    for (unsigned i = 0; i < thread->id; i++)
        if (e->rank[i] >= place)
            e->rank[i]++;
    e->rank[thread->id] = (uint8_t)place;
    e->demoted[thread->id] = 0;
}

void ckf_explore_strategy_demote(struct ckf_thread *thread)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->options.strategy == CKF_EXPLORE_PCT)
        e->demoted[thread->id] = 255;
}

static int priority(unsigned id)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    return e->demoted[id] != 0 ? -(int)e->demoted[id] : (int)e->rank[id];
}

static unsigned choose_by_priority(const uint8_t list[], unsigned count)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->scheduled++;
    for (unsigned i = 0; i < e->change_count; i++)
        if (e->change_points[i] == e->scheduled)
            e->demoted[e->last] = (uint8_t)(1 + i);
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++)
        if (priority(list[i]) > priority(list[best]))
            best = i;
    return best;
}

static unsigned choose_in_order(unsigned count, bool last_can_go_on)
{
    if (last_can_go_on)
        return 0;
    unsigned chosen = (unsigned)(ckf_explore_engine.order % count);
    ckf_explore_engine.order /= count;
    return chosen;
}

/* Follows the recorded choice, or returns -1 where there is none. */
static int follow(enum ckf_choice_kind kind, unsigned alternatives)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (e->choice_count >= e->choice_limit)
        return -1;
    const struct ckf_choice *recorded = &e->choices[e->choice_count];
    if (recorded->kind == kind && recorded->alternatives == alternatives)
        return recorded->chosen;
    if (e->strict) {
        e->diverged = true;
        return 0;
    }
    if (recorded->kind == kind)
        return recorded->chosen < alternatives ? recorded->chosen : (int)alternatives - 1;
    return 0;
}

static void write_down(enum ckf_choice_kind kind, unsigned alternatives, unsigned chosen,
                       unsigned thread)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (UNLIKELY(e->choice_count == MAX_CHOICES))
        ckf_explore_fail(CKF_VERDICT_LIVELOCK, "more than %d choices in one execution",
                         MAX_CHOICES);
    if (e->choice_count + 1 >= e->choice_limit)
        since[e->choice_count + 1] = (uint32_t)e->attempt;
    e->choices[e->choice_count++] = (struct ckf_choice){.kind = (uint8_t)kind,
                                                        .alternatives = (uint8_t)alternatives,
                                                        .chosen = (uint8_t)chosen,
                                                        .thread = (uint8_t)thread};
}

static uint16_t asleep_now(void)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    return e->dpor ? ckf_explore_dpor_asleep() : e->sleep_sets ? e->asleep : 0;
}

/* The alternatives that the search may take, as a set of indices. */
static uint16_t searchable(const uint8_t list[], unsigned count, bool last_can_go_on)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (!e->searching)
        return (uint16_t)((1u << count) - 1);
    if (last_can_go_on && e->preemptions_left == 0)
        return 1;
    uint16_t asleep = asleep_now();
    uint16_t awake = 0;
    for (unsigned i = 0; i < count; i++)
        if ((asleep >> list[i] & 1) == 0)
            awake |= (uint16_t)(1u << i);
    return awake;
}

/* Some alternatives of this choice are left for later. */
static void stand_before_choice(unsigned alternatives, uint16_t set)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (EXPECT(!e->snapshots))
        return;
    unsigned chosen = e->choice_count < e->choice_limit ? e->choices[e->choice_count].chosen
                                                        : (unsigned)__builtin_ctz(set);
    if (chosen + 1 < alternatives && (set == UINT16_MAX || set >> (chosen + 1) != 0))
        ckf_explore_snapshot_if_worth_it();
}

static unsigned choose_thread(const uint8_t list[], unsigned count, bool last_can_go_on,
                              uint16_t allowed)
{
    int recorded = follow(CKF_CHOICE_THREAD, count);
    if (recorded >= 0)
        return (unsigned)recorded;
    switch (ckf_explore_engine.exploring ? ckf_explore_engine.options.strategy : CKF_EXPLORE_DFS) {
    case CKF_EXPLORE_RANDOM:
        return below(count);
    case CKF_EXPLORE_PCT:
        return choose_by_priority(list, count);
    case CKF_EXPLORE_SEQUENTIAL:
        return choose_in_order(count, last_can_go_on);
    default:
        return (unsigned)__builtin_ctz(allowed);
    }
}

/* NULL: the execution is to be cut off here. */
struct ckf_thread *ckf_explore_strategy_pick(uint16_t candidates)
{
    struct ckf_engine *e = &ckf_explore_engine;
    uint16_t last = (uint16_t)(1u << e->last);
    if ((candidates & (candidates - 1)) == 0) {
        if ((asleep_now() & candidates) != 0)
            return NULL;
        if (UNLIKELY(e->dpor))
            ckf_explore_dpor_only((unsigned)__builtin_ctz(candidates));
        return &e->threads[__builtin_ctz(candidates)];
    }
    uint16_t all = candidates;
    uint8_t list[MAX_THREADS];
    unsigned count = 0;
    bool last_can_go_on = (candidates & e->ready & last) != 0;
    if (last_can_go_on) {
        list[count++] = e->last;
        candidates &= (uint16_t)~last;
    }
    for (; candidates != 0; candidates &= (uint16_t)(candidates - 1))
        list[count++] = (uint8_t)__builtin_ctz(candidates);
    uint16_t allowed = searchable(list, count, last_can_go_on);
    if (allowed == 0)
        return NULL;
    stand_before_choice(count, allowed);
    unsigned chosen = choose_thread(list, count, last_can_go_on, allowed);
    if (UNLIKELY(e->diverged))
        return NULL;
    if (e->searching)
        todo[e->choice_count] = allowed;
    if ((allowed & (allowed - 1)) != 0)
        e->lookups = LOOKUPS_AFTER_CHOICE;
    if (UNLIKELY(e->dpor))
        ckf_explore_dpor_chose(e->choice_count, all, all & (uint16_t)~e->ready, last_can_go_on,
                               list[chosen]);
    write_down(CKF_CHOICE_THREAD, count, chosen, list[chosen]);
    if (last_can_go_on && chosen != 0)
        e->preemptions_left--;
    if (e->sleep_sets)
        for (unsigned i = 0; i < chosen; i++)
            e->asleep |= (uint16_t)(1u << list[i]);
    return &e->threads[list[chosen]];
}

unsigned ckf_explore_choose(enum ckf_choice_kind kind, unsigned alternatives)
{
    return ckf_explore_choose_among(kind, alternatives, UINT16_MAX);
}

unsigned ckf_explore_choose_among(enum ckf_choice_kind kind, unsigned alternatives, uint16_t set)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (alternatives > 255)
        alternatives = 255;
    if (alternatives <= 1)
        return 0;
    if ((set & (set - 1)) != 0)
        e->lookups = LOOKUPS_AFTER_CHOICE;
    stand_before_choice(alternatives, set);
    int recorded = follow(kind, alternatives);
    unsigned chosen = e->searching ? (unsigned)__builtin_ctz(set) : 0;
    if (e->searching)
        todo[e->choice_count] = set;
    if (recorded >= 0)
        chosen = (unsigned)recorded;
    else if (e->exploring &&
             (e->options.strategy == CKF_EXPLORE_RANDOM || e->options.strategy == CKF_EXPLORE_PCT))
        chosen = below(2) == 0 ? 0 : below(alternatives);
    if (UNLIKELY(e->diverged))
        ckf_explore_fail(CKF_VERDICT_DIVERGED, "meets a choice that the schedule does not have");
    write_down(kind, alternatives, chosen, e->running->id);
    return chosen;
}

uint32_t ckf_explore_strategy_followed(size_t count)
{
    return since[count];
}

static bool take_next_alternative(size_t place)
{
    struct ckf_choice *choice = &ckf_explore_engine.choices[place];
    if (choice->kind == CKF_CHOICE_THREAD && ckf_explore_engine.dpor)
        return ckf_explore_dpor_next(place);
    if (choice->kind != CKF_CHOICE_THREAD && todo[place] == UINT16_MAX) {
        if (choice->chosen + 1 >= choice->alternatives)
            return false;
        choice->chosen++;
        return true;
    }
    uint16_t later = (uint16_t)(todo[place] >> (choice->chosen + 1));
    if (later == 0)
        return false;
    choice->chosen = (uint8_t)(choice->chosen + 1 + __builtin_ctz(later));
    return true;
}

/* Prepares the choices of the search's next execution. False: there is none. */
bool ckf_explore_strategy_next(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (!e->searching) {
        e->choice_limit = 0;
        return true;
    }
    for (size_t place = e->choice_count; place-- > 0;) {
        if (take_next_alternative(place)) {
            e->choice_limit = place + 1;
            ckf_explore_snapshots_forget_beyond(place);
            return true;
        }
    }
    return false;
}
