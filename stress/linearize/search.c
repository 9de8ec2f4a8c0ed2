/* linearize/search.c - depth-first search for an accepted order.
 *
 * Calls and returns of all steps stand in a list in order of time. Any step whose call stands before
 * the first return in the list may come next: it is applied to the state and taken out of the list
 * (its call and its return), or, when that leads nowhere, put back. Meeting a return means that the
 * operation it belongs to should have had its effect by now: the last step taken was wrong.
 * The order is found when no return is left.
 *
 * An operation of several steps stands in the list once for each; a step waits for the one before.
 *
 * All memory is kept for the next search; the table of configurations is cleared by giving each
 * search a number of its own.
 */
#include "linearize/search.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_STEPS = CKF_STRESS_MAX_STEPS,
    WORDS = MAX_STEPS / 64,
    TABLE_SIZE = 2 * CKF_LINEARIZE_MAX_MEMORY,
    ARENA_BYTES = 32 << 20
};

/* One step of one operation. */
struct step {
    const struct ckf_recorded *recorded;
    uint16_t operation, number;
};

/* An event of the list: events 2n and 2n + 1 are the call and the return of step n. */
struct link {
    uint16_t before, after;
};
enum { HEAD = 2 * MAX_STEPS, END, EVENTS };

struct slot {
    uint32_t search; /* the one that it was filled by */
    uint32_t place;  /* of the configuration in the arena, in words */
};

struct search {
    const struct ckf_stress_specification *specification;
    size_t state_words;
    unsigned step_count, set_words, returns_left, depth;
    struct step steps[MAX_STEPS];
    struct link links[EVENTS];
    uint64_t done[WORDS]; /* a set of steps */
    uint16_t taken[MAX_STEPS];
    uint64_t state[CKF_STRESS_MODEL_BYTES / 8], next[CKF_STRESS_MODEL_BYTES / 8];

    uint32_t number;
    struct slot *table;         /* TABLE_SIZE */
    uint64_t *arena, *earlier;  /* configurations; the states before each step taken */
    size_t arena_used, entries; /* words; configurations */
    bool full;
};

static struct search search;

static bool is_done(unsigned step)
{
    return (search.done[step / 64] >> step % 64 & 1) != 0;
}

static void flip(unsigned step)
{
    search.done[step / 64] ^= UINT64_C(1) << step % 64;
}

/* --- The list ----------------------------------------------------------------------------------- */

static void take_out(unsigned event)
{
    struct link link = search.links[event];
    search.links[link.before].after = link.after;
    search.links[link.after].before = link.before;
}

static void put_back(unsigned event)
{
    struct link link = search.links[event];
    search.links[link.before].after = (uint16_t)event;
    search.links[link.after].before = (uint16_t)event;
}

static bool has_returned(unsigned step)
{
    return search.steps[step].recorded->returned != CKF_NEVER_RETURNED;
}

static uint64_t time_of(unsigned event)
{
    const struct ckf_recorded *recorded = search.steps[event / 2].recorded;
    return event % 2 == 0 ? recorded->called : recorded->returned;
}

/* By time; calls first, so that what touches overlaps. */
static int compare_events(const void *a, const void *b)
{
    unsigned first = *(const uint16_t *)a, second = *(const uint16_t *)b;
    uint64_t time = time_of(first), other = time_of(second);
    if (time != other)
        return time < other ? -1 : 1;
    if (first % 2 != second % 2)
        return first % 2 < second % 2 ? -1 : 1;
    return first < second ? -1 : 1;
}

static void make_list(void)
{
    uint16_t events[2 * MAX_STEPS];
    size_t count = 0;
    search.returns_left = 0;
    for (unsigned i = 0; i < search.step_count; i++) {
        events[count++] = (uint16_t)(2 * i);
        if (has_returned(i)) {
            events[count++] = (uint16_t)(2 * i + 1);
            search.returns_left++;
        }
    }
    qsort(events, count, sizeof *events, compare_events);
    unsigned last = HEAD;
    for (size_t i = 0; i < count; i++) {
        search.links[last].after = events[i];
        search.links[events[i]].before = (uint16_t)last;
        last = events[i];
    }
    search.links[last].after = END;
    search.links[END].before = (uint16_t)last;
}

/* --- Configurations ----------------------------------------------------------------------------- */

