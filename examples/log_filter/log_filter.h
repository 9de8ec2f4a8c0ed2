/* examples/log_filter/log_filter.h - what the parts of log_filter share.
 *
 *     input -> [work] -> workers -> [done] -> output -> [spare] -> input
 *
 * Batches of whole lines go round through three channels. There is a fixed number of batches, so
 * memory is bounded, no send ever waits, and the output's reorder ring has a place for each: a slow
 * output leaves no spare batch, and the input waits for one.
 */
#ifndef LOG_FILTER_H
#define LOG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/ck_filter.h>

enum {
    EXIT_TROUBLE = 2,          /* of main, for everything that went wrong */
    MAX_WORKERS = 64,          /* of --workers */
    BATCH_BYTES = 256 * 1024,  /* read at a time; a batch grows only for a longer line */
    MAX_FIELD_BYTES = 4096,    /* longer first fields are counted by their beginning */
    EXPECTED_FIELDS = 1 << 16, /* room for so many from the start */
    MAX_FIELDS = 1 << 20       /* different first fields that are counted apart */
};

#define MAX_LINE_BYTES ((size_t)64 << 20)

struct options {
    const char *rules;  /* path */
    const char *output; /* path; NULL: standard output */
    const char *counts; /* path, "-" for standard error; NULL: no counts */
    const char *trace;  /* path; NULL: no trace */
    enum ckf_variant variant;
    enum ckf_backend backend;
    enum ckf_action default_action;
    unsigned workers;
    char *const *inputs; /* paths, "-" for standard input */
    size_t input_count;
};

/* Whole lines, each with its newline. One stage at a time owns a batch. */
struct batch {
    uint64_t sequence; /* place in the input, from 0 */
    char *bytes;
    size_t room, len; /* len: of the lines that were read, then of those that are kept */
};

struct totals {
    uint64_t lines, kept;
};

struct pipeline {
    const struct options *options;
    struct ckf_filter *filter;
    struct ckf_counter_map *fields; /* lines by first field; NULL: nobody asked */
    struct ckf_channel *work, *done, *spare;
    struct batch *batches;
    size_t batch_count;
    int output_fd;
    int stop_fd;           /* readable once the input is to stop */
    int finished_fd;       /* readable once everything has been written */
    struct totals *totals; /* by worker, written at its end */
};

/* What a worker task gets. */
struct worker {
    struct pipeline *pipeline;
    struct totals *totals;
};

/* Tasks of the group; each returns 0, or 1 after it has said what went wrong. */
int read_inputs(struct ckf_context *context, void *pipeline);
int filter_batches(struct ckf_context *context, void *worker);
int write_batches(struct ckf_context *context, void *pipeline);

/* Returns if the program is to go on; otherwise it has said what to do and exited. */
void parse_options(struct options *options, int argc, char **argv);

/* The output's descriptor, or -1 after it has said why not. */
int open_output(const struct options *options);

bool write_counts(const struct pipeline *pipeline);

/* True if nobody asked for a trace. */
bool write_trace(const struct options *options);

/* "log_filter: ..." and a newline, on standard error, as one write. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Makes an event descriptor readable for good. */
void raise_event(int event_fd);

/* For channels that have room for every batch and are still open, so that it cannot fail. */
void pass_on(struct ckf_channel *channel, struct batch *batch);

/* Loads the rules file and publishes it; says why if it cannot. */
bool publish_rules(struct ckf_filter *filter, const struct options *options);

#endif
