/* explore/explore.h - runs a program under every schedule and every weak-memory read, or a sample.
 *
 * The program is a function whose code, and the code of everything it shares memory with, was
 * compiled with -fsanitize=thread and linked with this runtime instead of libtsan. It runs again
 * and again, each time from the same state (fresh heap, globals as they were), each time by other
 * choices: which thread goes on, which store a load reads, which sleeper a wake takes. The choices
 * of one execution, a vector of small numbers, determine it completely.
 *
 * Nothing here is thread-safe: one engine a process, and its threads are contexts of one thread.
 */
#ifndef CKF_EXPLORE_EXPLORE_H
#define CKF_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ckf_explore_model {
    CKF_EXPLORE_C11, /* views: see model.c for what it covers */
    CKF_EXPLORE_TSO, /* one total order of stores, read with a delay */
    CKF_EXPLORE_SC   /* every load reads the latest store */
};

enum ckf_explore_strategy {
    CKF_EXPLORE_SEQUENTIAL, /* threads run one after the other; execution n: the nth order */
    CKF_EXPLORE_RANDOM,     /* every choice by a coin */
    CKF_EXPLORE_PCT,        /* random priorities with `depth` - 1 changes */
    CKF_EXPLORE_DFS,        /* every choice in turn, up to the preemption bound */
    CKF_EXPLORE_DPOR        /* without a bound: see dpor.c */
};

/* Faults put into the memory model on purpose, so that tests can show that they notice. */
enum {
    CKF_BREAK_ACQUIRE = 1,           /* acquire loads synchronise with nothing */
    CKF_BREAK_RELEASE = 2,           /* release stores carry nothing */
    CKF_BREAK_SC_LOAD = 4,           /* seq_cst loads are acquire loads */
    CKF_BREAK_FENCE = 8,             /* seq_cst fences are acq_rel fences */
    CKF_BREAK_RMW = 16,              /* read-modify-writes may read a stale store */
    CKF_BREAK_COHERENCE = 32,        /* a thread forgets which stores it has read */
    CKF_BREAK_RELEASE_SEQUENCE = 64, /* read-modify-writes hand nothing on */
    CKF_BREAK_S =
        128 /* who has met a newer store in S is not told what comes before a stale read */
};

/* Ways of leaving out what is equivalent to something seen, to be done without; and a choice. */
enum {
    CKF_WITHOUT_SLEEP_SETS = 1,
    CKF_WITHOUT_STATES = 2,
    CKF_WITHOUT_CHOICE_OF_READS = 4,
    CKF_WITHOUT_CHOICE_OF_SLEEPERS = 8, /* a wake takes the first */
    CKF_WITHOUT_SNAPSHOTS = 16,         /* each execution begins at the beginning */
    CKF_WITHOUT_REPLAYS = 32            /* none goes on from farther back than it must */
};

/* What makes steps dependent; to be forgotten on purpose, so that tests can show that they notice. */
enum {
    CKF_TOUCH_MEMORY = 1,
    CKF_TOUCH_MUTEXES = 2,
    CKF_TOUCH_SLEEPERS = 4,
    CKF_TOUCH_CLOCK = 8,
    CKF_TOUCH_ORDER_S = 16,
    CKF_TOUCH_SECTIONS = 32,
    CKF_TOUCH_COUNTERS = 64,   /* budgets, numbers of threads, results */
    CKF_TOUCH_EVERYTHING = 128 /* barriers, ends, whatever else */
};

#define CKF_EXPLORE_UNBOUNDED        UINT32_MAX
#define CKF_EXPLORE_MOST_STALE_READS 2u /* that are counted */

/* A deadline that is at least so far away fires only when nobody else can go on. */
#define CKF_EXPLORE_FAR_NS INT64_C(5000000)

