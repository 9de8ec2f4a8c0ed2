/* harness/run.c - what bodies call: their operations, chance, outcomes, records, pauses.
 *
 * Every actor has a run of its own, so that bodies share nothing but their state. Chance comes from
 * SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), seeded from the batch's seed, the iteration and the
 * actor: the same numbers come again when the seed does, whatever the threads do.
 *
 * Recorded operations are timed by CLOCK_MONOTONIC, which the kernel keeps from going backwards
 * between CPUs, and those that meet at a nanosecond overlap. A full barrier stands after the time of
 * a call and before that of a return: no access of the operation is made before its call, and all its
 * stores have arrived when it is said to have returned. So if one operation returns before another
 * is called, the other one can see all it did, on any machine: what is reported is never the
 * recorder's doing. The price is that operations of an actor do not overtake each other. */
#include "harness/run.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "harness/clock.h"

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

static _Thread_local struct ckf_stress_run *current;
/* For threads that a body started, which have no run. */
static _Thread_local struct ckf_stress_run stray;

uint64_t ckf_stress_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void ckf_stress_run_begin(struct ckf_stress_run *run, uint64_t iteration, unsigned stream)
{
    /* relaxed: whoever else may report gets the run after this. */
    atomic_store_explicit(&run->outcome, NULL, memory_order_relaxed);
    run->registers_set = 0;
    run->spins = 0;
    if (run->recorder != NULL)
        ckf_recorder_clear(run->recorder);
    run->random = ckf_stress_mix(run->batch->seed + golden * iteration) + stream * golden;
}

void ckf_stress_run_set_current(struct ckf_stress_run *run)
{
    current = run;
}

/* The run that a body means. */
static struct ckf_stress_run *resolve(struct ckf_stress_run *run)
{
    if (run != NULL)
        return run;
    if (current != NULL)
        return current;
    if (stray.random == 0)
        stray.random = ckf_stress_mix((uint64_t)(uintptr_t)&stray) | 1;
    return &stray;
}

uint64_t ckf_stress_random_bits(struct ckf_stress_run *run)
{
    return ckf_stress_mix(run->random += golden);
}

const void *ckf_stress_operations(const struct ckf_stress_run *run)
{
    return run->batch->test->operations[run->batch->variant];
}

enum ckf_stress_variant ckf_stress_variant(const struct ckf_stress_run *run)
{
    return run->batch->variant;
}

unsigned ckf_stress_copy(const struct ckf_stress_run *run)
{
    return run->copy;
}

unsigned ckf_stress_copies(const struct ckf_stress_run *run, unsigned actor)
{
    if (actor >= CKF_STRESS_MAX_ACTORS || run->batch->test->actors[actor].body == NULL)
        return 0;
    unsigned copies = run->batch->test->actors[actor].copies;
    return copies != 0 ? copies : run->batch->point.copies;
}

unsigned ckf_stress_rounds(const struct ckf_stress_run *run)
{
    unsigned rounds = run->batch->test->rounds;
    return rounds != 0 ? rounds : 1;
}

uint32_t ckf_stress_random(struct ckf_stress_run *run, uint32_t bound)
{
    return (uint32_t)(((ckf_stress_random_bits(resolve(run)) >> 32) * bound) >> 32);
}

void ckf_stress_outcome(struct ckf_stress_run *run, const char *outcome)
{
    const char *reported = NULL;
    const struct ckf_stress_case *test = run->batch->test;
    /* relaxed: the text is constant, and the leader reads it after the actors have ended. */
    while (!atomic_compare_exchange_weak_explicit(&run->outcome, &reported, outcome,
                                                  memory_order_relaxed, memory_order_relaxed)) {
        if (reported == NULL)
            continue;
        if (reported == outcome ||
            ckf_stress_grade(test, reported)->grade >= ckf_stress_grade(test, outcome)->grade)
            return;
    }
}

void ckf_stress_result(struct ckf_stress_run *run, unsigned index, int64_t value)
{
    if (index >= CKF_STRESS_REGISTERS) {
        fputs("ckf_stress_result: there are registers 0 to 7 only\n", stderr);
        abort();
    }
    run->registers[index] = value;
    run->registers_set |= 1u << index;
}

/* Not a fence of C11, which ThreadSanitizer does not know: it is to order the clock, too. */
static void full_barrier(void)
{
#if defined(__x86_64__)
    __asm__ volatile("mfence" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
#else
    __sync_synchronize();
#endif
}

static struct ckf_recorder *recorder_of(const struct ckf_stress_run *run)
{
    if (run->recorder == NULL) {
        fputs("a case that records operations needs a specification\n", stderr);
        abort();
    }
    return run->recorder;
}

static void require(bool good, const char *function, const char *rule)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", function, rule);
    abort();
}

void ckf_stress_call(struct ckf_stress_run *run, unsigned code, uint64_t object, uint64_t argument,
                     uint64_t second_argument)
{
    struct ckf_stress_operation operation = {.code = code,
                                             .object = object,
                                             .arguments = {argument, second_argument},
                                             .actor = run->actor};
    bool misused;
    struct ckf_recorded *recorded = ckf_recorder_call(recorder_of(run), &operation, &misused);
    require(!misused, "ckf_stress_call", "the body's last operation has not returned");
    if (recorded != NULL)
        recorded->called = (uint64_t)ckf_stress_now_ns();
    full_barrier();
}

void ckf_stress_value(struct ckf_stress_run *run, unsigned index, uint64_t value)
{
    bool misused;
    ckf_recorder_value(recorder_of(run), index, value, &misused);
    require(!misused, "ckf_stress_value", "no operation is open, or the index is above 3");
}

void ckf_stress_return(struct ckf_stress_run *run, int status, uint64_t result)
{
    bool misused;
    full_barrier();
    uint64_t now = (uint64_t)ckf_stress_now_ns();
    struct ckf_recorded *recorded = ckf_recorder_return(recorder_of(run), status, result, &misused);
    require(!misused, "ckf_stress_return", "no operation is open");
    if (recorded != NULL)
        recorded->returned = now;
}

void ckf_stress_idle(unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        __asm__ volatile("");
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void short_sleep(uint64_t bits)
{
    int saved_errno = errno;
    struct timespec length = {.tv_nsec = (long)(bits % 100000)};
    nanosleep(&length, NULL);
    errno = saved_errno;
}

/* Half of the pauses are none. Where threads share a CPU, a quarter yield: there, nothing else opens
 * a window. Elsewhere delays are spread log-uniformly over six orders of two, since some races need
 * a long delay and others a short one at the right place. */
void ckf_stress_pause(struct ckf_stress_run *any)
{
    struct ckf_stress_run *run = resolve(any);
    uint64_t bits = ckf_stress_random_bits(run);
    unsigned choice = bits & 1023;
    bits >>= 10;
    if (choice < 512)
        return;
    if (choice == 1023)
        short_sleep(bits);
    else if (choice < (run->crowded ? 768u : 544u))
        sched_yield();
    else
        ckf_stress_idle((unsigned)(bits >> 8) & ((16u << (bits & 7)) - 1));
}

/* Turns of a waiting loop between two yields, where the others have CPUs of their own. */
enum { TURNS_PER_YIELD = 64 };

void ckf_stress_spin(struct ckf_stress_run *any)
{
    struct ckf_stress_run *run = resolve(any);
    if (run->crowded || ++run->spins % TURNS_PER_YIELD == 0)
        sched_yield();
    else
        relax();
}
