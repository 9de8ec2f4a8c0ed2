/* explore/states.c - states that the search has seen before.
 *
 * What an execution may still do depends on the state that it is in, and on what it may still spend
 * (preemptions, early deadlines, ...). So where the search comes to a state again with no more to spend,
 * it has been everywhere that leads from there, or will be: depth-first search takes all ways on
 * from the first visit. It cuts the execution off. Retries are what this is for: whether a load
 * that feeds a compare-and-swap was stale is forgotten when the loop has ended.
 *
 * A state is a sum of hashes, so that what is independent may come in any order:
 *
 *   each thread     its stack from the frame that called the engine on, the registers that survive
 *                   calls, thread-local storage, the operation that it stands before, its view
 *   plain memory    the content of each 8 bytes that were written
 *   atomic memory   each location's stores: values and what they carry, in modification order
 *   accesses        what the race detector remembers
 *   and what threads wait for: mutexes, sleepers, grace periods; the clock
 *   histories        of recorded operations: values, and for each operation which had ended when it
 *                    began, which is all that an order of operations must respect
 *
 * Left out, since it has no bearing on what a case can see: the numbers of steps (so the limits of
 * steps and STEPS_OF_TRAVEL are counted on the way by which a state was first reached), and what a
 * thread that does not spin has read so far, which only decides when a spin is recognised. Two
 * different states with one hash of 56 bits would be taken for one (among three million states, with a
 * probability of one in 16,000).
 *
 * The registers are the program's own because the engine is compiled never to use them
 * (CKF_EXPLORE_FIXED_REGISTERS); without that, the search does without this.
 *
 * A visit with p preemptions left, of which the last thread can go on, covers those of the same
 * last thread with p, and all with p - 1, since one more would lead to it. A visit at which the last
 * thread cannot go on covers all with p. Without a bound there are sleep sets: a visit covers
 * those in which at least the same threads sleep (Godefroid, "Partial-order methods", 1996, 5.3).
 */
#include "engine.h"

#include <sys/mman.h>

struct state {
    uint64_t key : 56;              /* of the state's hash */
    uint64_t spare : 6;             /* preemptions left at the best visit */
    uint64_t used : 1, anybody : 1; /* the last thread could not go on */
    uint32_t execution;             /* of the best visit, and how many choices it had made */
    uint16_t choices;
    uint16_t who; /* with a bound: the last threads of such visits; without: who slept */
};
_Static_assert(sizeof(struct state) == 16, "four states share a cache line");

enum { FIRST_STATES = 1 << 12, MAX_STATES = 1 << 22, MAX_DIRTY = 1 << 20 };

static struct {
    struct state *table; /* MAX_STATES; pages that are not used cost nothing */
    size_t size, count;
    uint64_t **dirty; /* words that are about to be written */
    size_t dirty_count;
} states;

void ckf_explore_states_prepare(void)
{
    states.table = ckf_explore_reserve(MAX_STATES * sizeof *states.table);
    states.dirty = ckf_explore_reserve(MAX_DIRTY * sizeof *states.dirty);
    states.size = FIRST_STATES;
}

static void clear(struct state *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        table[i] = (struct state){.used = 0};
}

void ckf_explore_states_forget(void)
{
    if (states.count == 0)
        return;
    if (states.size == FIRST_STATES)
        clear(states.table, states.size);
    else
        madvise(states.table, MAX_STATES * sizeof *states.table, MADV_DONTNEED);
    states.size = FIRST_STATES;
    states.count = 0;
}

void ckf_explore_states_go_back(void)
{
    states.dirty_count = 0;
}

void ckf_explore_states_begin(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    states.dirty_count = 0;
    e->memory_hash = e->access_hash = e->location_hash = e->note_hash = e->ended_hash = 0;
}

uint64_t ckf_explore_states_count(void)
{
    return states.count;
}

/* Hashes. */

