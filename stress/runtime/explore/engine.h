/* explore/engine.h - the state of the engine that its files share.
 *
 * One execution is a sequence of steps. A step is one visible operation of one thread (an atomic
 * access, a lock, a sleep, ...) and what that thread then does up to its next visible operation,
 * where it stops, with the operation pending, until the scheduler picks it again. So at each
 * choice the engine knows what every thread is about to do.
 *
 * Resetting is cheap: whatever describes memory (struct granule) carries a number that says which
 * execution wrote it and is taken as blank in any other; the rest is bump-allocated.
 *
 * None of this is ever touched by instrumented code, and none of it is thread-local.
 */
#ifndef CKF_EXPLORE_ENGINE_H
#define CKF_EXPLORE_ENGINE_H

#include "explore.h"

#include "context.h"

/* Of one executable: the compiler need not expect that another library replaces any of it. */
#pragma GCC visibility push(hidden)

#define EXPECT(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum {
    MAX_THREADS = CKF_EXPLORE_THREADS,
    MAX_LOCATIONS = 4096,
    MAX_SYNCS = 1024,
    MAX_CHOICES = 1 << 16,
    MAX_CALLS = 512,
    MAX_WATCHED = 16,
    MAX_KEYS = 32
};

/* What a thread knows: how far each other thread's past happens before its own present (clock); of
 * each location the oldest store that it may still read (seen), and the newest that a seq_cst
 * operation has met which comes before the thread's next one in S (passed). */
struct ckf_known {
    int16_t seen, passed;
};
struct ckf_view {
    uint16_t clock[MAX_THREADS];
    uint32_t length, room;  /* of at */
    uint64_t hash;          /* see states.c; of views that were handed on */
    struct ckf_view *older; /* of those that were handed on in this execution */
    struct ckf_known *at;
};

/* Stores of a location are numbered in modification order, which is execution order. */
struct ckf_store {
    uint64_t value;
    const struct ckf_view *view; /* what an acquire load of it receives; NULL: nothing */
    /* Of the operations in S: the one that wrote it and what comes before, those that read it and what
     * comes before. NULL: there is none. */
    struct ckf_view *written, *read;
    uint32_t step;
    uint8_t thread;
};

struct ckf_location {
    uintptr_t address;
    struct ckf_store *stores;
    uint16_t count, capacity;
    uint16_t floor;    /* nobody reads an older store: plain code has written since */
    uint16_t watchers; /* threads that spin until a newer store */
    uint64_t hash;     /* of its stores: see states.c */
    uint8_t size;
    uint8_t user; /* 1 + the only thread that has used it; SEVERAL_USERS; 0: none */
    bool written; /* since threads run together */
    bool resync;  /* plain code has written: memory is to be compared */
};
enum { SEVERAL_USERS = 255, NO_LOCATION = UINT16_MAX };

/* One kind of access to some bytes of a granule by one thread. */
struct ckf_access {
    uint16_t clock;
    uint8_t thread, bytes, kind, unused;
    uint16_t unused2;
};
enum {
    ACCESS_READ = 0,
    ACCESS_WRITE = 1,
    ACCESS_ATOMIC = 2,
    ACCESS_COPY = 4 /* a read that may see what nobody wrote */
};
enum { INLINE_ACCESSES = 4, MAX_ACCESSES = 48 };
enum { GRANULE_FREED = 1, GRANULE_REDZONE = 2, GRANULE_SAVED = 4, GRANULE_LOCATED = 8 };

/* What is known of 8 aligned bytes of the program's memory. */
struct ckf_granule {
    uint32_t generation; /* in which it was used last; see find() in shadow.c */
    uint8_t flags, accesses;
    uint16_t sync; /* 1 + index into syncs */
    uint16_t
        location[8]; /* 1 + index into locations, by byte; or who uses it: see BYTE_IS_PRIVATE */
    struct ckf_access first[INLINE_ACCESSES];
    uint32_t more : 24; /* where in scratch there is room for MAX_ACCESSES; 0: not needed so far */
    uint32_t unwritten : 8; /* bytes that were allocated and not written since */
    uint32_t contended;     /* survives executions: see shadow.c. 0: not */
};
_Static_assert(sizeof(struct ckf_granule) == 64, "a granule is a cache line");

