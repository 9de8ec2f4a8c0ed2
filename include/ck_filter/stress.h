/* ck_filter/stress.h - the case language of the stress suite.
 *
 * A case is one scenario that a race can spoil: actors that run at the same time on one state, an
 * arbiter that looks at the result, and a grade for each outcome. The same bodies run for every
 * variant, which reach them through a table of operations: the racy twin that must fail, and the
 * fixed ones that must not. A case is plain data; engines decide how its actors interleave.
 *
 *     struct state { _Atomic(int) hits; };
 *     struct operations { void (*hit)(struct state *); };
 *
 *     static void hitter(struct ckf_stress_run *run, void *state)
 *     {
 *         const struct operations *operations = ckf_stress_operations(run);
 *         for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
 *             operations->hit(state);
 *     }
 *
 *     static void count(struct ckf_stress_run *run, void *state)
 *     {
 *         struct state *s = state;
 *         bool exact = s->hits == (int)(ckf_stress_rounds(run) * ckf_stress_copies(run, 0));
 *         ckf_stress_outcome(run, exact ? "exact" : "lost");
 *     }
 *
 *     CKF_STRESS_CASE(hit_counter) = {
 *         .id = "hit-counter",
 *         .collection = "example",
 *         .title = "two threads count on one word",
 *         .operations = {[CKF_STRESS_RACY] = &plain, [CKF_STRESS_ATOMIC] = &atomic},
 *         .state_size = sizeof(struct state),
 *         .actors = {{.name = "hitter", .body = hitter, .copies = 2}},
 *         .arbiter = count,
 *         .rounds = 1000,
 *         .explore_rounds = 2,
 *         .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every hit was counted"},
 *                      {"lost", CKF_STRESS_FORBIDDEN, "a hit vanished"}},
 *     };
 *
 * Compile with `pkg-config --cflags ckf-stress`, link with `pkg-config --libs ckf-stress`: main()
 * comes with it (a program that has one of its own calls ckf_stress_main).
 *
 * What bodies may rely on. The state is zeroed; setup, the arbiter and so on run one after the
 * other, alone; actors start together, each on a thread of its own, and everything that an actor
 * did happens before the invariant. An iteration should be over in well under 50 ms, or it cannot
 * be repeated often enough. Whatever an iteration makes, it unmakes in teardown; only memory of
 * ckf_stress_alloc may be left behind, for a racy twin often cannot know who should free it.
 */
#ifndef CKF_STRESS_H
#define CKF_STRESS_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

enum ckf_stress_variant { CKF_STRESS_RACY, CKF_STRESS_MUTEX, CKF_STRESS_ATOMIC };
enum { CKF_STRESS_VARIANTS = 3, CKF_STRESS_MAX_ACTORS = 8, CKF_STRESS_MAX_OUTCOMES = 16 };

enum ckf_stress_grade {
    CKF_STRESS_ACCEPTABLE,  /* as it should be */
    CKF_STRESS_INTERESTING, /* allowed, and worth knowing how often */
    CKF_STRESS_FORBIDDEN    /* the race: fails a fixed variant, reproduces it in a racy one */
};

/* One iteration as its bodies see it. */
struct ckf_stress_run;

typedef void (*ckf_stress_body)(struct ckf_stress_run *run, void *state);

struct ckf_stress_actor {
    const char *name;
    ckf_stress_body body; /* NULL ends the list */
    unsigned copies;      /* threads that run it; 0: as many as the sweep (or --threads) says */
};

/* The first pattern that matches grades an outcome; `*` stands for any characters. An outcome that
 * no pattern matches is forbidden. Besides the outcomes that bodies report, engines know
 *     "ok"                no body reported anything
 *     "hang"              an actor sleeps for ever (or waits for ever, spinning)
 *     "abort"             the program was ended by abort()
 *     "use after free"    memory of ckf_stress_alloc was touched after ckf_stress_free
 *     "double free"       it was freed twice
 *     "crash"             any other signal that a fault raises, or exit() in the middle of an iteration
 *     "sanitizer report"  a sanitizer that the program was built with spoke
 *     "not linearizable"  the recorded history is not one of the case's specification
 *     "undecided"         the history was too long, or its search too large, to tell
 * Of these, all but "ok" are matched by their own name only, not by a `*`: without a grading of its
 * own, each is forbidden.
 */
struct ckf_stress_grading {
    const char *pattern; /* NULL ends the list */
    enum ckf_stress_grade grade;
    const char *meaning; /* one sentence for the reader of a report */
};