static inline uint64_t next_hash(uint64_t hash, uint64_t word)
{
    return ((hash << 5 | hash >> 59) ^ word) * UINT64_C(0x517cc1b727220a95);
}

static uint64_t hash_words(const uint64_t *words, size_t count)
{
    uint64_t a = count, b = 1;
    size_t i = 0;
    for (; i + 1 < count; i += 2) {
        a = next_hash(a, words[i]);
        b = next_hash(b, words[i + 1]);
    }
    if (i < count)
        a = next_hash(a, words[i]);
    return ckf_explore_scramble(a ^ ckf_explore_scramble(b));
}

static uint64_t hash_bytes(const void *bytes, size_t size)
{
    const char *next = bytes;
    uint64_t hash = size;
    for (; size >= 8; size -= 8, next += 8)
        hash = next_hash(hash, ckf_explore_native_load((uintptr_t)next, 8));
    for (; size > 0; size--, next++)
        hash = next_hash(hash, (unsigned char)*next);
    return hash;
}

static uint64_t hash_known(const struct ckf_known *at, unsigned length)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < length; i++)
        sum += ckf_explore_engine.salts[i] *
               ((uint64_t)(uint16_t)at[i].seen | (uint64_t)(uint16_t)at[i].passed << 32);
    return sum;
}

uint64_t ckf_explore_view_hash(const struct ckf_view *view)
{
    _Static_assert(sizeof view->clock % 8 == 0, "clocks are whole words");
    return ckf_explore_scramble(hash_bytes(view->clock, sizeof view->clock) ^
                                hash_known(view->at, view->length));
}

/* Plain memory. */

static uint64_t hash_word(const uint64_t *word)
{
    return ckf_explore_scramble((uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15) ^
                                ckf_explore_native_load((uintptr_t)word, 8));
}

void ckf_explore_states_wrote(void)
{
    while (states.dirty_count > 0)
        ckf_explore_engine.memory_hash += hash_word(states.dirty[--states.dirty_count]);
}

void ckf_explore_states_write(uintptr_t address, bool plain)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_thread *owner = ckf_explore_stack_owner(address);
    if (owner != NULL) {
        ckf_explore_thread_changes(owner);
        return;
    }
    if (!plain || states.dirty_count == MAX_DIRTY)
        return;
    uint64_t *word = (uint64_t *)(address & ~(uintptr_t)7);
    e->memory_hash -= hash_word(word);
    states.dirty[states.dirty_count++] = word;
}

/* Threads. */

enum { REGISTERS = 6 };

#ifdef CKF_EXPLORE_FIXED_REGISTERS
/* In the order in which the switch leaves them on the stack. */
static inline void read_registers(uint64_t registers[REGISTERS])
{
    __asm__ volatile("movq %%r15, 0(%0)\n\tmovq %%r14, 8(%0)\n\tmovq %%r13, 16(%0)\n\t"
                     "movq %%r12, 24(%0)\n\tmovq %%rbx, 32(%0)\n\tmovq %%rbp, 40(%0)"
                     :
                     : "a"(registers)
                     : "memory");
}
#else
static inline void read_registers(uint64_t registers[REGISTERS])
{
    for (int i = 0; i < REGISTERS; i++)
        registers[i] = 0;
}
#endif

static uint64_t hash_operation(const struct ckf_thread *thread)
{
    const struct ckf_operation *op = &thread->op;
    uint64_t words[] = {op->address,
                        op->address2,
                        op->pc,
                        (uint64_t)op->kind | (uint64_t)op->size << 8 | (uint64_t)op->order << 16,
                        thread->operands[0],
                        thread->operands[1],
                        thread->operands[2],
                        thread->detail,
                        (uintptr_t)thread->heap_next,
                        thread->section_depth | (uint64_t)thread->timed_out << 32,
                        thread->begins};
    return hash_words(words, sizeof words / sizeof *words);
}

