/* explore/cli.h - the program behind the engine: `explore`, `replay`, `list`, `mutate`, `progress`. */
#ifndef CKF_EXPLORE_CLI_H
#define CKF_EXPLORE_CLI_H

#include <stdint.h>
#include <stdio.h>

#include "explore.h"

#include <ck_filter/stress.h>

enum ckf_explore_command {
    CKF_COMMAND_EXPLORE,
    CKF_COMMAND_REPLAY,
    CKF_COMMAND_LIST,
    CKF_COMMAND_MUTATE,
    CKF_COMMAND_PROGRESS,
    CKF_COMMAND_HELP
};

enum { CKF_EXPLORE_MAX_GLOBS = 64 };

struct ckf_explore_settings {
    enum ckf_explore_command command;
    const char *globs[CKF_EXPLORE_MAX_GLOBS];
    size_t glob_count;
    bool variants[CKF_STRESS_VARIANTS];
    enum ckf_explore_model model;
    int strategy;         /* enum ckf_explore_strategy; -1: the portfolio */
    unsigned depth;       /* of PCT; 0: 1 to 3 in turn */
    unsigned preemptions; /* the highest bound; CKF_EXPLORE_UNBOUNDED: none */
    bool preemptions_given;
    bool reads_are_bounded; /* of searches by dfs: so many stale reads at the most */
    unsigned stale_reads;
    uint64_t executions; /* of each variant of each case; 0: no limit */
    int64_t budget_ns;   /* for all; 0: DEFAULT for each */
    uint64_t seed;
    unsigned rounds, copies, timeouts, spurious, failed_allocation;
    bool plain;    /* the search leaves nothing out */
    unsigned jobs; /* processes that mutate; 0: as many as there are processors */
    /* What is mutated: globs over "channel/ring.c put_word()"; none: all. */
    const char *files[CKF_EXPLORE_MAX_GLOBS];
    size_t file_count;
    bool require_repro, stats, trace, no_files;
    const char *json_path, *save_path, *schedule_path;
};

/* False, with a message, if the command line cannot be understood. */
bool ckf_explore_parse(struct ckf_explore_settings *settings, int argc, char **argv, FILE *errors);
void ckf_explore_print_help(FILE *out);

/* What main() does. Returns the exit status. */
int ckf_explore_main(int argc, char **argv);

#endif