/* Of a byte of a private word, which has no location: flags, and as `user` of a location who uses it. What main
 * does while only the engine's own threads are there as well concerns nobody but those. */
enum {
    BYTE_IS_PRIVATE = 1 << 15,
    BYTE_IS_WRITTEN = 1 << 14,
    BYTE_IS_USED_BY_DAEMON = 1 << 13,
    BYTE_WAS_USED_UNDISTURBED = 1 << 12,
    BYTE_WAS_WRITTEN_UNDISTURBED = 1 << 11,
    BYTE_WRITES = 7 << 8, /* how many there were, modulo 8 */
    BYTE_ONE_WRITE = 1 << 8,
    BYTE_USER = 255
};

/* A mutex, condition variable, futex word or once flag, by its address. */
struct ckf_sync {
    uintptr_t address;
    struct ckf_view *view; /* released by the last owner */
    uint16_t waiters;      /* threads blocked on it */
    uint8_t owner;         /* 1 + thread */
    uint8_t done;          /* of once: finished */
    uint8_t user;          /* as of a location */
};

enum ckf_operation_kind {
    OP_LOCAL, /* start, or return from a sleep: nothing that others can see */
    OP_LOAD,
    OP_STORE,
    OP_RMW,
    OP_CAS,
    OP_FENCE,
    OP_FUTEX_WAIT,
    OP_FUTEX_WAKE,
    OP_LOCK,
    OP_TRYLOCK,
    OP_UNLOCK,
    OP_COND_WAIT,
    OP_SIGNAL,
    OP_BROADCAST,
    OP_JOIN,
    OP_ONCE,
    OP_READ_BEGIN,
    OP_RETIRE,
    OP_GRACE_START,
    OP_GRACE_END,
    OP_BARRIER, /* membarrier(2) */
    OP_YIELD,
    OP_PAUSE,
    OP_VOLATILE,
    OP_STEP,       /* never pending: a marked step of the library, see base/step.h */
    OP_PLAIN_READ, /* only in traces, of the word that a failure is about */
    OP_PLAIN_WRITE
};

struct ckf_operation {
    uintptr_t address;
    uintptr_t address2; /* the mutex of a condition variable; else 0 */
    uintptr_t pc;       /* the call site */
    uint8_t kind, size, order;
};

enum ckf_thread_state {
    THREAD_UNUSED,
    THREAD_READY,   /* at its pending operation, which can be done now */
    THREAD_RUNNING, /* between its operation and the next */
    THREAD_BLOCKED, /* cannot go on until another thread does something */
    THREAD_SPINNING,
    THREAD_FINISHED
};

struct ckf_watched {
    uintptr_t pc, address;
    uint16_t location, count; /* how many stores it had when read; of a private word NO_LOCATION */
    uint32_t repeats, progress; /* reads since, while the thread's progress has been this */
};

/* Snapshots copy what lies between `context` and `watched` of every thread, what follows of those that have
 * changed. */
struct ckf_thread {
    const struct ckf_kept_thread
        *kept; /* such a copy, with the stack and views; NULL: it has changed since */
    struct ckf_view *current, *acquired; /* see model.c */
    void *tls;
    void *context;
    uintptr_t frame; /* where the program's part of the stack ends, while it does not run */
    uint8_t id, state;
    bool joined, detached, timed_out, acquire_pending, keys_used;
    bool daemon;             /* of the engine: nobody joins it */
    bool begins;             /* its next step is the first of an operation */
    uint32_t called;         /* when the last one began */
    uint32_t begun, ended;   /* how many have */
    struct ckf_operation op; /* pending, or the last one done */
    uint64_t operands[3];    /* of a pending one: what is nowhere else */
    uint64_t detail;         /* where the engine's own code stands */
    uint64_t hash;           /* see states.c */
    bool hashed;
    uintptr_t pc; /* of the last plain access */
    const struct ckf_view *released;
    uint32_t tso_position;
    uint16_t joiners;
    unsigned depth; /* of calls */
    unsigned watched_count;
    uint32_t
        progress; /* grows whenever the thread does what it has not done in the same way just before */
    unsigned section_depth, section_number;
    struct ckf_sync *sleeps_on;
    int64_t deadline_ns;
    ckf_explore_body body;
    void *arg;
    const char *name;
    char *heap_next, *heap_end;
    struct ckf_block *heap_last; /* NULL: has allocated nothing */
    void *(*start)(void *);      /* of a pthread */
    void *start_arg, *result;
    struct ckf_watched watched[MAX_WATCHED];
    const void *keys[MAX_KEYS];
    uintptr_t calls[MAX_CALLS];
};