enum {
    /* Every iteration gets threads of its own, which exit at its end (otherwise threads are kept). */
    CKF_STRESS_FRESH_THREADS = 1,
    /* The racy twin fails whatever the schedule: one iteration is proof, and no rate is estimated. */
    CKF_STRESS_DETERMINISTIC = 2,
    /* Actors cope with memory that runs out: where schedules are enumerated, each of their allocations
     * fails in some, except in racy twins. */
    CKF_STRESS_COPES_WITHOUT_MEMORY = 4
};

/* Histories. A case that names a sequential specification has its recorded operations judged after
 * each iteration: is there an order in which each operation has its effect at one moment between
 * its call and its return, and has the results that the specification gives it there?
 * (Herlihy and Wing, "Linearizability", 1990.) See docs/STRESS.md for a complete example. */
enum {
    CKF_STRESS_MAX_CALLS = 64,     /* that one actor may record in one iteration */
    CKF_STRESS_VALUES = 4,         /* that go with one operation, beside arguments and result */
    CKF_STRESS_MODEL_BYTES = 1024, /* of a specification's state, at most */
    CKF_STRESS_MAX_STEPS = 512     /* of all operations on one object */
};

/* An operation as it was recorded. What the numbers mean is between case and specification. */
struct ckf_stress_operation {
    unsigned code;         /* what was called */
    uint64_t object;       /* what it was called on: each object's history is judged by itself */
    uint64_t arguments[2]; /* as given to ckf_stress_call */
    uint64_t values[CKF_STRESS_VALUES]; /* as given to ckf_stress_value; else 0 */
    int status;                         /* as given to ckf_stress_return; so is result */
    uint64_t result;
    unsigned actor; /* a number for each thread of the iteration */
    unsigned
        others; /* other actors that had an operation on the object open at some moment of it */
};

/* States are plain bytes: they are copied, and are equal when all their bytes are (so clear what is
 * not in use). Functions must depend on their arguments alone, and must not call the suite. */
struct ckf_stress_specification {
    const char *name;                                 /* "bounded channel" */
    size_t state_size;                                /* bytes; all zero before init */
    void (*init)(void *state, const void *parameter); /* NULL: all zero is the start */
    /* True if the operation may have its effect (the given step of it) in this state with the
     * results that were recorded; then changes the state. */
    bool (*apply)(void *state, const struct ckf_stress_operation *operation, unsigned step,
                  const void *parameter);
    /* How many moments the operation has its effect in, one after the other; NULL: one. */
    unsigned (*steps)(const struct ckf_stress_operation *operation, const void *parameter);
    /* Writes the operation with its results: "try_recv: CKF_AGAIN". NULL: numbers are shown. */
    void (*print)(const struct ckf_stress_operation *operation, char *text, size_t size);
    const void *parameter; /* for the functions above */
};

struct ckf_stress_case {
    const char *id; /* unique; at most 100 letters, digits, `-`, `_`, `.`; as in `-c GLOB` */
    const char *collection; /* "counter map", "channel", "filter", "tasks", "guards", ... */
    const char *title;      /* what happens, in one line */
    const char *story;      /* the code it was seen in, and where that errs; NULL: nothing to say */
    const void *operations[CKF_STRESS_VARIANTS]; /* handed to the bodies; NULL: no such variant */
    size_t state_size;                           /* bytes; zeroed before each setup */
    ckf_stress_body setup;                       /* alone, before the actors; may be NULL */
    struct ckf_stress_actor actors[CKF_STRESS_MAX_ACTORS];
    ckf_stress_body invariant; /* alone, after the actors, before the arbiter; may be NULL */
    ckf_stress_body arbiter;   /* alone, after the actors: reports the outcome; may be NULL */
    ckf_stress_body teardown;  /* alone, last; may be NULL */
    unsigned rounds;           /* operations an actor does in one iteration; 0: 1 */
    unsigned explore_rounds;   /* the same where every interleaving is enumerated; 0: 1 */
    unsigned flags;
    struct ckf_stress_grading outcomes[CKF_STRESS_MAX_OUTCOMES];
    const struct ckf_stress_specification
        *specification; /* of what is recorded; NULL: nothing is */
    /* Threads that run one actor where every interleaving is enumerated, at the most; 0: any number. */
    unsigned explore_copies;
    uint64_t reserved[6]; /* zero */
};

