/* harness/settings.c - the command line.
 *
 * One table lists every option: which commands take it, whether it wants a value, what it does and
 * what its help says, so that parsing, messages and help cannot disagree. */
#include "harness/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/clock.h"
#include "harness/runtime.h"
#include "harness/values.h"

enum value_need { NO_VALUE, NEEDS_VALUE, OPTIONAL_VALUE };
enum { IN_LIST = 1, IN_RUN = 2, IN_REPORT = 4 };

/* Applies a value (NULL where there is none); false: it makes no sense. */
typedef bool (*setter)(struct ckf_stress_settings *settings, const char *value);

struct option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum value_need need;
    unsigned commands;
    setter set;
    const char *value;  /* as the help calls it */
    const char *expect; /* what a good value looks like, for messages */
    const char *help;
};

static const char *const placement_names[CKF_STRESS_PLACEMENTS] = {"same", "different", "free"};
static const char *const spin_names[CKF_STRESS_SPIN_STYLES] = {"pause", "yield", "futex"};

const char *ckf_stress_placement_name(enum ckf_stress_placement placement)
{
    return placement_names[placement];
}

const char *ckf_stress_spin_name(enum ckf_stress_spin_style spin)
{
    return spin_names[spin];
}

/* --- Values ------------------------------------------------------------------------------------- */

static bool set_case(struct ckf_stress_settings *settings, const char *value)
{
    if (settings->glob_count == CKF_STRESS_MAX_GLOBS)
        return false;
    settings->globs[settings->glob_count++] = value;
    return true;
}

static bool set_variant(struct ckf_stress_settings *settings, const char *value)
{
    return ckf_stress_parse_names(value, ckf_stress_variant_names, CKF_STRESS_VARIANTS,
                                  settings->variants);
}

static bool set_placement(struct ckf_stress_settings *settings, const char *value)
{
    settings->points_chosen = true;
    return ckf_stress_parse_names(value, placement_names, CKF_STRESS_PLACEMENTS,
                                  settings->placements);
}

static bool set_spin(struct ckf_stress_settings *settings, const char *value)
{
    settings->points_chosen = true;
    return ckf_stress_parse_names(value, spin_names, CKF_STRESS_SPIN_STYLES, settings->spins);
}

static bool set_engine(struct ckf_stress_settings *settings, const char *value)
{
    static const char *const names[] = {"threads", "explore", "both"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], value) == 0) {
            settings->engine = (enum ckf_stress_engine)(i + 1);
            settings->engine_chosen = true;
            return true;
        }
    return false;
}

static bool set_budget(struct ckf_stress_settings *settings, const char *value)
{
    return ckf_stress_parse_duration(value, &settings->budget_ns);
}

static bool set_iterations(struct ckf_stress_settings *settings, const char *value)
{
    return ckf_stress_parse_number(value, &settings->iterations) && settings->iterations > 0;
}

static bool set_threads(struct ckf_stress_settings *settings, const char *value)
{
    uint64_t threads;
    if (!ckf_stress_parse_number(value, &threads) || threads < 1 ||
        threads > CKF_STRESS_MAX_THREADS)
        return false;
    settings->threads = (unsigned)threads;
    return true;
}

static bool set_seed(struct ckf_stress_settings *settings, const char *value)
{
    return ckf_stress_parse_number(value, &settings->seed);
}

static bool set_require_repro(struct ckf_stress_settings *settings, const char *value)
{
    (void)value;
    settings->require_repro = true;
    return true;
}

static bool set_quiet(struct ckf_stress_settings *settings, const char *value)
{
    (void)value;
    settings->quiet = true;
    return true;
}

static bool set_path(const char **path, const char *value)
{
    *path = value == NULL ? "-" : value;
    return (*path)[0] != '\0';
}

static bool set_json(struct ckf_stress_settings *settings, const char *value)
{
    return set_path(&settings->json_path, value);
}

static bool set_junit(struct ckf_stress_settings *settings, const char *value)
{
    return set_path(&settings->junit_path, value);
}

static bool set_stress(struct ckf_stress_settings *settings, const char *value)
{
    return set_path(&settings->stress_path, value);
}

static bool set_bench(struct ckf_stress_settings *settings, const char *value)
{
    return set_path(&settings->bench_path, value);
}

static bool set_output(struct ckf_stress_settings *settings, const char *value)
{
    return set_path(&settings->output_path, value);
}

/* --- The table ---------------------------------------------------------------------------------- */