/* Precedes what was allocated. */
struct ckf_block {
    uint32_t size, state;
    uint32_t site; /* of the call, in the executable; 0: it goes with the execution, freed or not */
    uint32_t
        before; /* how far before this one the thread's last block begins, 0: it is the first */
};

struct ckf_contended {
    struct ckf_granule *granule;
    uintptr_t address;
};

struct ckf_undo {
    uint64_t *address, value;
};

struct ckf_engine {
    /* What an execution has come to: snapshots copy everything down to `options`. */
    struct ckf_thread *running; /* NULL: the engine itself */
    uint32_t step;
    uint32_t alone;      /* steps that a thread took while it was alone */
    uint32_t moment;     /* counts beginnings and ends of operations */
    uint32_t generation; /* granules that were used since the last snapshot carry this number */
    bool solo;           /* one thread, and the past of all others happens before its present */
    bool undisturbed;    /* one thread, and the engine's own: they meet where it retires or waits */
    bool private;        /* what the thread does to memory is no point */
    struct ckf_thread *parked;
    unsigned steps_to_parking;
    uint16_t ready, local, spinning, yielded, timers; /* sets of threads */
    unsigned alive, daemons;                          /* all, and of those the engine's own */
    uint8_t thread_count, unjoined, last;
    unsigned location_count, sync_count;
    uint16_t asleep; /* sleep set: threads whose pending step need not be tried here */
    unsigned preemptions_left, timeouts_left, spurious_left;
    unsigned stale_left; /* loads that may read another store than the newest */
    unsigned idle_spins, spin_next, allocations, live_blocks, randoms;
    uint64_t hash;
    uintptr_t frame;
    uint64_t memory_hash, access_hash, location_hash, note_hash;
    uint64_t ended_hash; /* of how many operations of each thread have ended */
    unsigned lookups;    /* points ahead at which states are looked up */
    int64_t now_ns;
    size_t choice_count; /* made */
    int64_t registers[CKF_EXPLORE_REGISTERS];
    unsigned registers_used;
    unsigned key_count;
    void (*key_destructors[MAX_KEYS])(void *);
    struct ckf_view *views;        /* the newest that was handed on */
    const struct ckf_view *fenced; /* what comes before the last seq_cst fence; NULL: none */
    char *scratch_next;
    size_t undo_count;

    struct ckf_explore_options options;
    uint32_t execution; /* number of it; never 0. Those that go on from a snapshot share one */
    uint32_t newest_generation; /* that was ever in use */
    uint32_t steps_kept;        /* of this execution: were not taken, but came from a snapshot */
    bool weak;                  /* loads may read stale stores */
    bool tracing;
    bool watching_sites; /* see mutation.h */
    bool discovered;     /* this execution has found a granule to be contended: it has no verdict */
    uint32_t epoch;      /* granules that were found to be contended before it are points */
    bool sleep_sets;
    bool hashing, remembering; /* what states.c needs is kept; states are looked up */
    bool choosy;               /* reads that bring nothing new are left out */
    bool dpor;                 /* see dpor.c */
    bool keeping;      /* there are snapshots: what is overwritten is kept, see snapshot.c */
    bool snapshots;    /* may be made */
    bool no_snapshots; /* not of this program: it has state where the engine does not look */
    bool continued;    /* this execution has gone on from one */
    bool wants_snapshot;
    struct ckf_thread *stopped; /* who stopped for it */
    uint64_t last_state;
    size_t (*outside)(char *copy, bool back); /* see snapshot.c; NULL: there is nothing */

