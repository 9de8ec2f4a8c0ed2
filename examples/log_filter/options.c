/* examples/log_filter/options.c - the command line, and messages that say what to do. */
#include "log_filter.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: log_filter --rules FILE [OPTION ...] [INPUT ...]\n"
    "\n"
    "Copies the lines that the rules let pass, in order. Without INPUT, or for -, standard\n"
    "input is read.\n"
    "\n"
    "  -r, --rules FILE      one rule a line: ID pass|drop exact|prefix|suffix|substring[/i]\n"
    "                        PATTERN, with \\\\ \\n \\t \\r \\s \\xHH in PATTERN; # starts a "
    "comment.\n"
    "                        Exact speaks before prefix, suffix, substring; then the longest\n"
    "                        pattern, then the lowest id. SIGHUP reads the file again: every\n"
    "                        line is judged by the old rules or by the new, and a bad file\n"
    "                        changes nothing.\n"
    "  -d, --default ACTION  pass (default) or drop lines that no rule matches\n"
    "  -o, --output FILE     instead of standard output; emptied first\n"
    "  -c, --counts FILE     at the end, how many lines each rule decided and how many had\n"
    "                        which first field (parted by blanks, as in awk); - for standard\n"
    "                        error. Counts apart up to 1048576 fields.\n"
    "  -w, --workers N       threads that filter, 1 to 64 (default: as many as CPUs)\n"
    "      --trace FILE      at the end, who did and waited for what, for https://ui.perfetto.dev\n"
    "      --variant NAME    atomic (default) or mutex: the library's two implementations\n"
    "      --backend NAME    own (default) or hyperscan: what looks for substrings\n"
    "  -h, --help            this text\n"
    "\n"
    "SIGINT or SIGTERM ends the input: what was read is filtered and written; a second one\n"
    "ends the program at once. SIGUSR1 says on standard error who runs and who waits for what. "
    "Lines may\n"
    "hold any bytes, NUL too, up to 64 MiB; the last line gets a newline if it has none.\n"
    "\n"
    "Exit status: 0 all well (also after SIGINT or SIGTERM), 2 something went wrong.\n";

void say(const char *format, ...)
{
    char line[1024] = "log_filter: ";
    const int start = 12, room = (int)sizeof line - start - 1;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line + start, (size_t)room, format, arguments);
    va_end(arguments);
    if (len >= room)
        len = room - 1;
    line[start + len] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)(start + len + 1));
    (void)written; /* there is no other place to complain */
}

_Noreturn static void refuse(void)
{
    say("see log_filter --help");
    exit(EXIT_TROUBLE);
}

static unsigned parse_workers(const char *text)
{
    char *end;
    errno = 0;
    unsigned long workers = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || workers < 1 ||
        workers > MAX_WORKERS) {
        say("--workers wants a number from 1 to %d, not '%s'", MAX_WORKERS, text);
        refuse();
    }
    return (unsigned)workers;
}

/* The place of text among two names. */
static int parse_choice(const char *option, const char *text, const char *first, const char *second)
{
    if (strcmp(text, first) == 0)
        return 0;
    if (strcmp(text, second) == 0)
        return 1;
    say("%s wants %s or %s, not '%s'", option, first, second, text);
    refuse();
}

static unsigned cpu_count(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus < 1)
        return 1;
    return cpus > MAX_WORKERS ? MAX_WORKERS : (unsigned)cpus;
}

static void check_arguments(struct options *options)
{
    static char standard_input[] = "-";
    static char *const only_standard_input[] = {standard_input};
    if (options->rules == NULL) {
        say("--rules is missing: name a file of rules");
        refuse();
    }
    if (options->input_count == 0) {
        options->inputs = only_standard_input;
        options->input_count = 1;
    }
}

void parse_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"rules", required_argument, NULL, 'r'},   {"default", required_argument, NULL, 'd'},
        {"output", required_argument, NULL, 'o'},  {"counts", required_argument, NULL, 'c'},
        {"workers", required_argument, NULL, 'w'}, {"variant", required_argument, NULL, 'v'},
        {"backend", required_argument, NULL, 'b'}, {"trace", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    *options = (struct options){.workers = cpu_count()};
    for (int option; (option = getopt_long(argc, argv, "r:d:o:c:w:h", known, NULL)) != -1;) {
        switch (option) {
        case 'r':
            options->rules = optarg;
            break;
        case 'd':
            options->default_action =
                (enum ckf_action)parse_choice("--default", optarg, "pass", "drop");
            break;
        case 'o':
            options->output = optarg;
            break;
        case 'c':
            options->counts = optarg;
            break;
        case 'w':
            options->workers = parse_workers(optarg);
            break;
        case 'v':
            options->variant =
                (enum ckf_variant)parse_choice("--variant", optarg, "atomic", "mutex");
            break;
        case 'b':
            options->backend =
                (enum ckf_backend)parse_choice("--backend", optarg, "own", "hyperscan");
            break;
        case 't':
            options->trace = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            exit(fflush(stdout) == 0 ? 0 : EXIT_TROUBLE);
        default: /* getopt_long has said what is wrong */
            refuse();
        }
    }
    options->inputs = argv + optind;
    options->input_count = (size_t)(argc - optind);
    check_arguments(options);
}