static uint64_t hash_thread(struct ckf_thread *thread, const uint64_t *registers)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    bool running = thread == e->running;
    const uint64_t *frame = (const uint64_t *)(running ? e->frame : thread->frame);
    const uint64_t *top = ckf_explore_stack_top(thread);
    uint64_t hash = hash_words(frame, (size_t)(top - frame));
    hash ^= hash_words(running ? registers : thread->context, REGISTERS);
    hash = next_hash(hash, (uintptr_t)frame);
    hash = next_hash(hash, hash_bytes(running ? e->tls.address : thread->tls, e->tls.size));
    hash = next_hash(hash, hash_operation(thread));
    hash = next_hash(hash, ckf_explore_view_hash(thread->current));
    if (thread->acquire_pending)
        hash = next_hash(hash, ckf_explore_view_hash(thread->acquired));
    if (thread->released != NULL)
        hash = next_hash(hash, thread->released->hash);
    if (thread->keys_used)
        hash = next_hash(hash, hash_bytes(thread->keys, e->key_count * sizeof *thread->keys));
    return ckf_explore_scramble(hash + thread->id);
}

/* What it waits for, which changes without its doing. */
static uint64_t hash_waiting(const struct ckf_thread *thread)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    uint64_t hash = (uint64_t)thread->state << 8 | thread->id;
    if (thread->sleeps_on != NULL)
        hash = next_hash(hash, thread->sleeps_on->address);
    if ((e->timers & ckf_explore_bit(thread)) != 0)
        hash = next_hash(hash, (uint64_t)thread->deadline_ns);
    if ((e->spinning & ckf_explore_bit(thread)) != 0)
        for (unsigned i = 0; i < thread->watched_count; i++)
            hash += ckf_explore_scramble(thread->watched[i].address);
    return ckf_explore_scramble(hash);
}

static uint64_t hash_syncs(void)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    uint64_t sum = 0;
    for (unsigned i = 0; i < e->sync_count; i++) {
        const struct ckf_sync *sync = &e->syncs[i];
        if (sync->owner == 0 && !sync->done && sync->waiters == 0 && sync->view == NULL)
            continue;
        uint64_t hash = sync->address ^ (uint64_t)sync->owner << 56 ^ (uint64_t)sync->done << 55;
        hash = next_hash(hash, sync->waiters);
        hash = next_hash(hash, sync->view != NULL ? sync->view->hash : 0);
        sum += ckf_explore_scramble(hash);
    }
    return sum;
}

static uint64_t hash_memory(void)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    ckf_explore_states_wrote();
    return e->memory_hash + e->access_hash + e->location_hash + e->note_hash + hash_syncs() +
           (e->fenced != NULL ? e->fenced->hash : 0) + ckf_explore_reclaim_hash();
}

uint64_t ckf_explore_states_last(void)
{
    return hash_memory();
}

/* Not inlined: the registers are those of the program only as long as nobody saves them. */
__attribute__((noinline)) static uint64_t hash_state(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    uint64_t registers[REGISTERS];
    read_registers(registers);
    uint64_t sum = hash_memory();
    for (unsigned i = 0; i < e->thread_count; i++) {
        struct ckf_thread *thread = &e->threads[i];
        if (thread->state != THREAD_FINISHED && !thread->hashed) {
            thread->hash = hash_thread(thread, registers);
            thread->hashed = true;
        }
        if (thread->state != THREAD_FINISHED)
            sum += thread->hash;
        sum += hash_waiting(thread);
    }
    uint64_t words[] = {(uint64_t)e->ready | (uint64_t)e->spinning << 16 |
                            (uint64_t)e->yielded << 32 | (uint64_t)e->timers << 48,
                        (uint64_t)e->now_ns,
                        (uint64_t)e->timeouts_left | (uint64_t)e->spurious_left << 32,
                        (uint64_t)e->idle_spins | (uint64_t)e->spin_next << 32,
                        (uint64_t)e->randoms | (uint64_t)e->allocations << 32,
                        e->key_count};
    return sum + hash_words(words, sizeof words / sizeof *words);
}