struct ckf_explore_options {
    enum ckf_explore_model model;
    enum ckf_explore_strategy strategy;
    unsigned depth;       /* of PCT; 0: 3 */
    unsigned preemptions; /* bound of DFS; CKF_EXPLORE_UNBOUNDED: none, with sleep sets */
    uint64_t executions;  /* at the most; 0: no limit (DFS ends by itself) */
    int64_t budget_ns;    /* real time; 0: no limit */
    uint64_t seed;        /* of random and PCT */
    unsigned steps;       /* limit of one execution, then "livelock"; 0: 20000 */
    unsigned timeouts;    /* near deadlines that may fire while others could run, per execution */
    unsigned spurious;    /* spurious wake-ups and weak-CAS failures, per execution */
    /* DFS with a bound on preemptions: how many loads of one execution may read another store than the
     * newest; false: any number. */
    bool reads_are_bounded;
    unsigned stale_reads;
    bool leaves_memory;         /* memory that is left at the end is no failure */
    unsigned failed_allocation; /* the nth allocation fails, in every execution; 0: none */
    unsigned broken;            /* CKF_BREAK_..., for tests of the engine */
    /* Parks a thread for ever before its nth visible step (from 1); 0: nobody. The execution then ends
     * well when all other threads but main have ended, whether main could go on or not. */
    unsigned parked_step, parked_thread;
    /* What is judged includes the real-time order of operations (see ckf_explore_operation_begins):
     * nothing may be left out that only swaps steps of different operations. */
    bool timed;
    uint32_t epoch;     /* of a replay: as ckf_explore_end says; 0: everything that is known */
    bool informed;      /* keep what earlier runs of this program learnt about contention */
    bool trace;         /* record events: see trace.h */
    unsigned without;   /* CKF_WITHOUT_...: for tests of the search */
    unsigned forgotten; /* CKF_TOUCH_...: the same */
    bool ends;          /* DPOR: say what executions have left behind */
};

enum ckf_explore_verdict {
    CKF_VERDICT_OK,
    CKF_VERDICT_RACE,
    CKF_VERDICT_USE_AFTER_FREE,
    CKF_VERDICT_DOUBLE_FREE,
    CKF_VERDICT_HANG,     /* all threads that are left sleep for ever */
    CKF_VERDICT_LIVELOCK, /* spins for ever, or ran into the step limit */
    CKF_VERDICT_ABORT,
    CKF_VERDICT_CRASH,
    CKF_VERDICT_MISUSE,    /* a rule of an interface was broken: message says which */
    CKF_VERDICT_LEAK,      /* all went well, but memory is left that nobody has freed */
    CKF_VERDICT_UNWRITTEN, /* memory was read that was allocated and never written */
    CKF_VERDICT_PRUNED,    /* equivalent to an execution that was or will be seen: no verdict */
    CKF_VERDICT_DIVERGED,  /* a replay met a choice that its file does not have: no verdict */
    CKF_VERDICT_UNMODELLED /* the program did what the engine cannot follow: no verdict */
};
#define CKF_VERDICTS (CKF_VERDICT_UNMODELLED + 1u)

/* "data race" for CKF_VERDICT_RACE. */
const char *ckf_explore_verdict_name(enum ckf_explore_verdict verdict);

enum ckf_choice_kind {
    CKF_CHOICE_THREAD,
    CKF_CHOICE_READ,  /* alternative n: the nth newest store that may be read */
    CKF_CHOICE_WAKE,  /* which sleeper */
    CKF_CHOICE_TIMER, /* 1: the deadline fires now */
    CKF_CHOICE_SPURIOUS,
    CKF_CHOICE_RANDOM /* a number the program asked for */
};
#define CKF_CHOICES (CKF_CHOICE_RANDOM + 1u)

struct ckf_choice {
    uint8_t kind, alternatives, chosen;
    uint8_t thread; /* who was chosen, or who chose */
};

enum { CKF_EXPLORE_REGISTERS = 8, CKF_EXPLORE_THREADS = 16 };