static uint64_t hash_words(uint64_t hash, const uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* Notes that the steps done and the step led to search.next. False: that was known. */
static bool is_new(unsigned step)
{
    flip(step);
    size_t words = search.set_words + search.state_words;
    uint64_t hash =
        hash_words(hash_words(1, search.done, search.set_words), search.next, search.state_words);
    size_t place = hash % TABLE_SIZE;
    bool known = false;
    for (; search.table[place].search == search.number; place = (place + 1) % TABLE_SIZE) {
        const uint64_t *seen = search.arena + search.table[place].place;
        known = memcmp(seen, search.done, search.set_words * 8) == 0 &&
                memcmp(seen + search.set_words, search.next, search.state_words * 8) == 0;
        if (known)
            break;
    }
    if (!known && (search.entries == CKF_LINEARIZE_MAX_MEMORY ||
                   (search.arena_used + words) * 8 > ARENA_BYTES)) {
        search.full = true;
    } else if (!known) {
        search.table[place] = (struct slot){search.number, (uint32_t)search.arena_used};
        uint64_t *fresh = search.arena + search.arena_used;
        memcpy(fresh, search.done, search.set_words * 8);
        memcpy(fresh + search.set_words, search.next, search.state_words * 8);
        search.arena_used += words;
        search.entries++;
    }
    flip(step);
    return !known;
}

static bool get_memory(void)
{
    if (search.table == NULL)
        search.table = calloc(TABLE_SIZE, sizeof *search.table);
    if (search.arena == NULL)
        search.arena = malloc(ARENA_BYTES);
    if (search.earlier == NULL)
        search.earlier = malloc((size_t)MAX_STEPS * CKF_STRESS_MODEL_BYTES);
    return search.table != NULL && search.arena != NULL && search.earlier != NULL;
}

/* --- The search --------------------------------------------------------------------------------- */

static bool list_steps(const struct ckf_stress_specification *specification,
                       const struct ckf_recorded *const *operations, size_t count)
{
    search.step_count = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned steps =
            specification->steps != NULL
                ? specification->steps(&operations[i]->operation, specification->parameter)
                : 1;
        if (steps > MAX_STEPS - search.step_count)
            return false;
        for (unsigned number = 0; number < steps; number++)
            search.steps[search.step_count++] =
                (struct step){operations[i], (uint16_t)i, (uint16_t)number};
    }
    return true;
}

static void begin(const struct ckf_stress_specification *specification)
{
    search.specification = specification;
    search.state_words = (specification->state_size + 7) / 8;
    search.set_words = (search.step_count + 63) / 64;
    search.depth = 0;
    search.full = false;
    search.arena_used = search.entries = 0;
    if (++search.number == 0) { /* the numbers have come round */
        memset(search.table, 0, TABLE_SIZE * sizeof *search.table);
        search.number = 1;
    }
    memset(search.done, 0, sizeof search.done);
    memset(search.state, 0, search.state_words * 8);
    if (specification->init != NULL)
        specification->init(search.state, specification->parameter);
    make_list();
}

/* The step may come next, and leads to search.next. */
static bool may_follow(unsigned number)
{
    const struct step *step = &search.steps[number];
    if (step->number > 0 && !is_done(number - 1))
        return false;
    memcpy(search.next, search.state, search.state_words * 8);
    return search.specification->apply(search.next, &step->recorded->operation, step->number,
                                       search.specification->parameter) &&
           is_new(number);
}

static void take(unsigned number)
{
    memcpy(search.earlier + search.depth * search.state_words, search.state,
           search.state_words * 8);
    memcpy(search.state, search.next, search.state_words * 8);
    search.taken[search.depth++] = (uint16_t)number;
    flip(number);
    take_out(2 * number);
    if (has_returned(number)) {
        take_out(2 * number + 1);
        search.returns_left--;
    }
}

static unsigned give_back(void)
{
    unsigned number = search.taken[--search.depth];
    memcpy(search.state, search.earlier + search.depth * search.state_words,
           search.state_words * 8);
    flip(number);
    if (has_returned(number)) {
        put_back(2 * number + 1);
        search.returns_left++;
    }
    put_back(2 * number);
    return number;
}

static void keep_longest(struct ckf_linearize_order *order)
{
    if (order == NULL || search.depth <= order->length)
        return;
    order->length = search.depth;
    for (unsigned i = 0; i < search.depth; i++) {
        order->operations[i] = search.steps[search.taken[i]].operation;
        order->steps[i] = search.steps[search.taken[i]].number;
    }
}

static enum ckf_linearizability find_order(struct ckf_linearize_order *order)
{
    unsigned event = search.links[HEAD].after;
    while (search.returns_left > 0) {
        if (event % 2 == 0 && event < HEAD && may_follow(event / 2)) {
            take(event / 2);
            keep_longest(order);
            event = search.links[HEAD].after;
        } else if (event % 2 == 0 && event < HEAD) {
            event = search.links[event].after;
        } else if (search.depth == 0) {
            return CKF_NOT_LINEARIZABLE;
        } else {
            event = search.links[2 * give_back()].after;
        }
        if (search.full)
            return CKF_LINEARIZABLE_UNDECIDED;
    }
    return CKF_LINEARIZABLE;
}

enum ckf_linearizability ckf_linearize(const struct ckf_stress_specification *specification,
                                       const struct ckf_recorded *const *operations, size_t count,
                                       struct ckf_linearize_order *order)
{
    if (order != NULL)
        order->length = 0;
    if (!get_memory() || !list_steps(specification, operations, count))
        return CKF_LINEARIZABLE_UNDECIDED;
    begin(specification);
    return find_order(order);
}
