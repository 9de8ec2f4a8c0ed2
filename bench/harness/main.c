/* main.c - the command line of ckf-bench. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_info.h"
#include "harness/runner.h"
#include "harness/watchdog.h"

enum { EXIT_CLEAN = 0, EXIT_CHECKS_FAILED = 1, EXIT_USAGE = 2 };
enum { DEFAULT_REPETITIONS = 5, MAX_REPETITIONS = MAX_SAMPLES / 2 };
static const double max_budget_seconds = 86400;

static const char usage[] =
    "usage: ckf-bench list [-c GLOB] [--threads N,...]\n"
    "       ckf-bench run  [-c GLOB] [--threads N,...] [--repetitions N] [--budget TIME]\n"
    "                      [--json FILE] [--programs FOLDER]\n"
    "\n"
    "Times the collections against each other, and against what else a program could use.\n"
    "Contestants take turns within each repetition; the tables show medians and ratios.\n"
    "\n"
    "  -c, --filter GLOB   only workloads whose id matches, as in 'channel-*'\n"
    "  --threads N,...     only workloads with that many threads in all\n"
    "  --repetitions N     rounds of each workload (default 5, at most 32)\n"
    "  --budget TIME       time for everything, as in 60s or 5m (default: help ends with it);\n"
    "                      the length of a run follows from it, and what it does not reach is\n"
    "                      not run\n"
    "  --json FILE         writes the results there as well\n"
    "  --programs FOLDER   where contestants are that are programs of their own\n"
    "  -h, --help          this text\n"
    "  --version           the version\n"
    "\n"
    "Exit status: 0 done, 1 a check failed (something was lost) or a run did not end,\n"
    "2 bad usage.\n";

struct command_line {
    struct runner_options options;
    const char *json_path;
};

static _Noreturn void refuse(const char *what, const char *argument)
{
    fprintf(stderr, "ckf-bench: %s '%s' (see ckf-bench --help)\n", what, argument);
    exit(EXIT_USAGE);
}

static unsigned parse_count(const char *text, const char **end, unsigned max)
{
    char *stop;
    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    unsigned long value = strtoul(text, &stop, 10);
    *end = stop;
    return errno == 0 && value <= max ? (unsigned)value : 0;
}

static unsigned parse_repetitions(const char *text)
{
    const char *end = text;
    unsigned repetitions = parse_count(text, &end, MAX_REPETITIONS);
    if (repetitions == 0 || *end != '\0')
        refuse("--repetitions wants a number from 1 to 32, not", text);
    return repetitions;
}

static unsigned parse_threads(const char *text)
{
    unsigned set = 0;
    const char *at = text;
    for (;;) {
        const char *end = at;
        unsigned threads = parse_count(at, &end, BENCH_MAX_THREADS);
        if (threads == 0 || (*end != ',' && *end != '\0'))
            refuse("--threads wants numbers from 1 to 16 parted by commas, not", text);
        set |= 1u << threads;
        if (*end == '\0')
            return set;
        at = end + 1;
    }
}

static double parse_budget(const char *text)
{
    char *unit;
    double value = *text >= '0' && *text <= '9' ? strtod(text, &unit) : -1;
    if (value > 0 && (strcmp(unit, "s") == 0 || *unit == '\0'))
        value *= 1;
    else if (value > 0 && strcmp(unit, "m") == 0)
        value *= 60;
    else if (value > 0 && strcmp(unit, "ms") == 0)
        value /= 1000;
    else
        value = -1;
    if (!(value > 0 && value <= max_budget_seconds))
        refuse("--budget wants a time such as 60s, 5m or 500ms, not", text);
    return value;
}

static void parse(int argc, char **argv, struct command_line *line)
{
    enum { THREADS = 256, REPETITIONS, BUDGET, JSON, PROGRAMS, VERSION };
    static const struct option known[] = {{"filter", required_argument, NULL, 'c'},
                                          {"threads", required_argument, NULL, THREADS},
                                          {"repetitions", required_argument, NULL, REPETITIONS},
                                          {"budget", required_argument, NULL, BUDGET},
                                          {"json", required_argument, NULL, JSON},
                                          {"programs", required_argument, NULL, PROGRAMS},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, VERSION},
                                          {NULL, 0, NULL, 0}};
    line->options.repetitions = DEFAULT_REPETITIONS;
    line->options.budget_seconds = bench_contents.default_budget_seconds;
    for (int option; (option = getopt_long(argc, argv, "c:h", known, NULL)) != -1;) {
        switch (option) {
        case 'c':
            line->options.filter = optarg;
            break;
        case THREADS:
            line->options.thread_counts = parse_threads(optarg);
            break;
        case REPETITIONS:
            line->options.repetitions = parse_repetitions(optarg);
            break;
        case BUDGET:
            line->options.budget_seconds = parse_budget(optarg);
            break;
        case JSON:
            line->json_path = optarg;
            break;
        case PROGRAMS:
            line->options.programs = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            printf("\nDefault budget: %.0f s.\n", bench_contents.default_budget_seconds);
            exit(EXIT_CLEAN);
        case VERSION:
            puts("ckf-bench " CKF_BENCH_VERSION);
            exit(EXIT_CLEAN);
        default:
            fputs("(see ckf-bench --help)\n", stderr);
            exit(EXIT_USAGE);
        }
    }
}

static void list_workload(const struct bench_workload *workload, void *argument)
{
    unsigned *count = argument;
    ++*count;
    printf("%-34s %s: %s, %s\n", workload->id, workload->collection, workload->family,
           workload->title);
}

static void count_workload(const struct bench_workload *workload, void *argument)
{
    (void)workload;
    ++*(unsigned *)argument;
}

static struct report report;
static const char *json_path;

static void hung(void *argument)
{
    (void)argument;
    const char *workload, *contestant;
    runner_current(&workload, &contestant);
    fprintf(stderr, "ckf-bench: %s: %s did not end within a minute\n", workload, contestant);
    if (report.outcome_count > 0)
        report.outcome_count--; /* the one that hangs */
    if (json_path != NULL && !json_write(&report, json_path))
        fprintf(stderr, "ckf-bench: %s: %s\n", json_path, strerror(errno));
}