static const struct option options[] = {
    {"case", 'c', NEEDS_VALUE, IN_LIST | IN_RUN | IN_REPORT, set_case, "GLOB", "at most 64 globs",
     "only cases whose id matches; may be repeated"},
    {"variant", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_variant, "LIST",
     "racy, mutex, atomic, or several of them with commas",
     "only these of racy,mutex,atomic (default: all; mutex,atomic in sanitizer builds)"},
    {"engine", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_engine, "NAME", "threads, explore or both",
     "run on threads, or in schedules of the explore engine's choosing (default: both)"},
    {"budget", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_budget, "TIME", "60s, 3m, 500ms or 1h",
     "how long the whole run may take: 60s, 3m, 500ms (default: 1s a variant of a case)"},
    {"iterations", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_iterations, "N", "a number above 0",
     "at most so many iterations of each variant of each case"},
    {"threads", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_threads, "N", "a number from 1 to 64",
     "copies of actors that leave their number open (default: a sweep)"},
    {"placement", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_placement, "LIST",
     "same, different, free, or several of them with commas",
     "sweep over these only: same (one core), different (cores), free"},
    {"spin", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_spin, "LIST",
     "pause, yield, futex, or several of them with commas",
     "sweep over these ways to wait at the start line only: pause, yield, futex"},
    {"seed", 0, NEEDS_VALUE, IN_RUN | IN_REPORT, set_seed, "N", "a number such as 42 or 0x2a",
     "where all chance comes from (default: a new one each time)"},
    {"require-repro", 0, NO_VALUE, IN_RUN | IN_REPORT, set_require_repro, NULL, NULL,
     "exit with 3 if a racy twin was not seen to fail, and give it more of the budget"},
    {"json", 0, OPTIONAL_VALUE, IN_LIST | IN_RUN | IN_REPORT, set_json, "FILE", "a file name",
     "write the results as JSON, to standard output if no file is named"},
    {"junit", 0, OPTIONAL_VALUE, IN_RUN | IN_REPORT, set_junit, "FILE", "a file name",
     "write them as JUnit XML likewise"},
    {"quiet", 'q', NO_VALUE, IN_RUN | IN_REPORT, set_quiet, NULL, NULL,
     "no progress and no text report"},
    {"output", 'o', NEEDS_VALUE, IN_REPORT, set_output, "FILE", "a file name",
     "the HTML report to write (default: index.html)"},
    {"stress", 0, NEEDS_VALUE, IN_REPORT, set_stress, "FILE", "a file name",
     "report on this result of `run --json` instead of running"},
    {"bench", 0, NEEDS_VALUE, IN_REPORT, set_bench, "FILE", "a file name",
     "add this result of the benchmarks"},
};
enum { OPTIONS = sizeof options / sizeof options[0] };