/* The table. */

static struct state *slot_of(struct state *table, size_t size, uint64_t key)
{
    size_t place = key & (size - 1);
    while (table[place].used && table[place].key != key)
        place = (place + 1) & (size - 1);
    return &table[place];
}

static void grow(void)
{
    size_t old = states.size;
    struct state *copy =
        mmap(NULL, old * sizeof *copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return;
    for (size_t i = 0; i < old; i++)
        copy[i] = states.table[i];
    clear(states.table, old);
    states.size = old * 2;
    for (size_t i = 0; i < old; i++)
        if (copy[i].used)
            *slot_of(states.table, states.size, copy[i].key) = copy[i];
    munmap(copy, old * sizeof *copy);
}

enum { MOST_SPARE = 63 };

static unsigned spare(void)
{
    unsigned left = ckf_explore_engine.preemptions_left;
    return left < MOST_SPARE ? left : MOST_SPARE;
}

static bool covers(const struct state *known, uint16_t last, bool can_go_on)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    if (e->sleep_sets)
        return (known->who & ~e->asleep) == 0;
    if (known->spare != spare())
        return known->spare > spare();
    return known->anybody || (can_go_on && (known->who & last) != 0);
}

/* Notes a visit that is not covered. */
static void visit(struct state *state, uint16_t last, bool can_go_on)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    bool first = !state->used || state->spare != spare();
    state->used = 1;
    state->spare = spare() & MOST_SPARE;
    state->execution = (uint32_t)e->attempt;
    state->choices = (uint16_t)e->choice_count;
    if (e->sleep_sets) {
        state->who = first ? e->asleep : state->who & e->asleep;
        return;
    }
    state->who = (uint16_t)((first ? 0 : state->who) | (can_go_on ? last : 0));
    state->anybody = (!first && state->anybody) || !can_go_on;
}

/* True: the execution itself was in this state before. It goes round, and if nobody else can go on, that
 * may be for ever: so the limit of steps shall decide. */
static bool is_on_the_way(const struct state *known)
{
    return ckf_explore_strategy_followed(known->choices) <= known->execution;
}

/* Of a state in which so many stale reads are left. */
static uint64_t key_of(uint64_t hash, unsigned stale_left)
{
    return (stale_left == CKF_EXPLORE_UNBOUNDED ? hash : ckf_explore_scramble(hash + stale_left)) >>
           8;
}

bool ckf_explore_state_is_known(uint16_t candidates)
{
    struct ckf_engine *e = &ckf_explore_engine;
    uint16_t last = (uint16_t)(1u << e->last);
    bool can_go_on = (candidates & e->ready & last) != 0;
    bool alone = (candidates & (candidates - 1)) == 0;
    if (e->lookups == 0 && (alone || (can_go_on && e->preemptions_left == 0)))
        return false;
    e->lookups -= e->lookups > 0;
    uint64_t hash = hash_state(), key = key_of(hash, e->stale_left);
    for (unsigned more = e->options.stale_reads; more > e->stale_left; more--) {
        const struct state *richer = slot_of(states.table, states.size, key_of(hash, more));
        if (richer->used && covers(richer, last, can_go_on))
            return !alone || !is_on_the_way(richer);
    }
    struct state *known = slot_of(states.table, states.size, key);
    if (known->used) {
        if (covers(known, last, can_go_on))
            return !alone || !is_on_the_way(known);
        visit(known, last, can_go_on);
        return false;
    }
    if (states.count == MAX_STATES / 4 * 3)
        return false;
    states.count++;
    known->key = key & (UINT64_MAX >> 8);
    visit(known, last, can_go_on);
    if (states.count > states.size / 2 && states.size < MAX_STATES)
        grow();
    return false;
}
