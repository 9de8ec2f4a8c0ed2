/* harness/settings.h - what the command line asks for. */
#ifndef CKF_STRESS_SETTINGS_H
#define CKF_STRESS_SETTINGS_H

#include <stdio.h>

#include "harness/batch.h"

enum ckf_stress_command {
    CKF_STRESS_LIST,
    CKF_STRESS_RUN,
    CKF_STRESS_REPORT,
    CKF_STRESS_OTHER_RUNTIME, /* another program does it: `runtime` and `words` say which and what */
    CKF_STRESS_COMPARE_NOISE,
    CKF_STRESS_HELP, /* `command_of_help` says about what; NULL: about all */
    CKF_STRESS_VERSION
};

enum ckf_stress_engine { CKF_STRESS_THREADS = 1, CKF_STRESS_EXPLORE = 2, CKF_STRESS_BOTH = 3 };

enum { CKF_STRESS_MAX_GLOBS = 64 };

/* Paths: NULL is "not asked for", "-" is standard output. */
struct ckf_stress_settings {
    enum ckf_stress_command command;
    const char *command_of_help;
    enum ckf_stress_engine engine; /* may be both */
    bool engine_chosen;            /* by the user */
    const char *runtime;           /* "explore" or "noise" */
    char *const *words;            /* behind the program's name, NULL-ended */
    const char *globs[CKF_STRESS_MAX_GLOBS];
    size_t glob_count;
    bool variants[CKF_STRESS_VARIANTS];
    bool placements[CKF_STRESS_PLACEMENTS];
    bool spins[CKF_STRESS_SPIN_STYLES];
    bool points_chosen;  /* placements or spins were restricted */
    int64_t budget_ns;   /* 0: none given */
    uint64_t iterations; /* of each variant of each case; 0: no limit */
    unsigned threads;    /* 0: a sweep */
    uint64_t seed;
    bool require_repro;
    bool quiet;
    const char *json_path, *junit_path;
    const char *stress_path, *bench_path, *output_path; /* of `report` */
};

/* Reads a command line. False, with a message that says what is wrong and what to do, if it cannot
 * be understood. */
bool ckf_stress_parse(struct ckf_stress_settings *settings, int argc, char **argv, FILE *errors);

/* Prints what `command` (NULL: the program) understands. */
void ckf_stress_print_help(const char *command, FILE *out);

const char *ckf_stress_placement_name(enum ckf_stress_placement placement);
const char *ckf_stress_spin_name(enum ckf_stress_spin_style spin);

#endif