static const struct {
    const char *name;
    enum ckf_stress_command command;
    unsigned bit;
    const char *help;
} commands[] = {
    {"list", CKF_STRESS_LIST, IN_LIST, "show the cases"},
    {"run", CKF_STRESS_RUN, IN_RUN, "run cases and judge them"},
    {"report", CKF_STRESS_REPORT, IN_REPORT, "run cases and write an HTML report"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* What a program beside this one does, which has the same name but for an ending. */
static const struct {
    const char *name, *runtime, *help;
} other_commands[] = {
    {"explore", "explore", "every schedule and weak-memory read, within bounds"},
    {"replay", "explore", "a failure that the explore engine wrote down, step by step"},
    {"mutate", "explore", "weaken each memory order: does a case notice?"},
    {"progress", "explore", "park an actor for ever: who waits for it?"},
    {"noise", "noise", "run with delays at the accesses; --compare measures what that gains"},
};
enum { OTHER_COMMANDS = sizeof other_commands / sizeof other_commands[0] };

static const char exit_statuses[] =
    "Exit status: 0 clean, 1 a forbidden outcome in a mutex or atomic variant, 2 bad usage or a\n"
    "broken harness, 3 a racy twin that was not reproduced (with --require-repro).\n";

static void print_option(const struct option *option, FILE *out)
{
    char left[40];
    const char *value = option->value == NULL ? "" : option->value;
    const char *before = option->need == NEEDS_VALUE ? " " : option->value == NULL ? "" : "[=";
    const char *after = option->need == OPTIONAL_VALUE ? "]" : "";
    if (option->letter != 0)
        snprintf(left, sizeof left, "-%c, --%s%s%s%s", option->letter, option->name, before, value,
                 after);
    else
        snprintf(left, sizeof left, "    --%s%s%s%s", option->name, before, value, after);
    fprintf(out, "  %-24s %s\n", left, option->help);
}

static void print_help_of_noise(FILE *out)
{
    fputs(
        "Usage: ckf-stress noise [OPTION...]\n"
        "       ckf-stress noise --compare [OPTION...]\n\n"
        "Run cases on threads that are held up at their accesses, and judge them: the options are\n"
        "those of `ckf-stress run`. --compare runs racy twins with and without delays, in turn, "
        "and\n"
        "measures what the delays gain: `ckf-stress noise --compare --help`.\n\n",
        out);
    fputs(exit_statuses, out);
}

static void print_general_help(FILE *out)
{
    fputs(
        "Usage: ckf-stress COMMAND [OPTION...]\n\n"
        "Stresses concurrent code: scenarios that a race can spoil run again and again, in a racy\n"
        "twin that must fail and in the fixed variants that must not.\n\nCommands:\n",
        out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    for (size_t i = 0; i < OTHER_COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", other_commands[i].name, other_commands[i].help);
    fputs(
        "\n`ckf-stress COMMAND --help` shows its options; `ckf-stress --version` the version.\n\n",
        out);
    fputs(exit_statuses, out);
}

void ckf_stress_print_help(const char *command, FILE *out)
{
    if (command != NULL && strcmp(command, "noise") == 0) {
        print_help_of_noise(out);
        return;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (command == NULL || strcmp(commands[i].name, command) != 0)
            continue;
        fprintf(out, "Usage: ckf-stress %s [OPTION...]\n\n%c%s.\n\nOptions:\n", command,
                commands[i].help[0] - 'a' + 'A', commands[i].help + 1);
        for (size_t o = 0; o < OPTIONS; o++)
            if ((options[o].commands & commands[i].bit) != 0)
                print_option(&options[o], out);
        fputs("  -h, --help               show this\n\n", out);
        fputs(exit_statuses, out);
        return;
    }
    print_general_help(out);
}

/* --- Parsing ------------------------------------------------------------------------------------ */

struct words {
    int argc, next;
    char **argv;
    const char *command;
    unsigned bit;
    FILE *errors;
};

static const struct option *find_option(const char *name, size_t length)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static const struct option *find_letter(char letter)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].letter == letter)
            return &options[i];
    return NULL;
}

static bool reject(const struct words *words, const char *word, const char *why)
{
    fprintf(words->errors, "ckf-stress: '%s' %s; see `ckf-stress %s --help`\n", word, why,
            words->command);
    return false;
}

/* The word after an option, if it can be its value. */
static const char *next_value(struct words *words, enum value_need need)
{
    if (words->next >= words->argc)
        return NULL;
    const char *word = words->argv[words->next];
    if (need == OPTIONAL_VALUE && word[0] == '-' && word[1] != '\0')
        return NULL;
    words->next++;
    return word;
}

static bool apply(struct ckf_stress_settings *settings, struct words *words,
                  const struct option *option, const char *word, const char *value)
{
    if ((option->commands & words->bit) == 0)
        return reject(words, word, "is no option of this command");
    if (option->need == NO_VALUE && value != NULL)
        return reject(words, word, "takes no value");
    if (option->need != NO_VALUE && value == NULL)
        value = next_value(words, option->need);
    if (option->need == NEEDS_VALUE && value == NULL) {
        fprintf(words->errors, "ckf-stress: --%s needs a value: %s\n", option->name,
                option->expect);
        return false;
    }
    if (!option->set(settings, value)) {
        fprintf(words->errors, "ckf-stress: --%s cannot be '%s': it must be %s\n", option->name,
                value, option->expect);
        return false;
    }
    return true;
}

static bool parse_word(struct ckf_stress_settings *settings, struct words *words)
{
    const char *word = words->argv[words->next++];
    if (word[0] != '-' || word[1] == '\0')
        return reject(words, word, "is not understood here (a case is chosen with -c)");
    const struct option *option;
    const char *value = NULL;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        option = find_option(word + 2, length);
        if (word[2 + length] == '=')
            value = word + 2 + length + 1;
    } else {
        option = find_letter(word[1]);
        if (word[2] != '\0')
            value = word + 2;
    }
    if (option == NULL)
        return reject(words, word, "is no option");
    return apply(settings, words, option, word, value);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool any(const bool *flags, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (flags[i])
            return true;
    return false;
}

static void fill_if_none(bool *flags, size_t count)
{
    if (!any(flags, count))
        for (size_t i = 0; i < count; i++)
            flags[i] = true;
}

static void apply_defaults(struct ckf_stress_settings *settings)
{
    /* A racy twin makes a sanitizer speak: that is known, and not what one builds it for. */
    if (ckf_stress_sanitized() && !any(settings->variants, CKF_STRESS_VARIANTS))
        settings->variants[CKF_STRESS_MUTEX] = settings->variants[CKF_STRESS_ATOMIC] = true;
    fill_if_none(settings->variants, CKF_STRESS_VARIANTS);
    /* Other runtimes explore nothing: the program on plain threads has done so. */
    if (settings->engine == 0)
        settings->engine = ckf_stress_sanitized() || ckf_stress_runtime != NULL ? CKF_STRESS_THREADS
                                                                                : CKF_STRESS_BOTH;
    fill_if_none(settings->placements, CKF_STRESS_PLACEMENTS);
    fill_if_none(settings->spins, CKF_STRESS_SPIN_STYLES);
    if (settings->output_path == NULL)
        settings->output_path = "index.html";
}

static uint64_t fresh_seed(void)
{
    uint32_t seed; /* short enough to type */
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint32_t)ckf_stress_now_ns();
    return seed;
}