/* The operations of the variant that runs. */
CKF_API const void *ckf_stress_operations(const struct ckf_stress_run *run);
CKF_API enum ckf_stress_variant ckf_stress_variant(const struct ckf_stress_run *run);
/* Which copy of its actor calls, from 0; 0 outside actors. */
CKF_API unsigned ckf_stress_copy(const struct ckf_stress_run *run);
/* How many copies of the actor at that place of the list run. */
CKF_API unsigned ckf_stress_copies(const struct ckf_stress_run *run, unsigned actor);
CKF_API unsigned ckf_stress_rounds(const struct ckf_stress_run *run);
/* A number below bound, from a sequence that the seed, the iteration and the actor determine. */
CKF_API uint32_t ckf_stress_random(struct ckf_stress_run *run, uint32_t bound);

/* Reports an outcome; any body may, and so may threads that a body starts, while it runs. The
 * worst-graded one counts, among equals the first. The text must live on (a literal). */
CKF_API void ckf_stress_outcome(struct ckf_stress_run *run, const char *outcome);
/* Sets result register `index` (below 8). An iteration that reported no outcome has its registers,
 * up to the highest one set, as its outcome: "0,1". Each register belongs to one body. */
CKF_API void ckf_stress_result(struct ckf_stress_run *run, unsigned index, int64_t value);

/* An actor's operation begins: the next thing that the body does is to call it. Its values, if there
 * are any, are set between call and return. Each body records one operation at a time; setup,
 * invariant and arbiter may record too. An operation that does not return (in a body that gives up)
 * may have had its effect or not. Aborts if an operation is open (call) or none is (the others). */
CKF_API void ckf_stress_call(struct ckf_stress_run *run, unsigned code, uint64_t object,
                             uint64_t argument, uint64_t second_argument);
/* Sets a value, by its index below CKF_STRESS_VALUES. */
CKF_API void ckf_stress_value(struct ckf_stress_run *run, unsigned index, uint64_t value);
/* The operation has returned this. */
CKF_API void ckf_stress_return(struct ckf_stress_run *run, int status, uint64_t result);

/* Stands for work of unknown length between two steps: usually nothing, now and then a pause, a
 * yield or a short sleep; where schedules are enumerated, a point at which others may run. `run`
 * may be NULL where it is not at hand, in a racy twin for example: the caller's is meant. */
CKF_API void ckf_stress_pause(struct ckf_stress_run *run);
/* One turn of a loop that waits for what another actor does: `while (!flag) ckf_stress_spin(run)`.
 * Where schedules are enumerated, the others go on. `run` may be NULL likewise. */
CKF_API void ckf_stress_spin(struct ckf_stress_run *run);

/* Zeroed memory whose misuse shows at once: it ends at an inaccessible page (up to alignment, 16
 * bytes), and freed blocks become inaccessible and are kept a while. NULL without memory. For racy
 * twins and for states that actors free. Each block belongs to the iteration that made it: what is
 * not freed when its teardown has run is taken back. Freeing NULL does nothing. */
CKF_API void *ckf_stress_alloc(size_t size);
CKF_API void ckf_stress_free(void *memory);

/* The program behind the cases: list, run, report and so on; see `--help`. Returns its exit status:
 * 0 clean, 1 a forbidden outcome in a fixed variant, 2 bad usage or a broken harness, 3 a racy twin
 * that was not reproduced (with --require-repro). */
CKF_API int ckf_stress_main(int argc, char **argv);

/* Defines a case and adds it to the program that the file is linked into. In C++, which has no names of
 * elements in an initializer, `.operations` are given in the order racy, mutex, atomic. */
#ifdef __cplusplus
#define CKF_STRESS_CASE(name)                                                                      \
    namespace                                                                                      \
    {                                                                                              \
    struct name##_holder {                                                                         \
        static const struct ckf_stress_case value;                                                 \
    };                                                                                             \
    }                                                                                              \
    __attribute__((                                                                                \
        used,                                                                                      \
        section("ckf_stress_cases"))) static const struct ckf_stress_case *const name##_entry =    \
        &name##_holder::value;                                                                     \
    const struct ckf_stress_case name##_holder::value
#else
#define CKF_STRESS_CASE(name)                                                                      \
    static const struct ckf_stress_case name;                                                      \
    __attribute__((                                                                                \
        used,                                                                                      \
        section("ckf_stress_cases"))) static const struct ckf_stress_case *const name##_entry =    \
        &name;                                                                                     \
    static const struct ckf_stress_case name
#endif

CKF_END_DECLS

#endif