    /* Choices: those to follow, and those made. */
    struct ckf_choice *choices;
    size_t choice_limit; /* so many are to be followed as they stand in `choices` */
    bool strict, diverged;
    bool searching; /* all alternatives are to be tried, in one order or another */
    bool exploring; /* beyond choice_limit: by strategy. false: first alternative */

    /* Sampling. */
    uint64_t random_state;
    uint64_t attempt; /* number of the execution within this run */
    uint8_t rank[MAX_THREADS], demoted[MAX_THREADS];
    uint32_t change_points[16];
    unsigned change_count, scheduled, scheduled_before; /* choices of a thread: now, longest seen */
    uint64_t order;                                     /* of the sequential strategy */

    /* The end. */
    enum ckf_explore_verdict verdict;
    char message[1024];
    uintptr_t conflict_address; /* of a race or a use after free */
    uintptr_t traced_address;   /* plain accesses to its granule are traced; 0: none */
    unsigned conflict_thread;   /* who made the earlier access */
    unsigned failing; /* 1 + the thread that the verdict came from; 0: none in particular */
    void *hub;        /* the context that ckf_explore_run is called in */
    ckf_explore_body body;
    void *body_arg;

    /* Memory that goes with the execution. */
    char *scratch, *scratch_end;
    char *arena; /* heaps, then stacks */
    size_t arena_size;
    struct ckf_granule *arena_shadow;
    char *data, *data_end;
    struct ckf_granule *data_shadow;
    struct ckf_undo *undo;
    struct ckf_contended *contended;
    size_t contended_count;
    struct ckf_tls_block tls;
    void *hub_tls;

    struct ckf_thread *threads; /* MAX_THREADS */
    struct ckf_location *locations;
    struct ckf_sync *syncs;
    uint64_t *salts; /* by location */
};

extern struct ckf_engine ckf_explore_engine;

/* What steps may depend on each other for: names of things, by class. Memory and what is waited
 * for by their granules. */
enum ckf_touch { TOUCH_READ, TOUCH_WRITE, TOUCH_TRYLOCK, TOUCH_LOCK };
#define CKF_THING(class, which) ((uint64_t)(class) << 56 | (uint64_t)(which))
#define CKF_EVERYTHING          CKF_THING(CKF_TOUCH_EVERYTHING, 0)
#define CKF_CLOCK               CKF_THING(CKF_TOUCH_CLOCK, 0)
#define CKF_COUNTERS            CKF_THING(CKF_TOUCH_COUNTERS, 0)
#define CKF_ORDER_S             CKF_THING(CKF_TOUCH_ORDER_S, 0)
#define CKF_SECTIONS            CKF_THING(CKF_TOUCH_SECTIONS, 0)

/* After a choice states are looked up for so many points, even if nothing is to be chosen there: until ways
 * that differ in little have met. */
enum { LOOKUPS_AFTER_CHOICE = 2 };

/* The call site in the program; and notes where the program's part of the stack ends. */
#define CALLER                                                                                     \
    (ckf_explore_engine.frame = (uintptr_t)__builtin_dwarf_cfa(),                                  \
     (uintptr_t)__builtin_return_address(0))

/* scheduler.c */
void ckf_explore_engine_prepare(void);
/* Stops the running thread, whose op is set, until it is picked. */
void ckf_explore_schedule(void);
/* The running thread cannot go on; whoever makes it ready calls ckf_explore_make_ready. Its op stays as
 * what it is seen to wait in. */