static bool parse_command(struct ckf_stress_settings *settings, struct words *words, size_t command)
{
    settings->command = commands[command].command;
    words->command = commands[command].name;
    words->bit = commands[command].bit;
    for (int i = words->next; i < words->argc; i++)
        if (is_help(words->argv[i])) {
            settings->command = CKF_STRESS_HELP;
            settings->command_of_help = words->command;
            return true;
        }
    while (words->next < words->argc)
        if (!parse_word(settings, words))
            return false;
    if (settings->json_path != NULL && settings->junit_path != NULL &&
        strcmp(settings->json_path, "-") == 0 && strcmp(settings->junit_path, "-") == 0) {
        fputs("ckf-stress: --json and --junit cannot both go to standard output: name a file\n",
              words->errors);
        return false;
    }
    apply_defaults(settings);
    return true;
}

/* `noise` means its `run`, unless it is to be compared. */
static bool parse_noise(struct ckf_stress_settings *settings, char **argv)
{
    static char run[] = "run";
    if (argv[2] != NULL && is_help(argv[2])) {
        settings->command = CKF_STRESS_HELP;
        settings->command_of_help = "noise";
    } else if (argv[2] != NULL && strcmp(argv[2], "--compare") == 0) {
        settings->command = CKF_STRESS_COMPARE_NOISE;
        settings->words = argv + 3;
    } else if (argv[2] == NULL || argv[2][0] == '-') {
        argv[1] = run;
    } else {
        settings->words = argv + 2;
    }
    return true;
}

static bool parse_other_command(struct ckf_stress_settings *settings, char **argv, size_t command)
{
    settings->command = CKF_STRESS_OTHER_RUNTIME;
    settings->runtime = other_commands[command].runtime;
    settings->words = argv + 1;
    return strcmp(settings->runtime, "noise") != 0 || parse_noise(settings, argv);
}

/* The programs beside this one know their help themselves. */
static bool parse_help(struct ckf_stress_settings *settings)
{
    static char help[] = "--help", name[16];
    static char *words[] = {name, name, help, NULL};
    for (size_t i = 0; i < OTHER_COMMANDS; i++)
        if (strcmp(settings->command_of_help, other_commands[i].name) == 0) {
            snprintf(name, sizeof name, "%s", other_commands[i].name);
            return parse_other_command(settings, words, i);
        }
    return true;
}

bool ckf_stress_parse(struct ckf_stress_settings *settings, int argc, char **argv, FILE *errors)
{
    *settings = (struct ckf_stress_settings){.seed = fresh_seed()};
    struct words words = {.argc = argc, .argv = argv, .next = 2, .errors = errors};
    if (argc < 2) {
        fputs("ckf-stress: a command is missing: list, run or report, or another that `ckf-stress "
              "--help` names\n",
              errors);
        return false;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        settings->command = CKF_STRESS_HELP;
        settings->command_of_help = argc > 2 ? argv[2] : NULL;
        return settings->command_of_help == NULL || parse_help(settings);
    }
    if (strcmp(argv[1], "--version") == 0) {
        settings->command = CKF_STRESS_VERSION;
        return true;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return parse_command(settings, &words, i);
    for (size_t i = 0; i < OTHER_COMMANDS; i++)
        if (strcmp(argv[1], other_commands[i].name) == 0)
            return parse_other_command(settings, argv, i);
    fprintf(errors,
            "ckf-stress: '%s' is no command: use list, run or report, or another that `ckf-stress "
            "--help` names\n",
            argv[1]);
    return false;
}