/* One finished execution. Everything it points to is valid until the next one starts. */
struct ckf_explore_end {
    enum ckf_explore_verdict verdict;
    const char *message;                      /* one sentence; "" for OK */
    int64_t registers[CKF_EXPLORE_REGISTERS]; /* as ckf_explore_result left them */
    unsigned registers_used;
    const struct ckf_choice *choices;
    size_t choice_count;
    uint32_t epoch; /* what the choices mean depends on what was known then about contention */
    uint64_t hash;  /* of everything that happened: equal executions have equal hashes */
    unsigned steps;
    uint64_t
        state; /* DFS, and DPOR with `ends`: a hash of what a complete execution has left behind */
    unsigned threads;    /* that there were */
    bool parked;         /* the thread that was to be parked got so far */
    uintptr_t parked_at; /* the call site before which it stands */
};

struct ckf_explore_stats {
    uint64_t executions, steps, pruned;
    uint64_t
        discoveries; /* executions without a verdict: words are shared that were taken for private */
    uint64_t states;                                          /* that the search remembers */
    uint64_t verdicts[CKF_VERDICTS], continued[CKF_VERDICTS]; /* of all; of those from snapshots */
    bool complete; /* the whole space within the bounds has been seen */
    int64_t elapsed_ns, cpu_ns;
    unsigned deepest; /* steps of the longest execution */
    uint64_t
        branches[CKF_CHOICES]; /* executions of searches, by the kind of choice that they begin to
                                     * differ at from the one before */
};

typedef void (*ckf_explore_body)(void *arg);
/* Called between executions. Returns false to stop. */
typedef bool (*ckf_explore_visit)(const struct ckf_explore_end *end, void *arg);

void ckf_explore_run(ckf_explore_body body, void *body_arg,
                     const struct ckf_explore_options *options, ckf_explore_visit visit,
                     void *visit_arg, struct ckf_explore_stats *stats);

/* Runs it once, by the given choices; beyond them the first alternative is taken. With `strict`,
 * a choice that does not fit ends it as CKF_VERDICT_DIVERGED; otherwise the nearest one is taken. */
void ckf_explore_replay(ckf_explore_body body, void *body_arg,
                        const struct ckf_explore_options *options, const struct ckf_choice *choices,
                        size_t count, bool strict, ckf_explore_visit visit, void *visit_arg);

/* The words whose accesses were points in an execution of that epoch, by their place in the heaps or
 * in the globals. Fills in at most `room`; returns how many there are. */
struct ckf_explore_place {
    bool global;
    uint64_t offset;
};
size_t ckf_explore_contended(uint32_t epoch, struct ckf_explore_place *places, size_t room);
/* Lets a replay in another process know them; its epoch is then CKF_EXPLORE_GIVEN_EPOCH. False: a
 * place is outside of this program's memory. */
bool ckf_explore_set_contended(const struct ckf_explore_place *places, size_t count);
#define CKF_EXPLORE_GIVEN_EPOCH 2

/* For use by the program that is explored. */
unsigned ckf_explore_spawn(ckf_explore_body body, void *arg, const char *name);
void ckf_explore_join(unsigned thread);
void ckf_explore_result(unsigned index, int64_t value);
/* A point at which others may run. */
void ckf_explore_pause(void);
/* When operations of the program begin and end: moments are numbers that grow. An operation begins
 * with the first step after ckf_explore_operation_begins, as late as can be, and like on real threads
 * it sees whatever was stored before; it ends at once. Neither is a point. */
void ckf_explore_operation_begins(void);
struct ckf_explore_interval {
    uint32_t called, returned;
};
struct ckf_explore_interval ckf_explore_operation_ends(void);
/* A number below bound, by the seed and the number of calls before it in this execution. */
uint32_t ckf_explore_random(uint32_t bound);
/* Ends the execution with this verdict; the format is printf's. */
_Noreturn void ckf_explore_fail(enum ckf_explore_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