void ckf_explore_block(void);
/* A step that is not worth a choice. */
void ckf_explore_count_step(void);
/* A step of a thread that is alone: no step of the execution, but there may be no end of them. */
void ckf_explore_count_alone(void);
/* If the running thread is to be parked at its next step, parks it here, within a critical section. */
void ckf_explore_park_if_due(uintptr_t pc);
void ckf_explore_make_ready(struct ckf_thread *thread, enum ckf_operation_kind pending);
/* One of `alternatives` (at least 1, at most 255), counted from 0. */
unsigned ckf_explore_choose(enum ckf_choice_kind kind, unsigned alternatives);
/* The same; a search tries only those in the set. All bits: any. */
unsigned ckf_explore_choose_among(enum ckf_choice_kind kind, unsigned alternatives, uint16_t set);
struct ckf_thread *ckf_explore_thread_start(ckf_explore_body body, void *arg, const char *name);
_Noreturn void ckf_explore_thread_exit(void);
/* Runs the body once, by the strategy and the choices to follow. */
void ckf_explore_execute(void);
/* Stops the running thread for a while, so that all that it is can be copied. */
void ckf_explore_stop_for_snapshot(void);
void ckf_explore_thread_wait(struct ckf_thread *thread, uintptr_t pc);
void ckf_explore_become_solo_if_alone(void);
/* The thread is the engine's own: nobody joins it. */
void ckf_explore_thread_is_daemon(struct ckf_thread *thread);
/* Lets the running thread spin: it goes on when something that it has read is written, or when
 * nobody else can go on. */
void ckf_explore_spin(uintptr_t pc);
void ckf_explore_wake_spinners(struct ckf_location *location);
/* Sleeps on sync until woken. Returns false when the deadline came first. */
bool ckf_explore_sleep(struct ckf_sync *sync, int64_t deadline_ns);
/* Wakes up to count of those who sleep on sync. */
void ckf_explore_wake(struct ckf_sync *sync, unsigned count);

/* strategy.c */
void ckf_explore_strategy_begin(void);
struct ckf_thread *ckf_explore_strategy_pick(uint16_t candidates);
void ckf_explore_strategy_prepare(void);
void ckf_explore_strategy_welcome(struct ckf_thread *thread);
void ckf_explore_strategy_demote(struct ckf_thread *thread);
bool ckf_explore_strategy_next(void);
/* Since which execution (as counted by `attempt`) the first `count` choices are what they are. */
uint32_t ckf_explore_strategy_followed(size_t count);

/* model.c */
void ckf_explore_model_prepare(void);
void ckf_explore_view_join(struct ckf_view *into, const struct ckf_view *from);
struct ckf_view *ckf_explore_view_release(struct ckf_thread *thread);
void ckf_explore_view_acquire(struct ckf_thread *thread, const struct ckf_view *view);
void ckf_explore_model_start_thread(struct ckf_thread *thread, struct ckf_thread *by);
void ckf_explore_model_leave_solo(void);
/* From now on the thread reads none of the stores that are stale now. */
void ckf_explore_see_everything(struct ckf_thread *thread);
/* From now on the running thread reads no store of this word that is stale now. */
void ckf_explore_see_newest(const struct ckf_granule *granule, uintptr_t address);
uint64_t ckf_explore_atomic_load(uintptr_t address, unsigned size, int order, uintptr_t pc);
void ckf_explore_atomic_store(uintptr_t address, unsigned size, uint64_t value, int order,
                              uintptr_t pc);
enum ckf_rmw { RMW_EXCHANGE, RMW_ADD, RMW_SUB, RMW_AND, RMW_OR, RMW_XOR, RMW_NAND };
uint64_t ckf_explore_atomic_rmw(uintptr_t address, unsigned size, enum ckf_rmw what,
                                uint64_t operand, int order, uintptr_t pc);
bool ckf_explore_atomic_cas(uintptr_t address, unsigned size, uint64_t *expected, uint64_t desired,
                            int success, int failure, bool weak, uintptr_t pc);
struct ckf_pair {
    uint64_t low, high;
};
struct ckf_pair ckf_explore_atomic_load_pair(uintptr_t address, int order, uintptr_t pc);
void ckf_explore_atomic_store_pair(uintptr_t address, struct ckf_pair value, int order,
                                   uintptr_t pc);
bool ckf_explore_atomic_cas_pair(uintptr_t address, struct ckf_pair *expected,
                                 struct ckf_pair desired, int success, int failure, uintptr_t pc);
void ckf_explore_atomic_fence(int order, uintptr_t pc);
/* The latest value, as the kernel or a debugger sees it. */
uint64_t ckf_explore_native_load(uintptr_t address, unsigned size);
uint64_t ckf_explore_native_rmw(uintptr_t address, unsigned size, enum ckf_rmw what,
                                uint64_t operand);
