/* noise/noise.c - where and how long threads are held up.
 *
 * Instrumented code says before each access that it comes (abi.c), and while actors run some of
 * these moments become delays. A race needs a thread to stand still at one certain place for about
 * as long as the others need for theirs; more delays than that only cost time. So a thread counts
 * the accesses of its iterations, and draws for the next one how many delays it gets (none, one, or
 * a few) and at which of that many accesses. Lengths are log-uniform, from a tenth of a microsecond to
 * some fifty; a part of the delays are yields, which is what opens windows where threads share a
 * CPU, and a few are sleeps. Now and then a thread has low priority for an iteration: it gives way
 * at every few accesses.
 *
 * Everything is drawn from the seed of the batch, the iteration, and the order in which threads came
 * first. Nothing but the delays differs from plain threads: operations are those of the machine. */
#include "noise.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <time.h>

#include "harness/runtime.h"

enum {
    SHORTEST_LOG2 = 2, /* turns of a pause, some 40 ns each */
    LOGS = 9,
    SLOW_GAP = 24, /* weight between two moments of giving way, of a thread with low priority */
    FEW = 4        /* delays at the most, otherwise */
};

struct noise_thread {
    uint64_t random;
    uint32_t iteration, ordinal; /* ordinal from 1; 0: not met yet */
    uint32_t weight, expected; /* of the accesses: in this iteration so far, and in earlier ones */
    uint32_t next;             /* the weight at which the next delay is due */
    uint32_t delays_left;
    bool slow;
};

uint32_t ckf_noise_iteration;

static _Thread_local struct noise_thread self;
static uint64_t batch_seed;
static uint32_t threads_met;

static uint64_t draw(void)
{
    self.random += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 */
    uint64_t z = self.random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t bound)
{
    return (uint32_t)(((draw() >> 32) * bound) >> 32);
}

/* Delays are spread over what is left of the accesses that earlier iterations made. */
static void choose_next(void)
{
    uint32_t left = self.expected > self.weight ? self.expected - self.weight : 1;
    self.next =
        self.delays_left == 0 ? UINT32_MAX : self.weight + 1 + below(left / self.delays_left + 1);
    if (self.slow)
        self.next = self.weight + 1 + below(SLOW_GAP);
}

static void begin_iteration(uint32_t iteration)
{
    if (self.ordinal == 0) /* relaxed: any two differ */
        self.ordinal = __atomic_add_fetch(&threads_met, 1, __ATOMIC_RELAXED);
    /* A long iteration is forgotten gradually: its successors may be as long. */
    self.expected = self.weight > self.expected ? self.weight
                                                : self.expected - (self.expected - self.weight) / 4;
    self.iteration = iteration;
    self.weight = 0;
    self.random = batch_seed ^ (uint64_t)iteration << 20 ^ self.ordinal;
    uint32_t kind = below(16);
    self.slow = kind == 0;
    self.delays_left = kind < 5 ? 0 : kind < 12 ? 1 : 1 + below(FEW);
    choose_next();
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

static void delay(void)
{
    uint32_t kind = below(32);
    if (self.slow || kind < 12) {
        sched_yield();
    } else if (kind == 31) {
        int saved_errno = errno;
        nanosleep(&(struct timespec){.tv_nsec = 1 + below(50000)}, NULL);
        errno = saved_errno;
    } else {
        uint32_t log2 = SHORTEST_LOG2 + below(LOGS);
        for (uint32_t turns = (1u << log2) + below(1u << log2); turns > 0; turns--)
            relax();
    }
}

void ckf_noise_access(uint32_t iteration, unsigned weight)
{
    if (self.iteration != iteration)
        begin_iteration(iteration);
    self.weight += weight;
    if (self.weight < self.next)
        return;
    if (self.delays_left > 0)
        self.delays_left--;
    delay();
    choose_next();
}

/* --- The harness tells when actors run ----------------------------------------------------------- */

static void actors_begin(uint64_t seed, uint64_t iteration)
{
    batch_seed = seed;
    uint32_t number = (uint32_t)iteration;
    /* relaxed: the start line orders it for the actors. */
    __atomic_store_n(&ckf_noise_iteration, number == 0 ? 1 : number, __ATOMIC_RELAXED);
}

static void actors_ended(void)
{
    __atomic_store_n(&ckf_noise_iteration, 0, __ATOMIC_RELAXED); /* relaxed: as above */
}

static const struct ckf_stress_runtime noise = {"noise", actors_begin, actors_ended};

__attribute__((constructor)) static void announce(void)
{
    ckf_stress_runtime = &noise;
}

/* Nothing is left out here: see base/step.h. */
bool ckf_step_is_taken(void);
bool ckf_step_is_taken(void)
{
    return true;
}