static bool any_failure(void)
{
    for (unsigned i = 0; i < report.outcome_count; i++)
        for (unsigned k = 0; k < report.outcomes[i].result_count; k++)
            if (report.outcomes[i].results[k].failure[0] != '\0')
                return true;
    return false;
}

static int run(const struct command_line *line)
{
    json_path = line->json_path;
    machine_read(&report.machine);
    /* Found out now rather than after minutes of work. */
    if (json_path != NULL && !json_write(&report, json_path)) {
        fprintf(stderr, "ckf-bench: %s: %s\n", json_path, strerror(errno));
        return EXIT_USAGE;
    }
    watchdog_start(hung, NULL);
    table_begin();
    runner_run(&line->options, &report);
    if (bench_contents.has_targets)
        targets_end(&report);
    else
        table_end(&report);
    if (json_path != NULL && !json_write(&report, json_path)) {
        fprintf(stderr, "ckf-bench: %s: %s\n", json_path, strerror(errno));
        return EXIT_CHECKS_FAILED;
    }
    return any_failure() ? EXIT_CHECKS_FAILED : EXIT_CLEAN;
}

int main(int argc, char **argv)
{
    struct command_line line = {0};
    parse(argc, argv, &line);
    const char *command = optind < argc ? argv[optind] : "run";
    if (optind + 1 < argc)
        refuse("what is", argv[optind + 1]);
    bool list = strcmp(command, "list") == 0;
    if (!list && strcmp(command, "run") != 0)
        refuse("the commands are list and run, not", command);
    unsigned count = 0;
    runner_for_each(&line.options, list ? list_workload : count_workload, &count);
    if (count == 0)
        refuse("no workload matches", line.options.filter == NULL ? "*" : line.options.filter);
    return list ? EXIT_CLEAN : run(&line);
}