/* The program is about to make a volatile access. */
void ckf_explore_volatile(struct ckf_granule *granule, uintptr_t address, unsigned size,
                          unsigned kind, uintptr_t pc);

/* shadow.c */
struct ckf_granule *ckf_explore_granule_at(uintptr_t address);
void ckf_explore_shadow_prepare(void);
/* Checks an access that is about to happen. Returns the granule of its first byte; NULL where
 * memory is not watched (constants, thread-local storage, memory of other libraries). */
struct ckf_granule *ckf_explore_shadow_access(uintptr_t address, size_t size, unsigned kind);
/* New memory has not been filled with anything that may be read. */
void ckf_explore_shadow_unwritten(uintptr_t address, size_t size);
/* What is about to be written is read first. */
void ckf_explore_shadow_update(uintptr_t address, size_t size);
/* New memory has been filled: who finds it must be ordered after that. */
void ckf_explore_shadow_fresh(uintptr_t address, size_t size);
void ckf_explore_shadow_free(uintptr_t address, size_t size);
void ckf_explore_shadow_redzone(uintptr_t address);
void ckf_explore_keep_word(uintptr_t address);
void ckf_explore_undo_globals(void);
struct ckf_access *ckf_explore_accesses_of(struct ckf_granule *granule);
struct ckf_sync *ckf_explore_sync_at(uintptr_t address);
/* From the next execution on, accesses to this granule are points. */
void ckf_explore_mark_contended(struct ckf_granule *granule, uintptr_t address);
void ckf_explore_forget_contended(void);
void ckf_explore_shadow_restart(void);

/* heap.c */
void ckf_explore_heap_prepare(void);
void ckf_explore_heap_begin(struct ckf_thread *thread);
void *ckf_explore_stack_top(const struct ckf_thread *thread);
/* NULL: the address is not in a stack. */
struct ckf_thread *ckf_explore_stack_owner(uintptr_t address);
/* NULL without memory; to be filled by the caller. pc: of the call; 0: it may be left without being freed. */
void *ckf_explore_heap_allocate(size_t size, size_t align, uintptr_t pc);
/* Calls visit with each block that nobody has freed, and the thread that has allocated it. */
void ckf_explore_heap_leaks(void (*visit)(const struct ckf_block *block, uintptr_t pc,
                                          const struct ckf_thread *thread, void *arg),
                            void *arg);
/* Fills a new block up to the next multiple of 8 bytes. Not seen as an access. */
void ckf_explore_heap_fill(void *memory, size_t size, uint64_t pattern);
enum { ZEROS = 0 };
#define JUNK UINT64_C(0xa5a5a5a5a5a5a5a5)
void ckf_explore_heap_free(void *memory);
bool ckf_explore_heap_owns(const void *memory);
size_t ckf_explore_heap_size(const void *memory);
void *ckf_explore_scratch(size_t size);
void *ckf_explore_reserve(size_t size);

/* descriptors.c */
void ckf_explore_descriptor_is_used(int fd, uintptr_t caller);
void ckf_explore_close_descriptors(void);
bool ckf_explore_descriptors_are_open(void);

/* snapshot.c */
void ckf_explore_snapshots_prepare(void);
/* The running thread stands at a choice of which alternatives are left for later. */
void ckf_explore_snapshot_if_worth_it(void);
/* The hub, if `wants_snapshot`: makes one, in which `thread` is the one to go on. */
void ckf_explore_snapshot_take(struct ckf_thread *thread);
/* Those are not needed any more in which more choices than so many have been made. */
void ckf_explore_snapshots_forget_beyond(size_t choices);
void ckf_explore_snapshots_forget(void);
/* The program has state that is not in them: there will be none in this run. */
void ckf_explore_snapshots_refuse(void);
/* Goes back to the last snapshot; returns the thread to go on. NULL: there is none. */
struct ckf_thread *ckf_explore_snapshot_restore(void);
/* While `keeping`: what is there is about to be overwritten, for the first time since the last snapshot. */
void ckf_explore_keep_granule(struct ckf_granule *granule, uintptr_t address);
void ckf_explore_keep_bytes(void *address, size_t size);
/* These granules are of new memory; they are freed now. */
void ckf_explore_keep_new(struct ckf_granule *first, size_t count);
void ckf_explore_keep_freed(struct ckf_granule *first, size_t count);

/* watchdog.c */
void ckf_explore_watchdog_start(void);

/* dpor.c: while `dpor` */
void ckf_explore_dpor_touch(uint64_t thing, enum ckf_touch how);
/* The step lets these threads go on. */
void ckf_explore_dpor_wakes(uint16_t threads);
/* The first thread knows that the second has ended; the thread ends in this step. */
void ckf_explore_dpor_sees_end(unsigned self, unsigned ended);
void ckf_explore_dpor_ends(unsigned self);

/* states.c */
void ckf_explore_states_prepare(void);
void ckf_explore_states_begin(void);
/* From where the last snapshot was made. */
void ckf_explore_states_go_back(void);
/* No state has been seen. */
void ckf_explore_states_forget(void);
/* How many are known. */
uint64_t ckf_explore_states_count(void);
/* True: from here on everything has been or will be tried. Otherwise it will be from now on. */
bool ckf_explore_state_is_known(uint16_t candidates);
/* The word at this address is about to be written; is written. */
void ckf_explore_states_write(uintptr_t address, bool plain);
void ckf_explore_states_wrote(void);
uint64_t ckf_explore_view_hash(const struct ckf_view *view);
/* What an execution has left behind. */
uint64_t ckf_explore_states_last(void);

/* reclaim_twin.c */
void ckf_explore_reclaim_begin(void);
size_t ckf_explore_reclaim_copy(char *copy, bool back);
uint64_t ckf_explore_reclaim_hash(void);
/* Waits until all that was retired so far is reclaimed. */
void ckf_explore_reclaim_drain(uintptr_t pc);

/* per_thread_twin.c: threads below `count` need not take their numbers. */
void ckf_explore_number_threads(unsigned count);

/* pthread.c */
void ckf_explore_pthread_begin(void);
void ckf_explore_pthread_exit_keys(struct ckf_thread *thread);

/* mutation.c: while watching_sites */
int ckf_explore_mutated_order(enum ckf_operation_kind kind, uintptr_t address, int order,
                              uintptr_t pc);
/* True if this wake, section, grace period or marked step is to be left out. */
bool ckf_explore_leaves_out(enum ckf_operation_kind kind, uintptr_t pc);

/* trace.c */
void ckf_explore_trace_event(const struct ckf_operation *op, uint64_t value, unsigned store,
                             unsigned stores);
void ckf_explore_trace_plain(uintptr_t address, size_t size, unsigned kind, uintptr_t pc);

extern char __executable_start[], __data_start[], _end[];

static inline uint16_t ckf_explore_bit(const struct ckf_thread *thread)
{
    return (uint16_t)(1u << thread->id);
}

/* Something about the thread is not as its hash and its copy say. */
static inline void ckf_explore_thread_changes(struct ckf_thread *thread)
{
    thread->hashed = false;
    thread->kept = NULL;
}

/* SplitMix64. */
static inline uint64_t ckf_explore_random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline unsigned ckf_explore_class_of(uint64_t thing)
{
    return (unsigned)(thing >> 56);
}

/* The running step has something to do with this: other steps that do may not be swapped with it. */
static inline void ckf_explore_touch(uint64_t thing, enum ckf_touch how)
{
    if (UNLIKELY(ckf_explore_engine.dpor))
        ckf_explore_dpor_touch(thing, how);
}

static inline uint64_t ckf_explore_scramble(uint64_t value)
{
    value = (value ^ value >> 32) * UINT64_C(0xd6e8feb86659fd93);
    value = (value ^ value >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

/* Something has happened that is not in the program's memory. */
static inline void ckf_explore_note_state(uint64_t value)
{
    ckf_explore_engine.note_hash = ckf_explore_scramble(ckf_explore_engine.note_hash + value);
}

/* The same, where it makes no difference in which order such things happened. The first two words say
 * which of them it is. */
static inline void ckf_explore_note_event(uint64_t who, uint64_t what, uint64_t value)
{
    uint64_t hash = ckf_explore_scramble(who << 32 ^ what);
    ckf_explore_engine.note_hash += ckf_explore_scramble(hash ^ value);
}

/* Addresses of globals are taken relative to the executable, which lies elsewhere in every process;
 * those of heaps and stacks are the same everywhere. */
static inline void ckf_explore_mix(uint64_t value)
{
    if (value - (uintptr_t)__executable_start < (uintptr_t)_end - (uintptr_t)__executable_start)
        value -= (uintptr_t)__executable_start;
    ckf_explore_engine.hash = (ckf_explore_engine.hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    ckf_explore_engine.hash ^= ckf_explore_engine.hash >> 29;
}

/* The engine is about to write to a word of the program's without a look at who may. */
static inline void ckf_explore_overwrite(uintptr_t address)
{
    if (UNLIKELY(ckf_explore_engine.keeping))
        ckf_explore_keep_word(address);
}

/* Says what the running thread is about to do, and waits until it may. */
/* Notes that a thread uses something. Returns true if it is not the only one to do so. */
static inline bool ckf_explore_is_shared(uint8_t *user, const struct ckf_thread *self)
{
    if (*user == 0)
        *user = (uint8_t)(self->id + 1);
    else if (*user != self->id + 1)
        *user = SEVERAL_USERS;
    return *user == SEVERAL_USERS;
}

/* The order that an operation has, which may not be the one it asks for. */
static inline int ckf_explore_order(enum ckf_operation_kind kind, uintptr_t address, int order,
                                    uintptr_t pc)
{
    return UNLIKELY(ckf_explore_engine.watching_sites)
               ? ckf_explore_mutated_order(kind, address, order, pc)
               : order;
}

/* True if what the thread is about to do to this granule cannot be told from doing it earlier or
 * later: nobody else has ever been seen to use it while somebody changes it. */
static inline bool ckf_explore_is_private(const struct ckf_granule *granule)
{
    return granule != NULL && granule->contended - 1 >= ckf_explore_engine.epoch - 1;
}

/* True if atomic operations on these bytes need no location. Under TSO all stores are in one order. */
static inline bool ckf_explore_has_no_location(const struct ckf_granule *granule, uintptr_t address)
{
    unsigned use = granule->location[address & 7];
    return ckf_explore_is_private(granule) && (use == 0 || (use & BYTE_IS_PRIVATE) != 0) &&
           ckf_explore_engine.options.model != CKF_EXPLORE_TSO;
}

static inline uint16_t ckf_explore_writes_to(const struct ckf_granule *private, uintptr_t address)
{
    return private->location[address & 7] & BYTE_WRITES;
}

static inline void ckf_explore_point(enum ckf_operation_kind kind, uintptr_t address, unsigned size,
                                     int order, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    self->op = (struct ckf_operation){.address = address,
                                      .pc = pc,
                                      .kind = (uint8_t)kind,
                                      .size = (uint8_t)size,
                                      .order = (uint8_t)order};
    if (!ckf_explore_engine.solo)
        ckf_explore_schedule();
}

/* The same for an operation on memory, which need be no point where that is private. */
static inline void ckf_explore_memory_point(enum ckf_operation_kind kind, uintptr_t address,
                                            unsigned size, int order, uintptr_t pc)
{
    struct ckf_engine *e = &ckf_explore_engine;
    e->running->op = (struct ckf_operation){.address = address,
                                            .pc = pc,
                                            .kind = (uint8_t)kind,
                                            .size = (uint8_t)size,
                                            .order = (uint8_t)order};
    if (e->solo) {
        ckf_explore_count_alone();
        return;
    }
    if (e->undisturbed) {
        e->private = false;
        ckf_explore_count_alone();
        return;
    }
    if (ckf_explore_is_private(ckf_explore_granule_at(address)) &&
        (size <= 8 || ckf_explore_is_private(ckf_explore_granule_at(address + 8))) &&
        (kind == OP_LOAD || e->options.model != CKF_EXPLORE_TSO)) {
        e->private = true;
        ckf_explore_count_step();
    } else {
        ckf_explore_schedule();
        e->private = false;
    }
}

#pragma GCC visibility pop

#endif
