/* explore/settings.c - the command line of the explore engine. */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

#include "harness/catalog.h"
#include "harness/values.h"

void ckf_explore_print_help(FILE *out)
{
    fputs(
        "usage: ckf-stress explore [OPTION ...]\n"
        "       ckf-stress explore replay FILE\n"
        "       ckf-stress explore list\n"
        "       ckf-stress explore mutate [OPTION ...]\n"
        "       ckf-stress explore progress [OPTION ...]\n"
        "\n"
        "Runs the cases in one thread under schedules and weak-memory reads of the engine's\n"
        "choosing. A racy variant must fail, a fixed one must not. `mutate` weakens each memory\n"
        "order of the library in turn, leaves out wakes and rechecks, and tells which cases\n"
        "notice. `progress` parks each actor for ever at each of its steps in turn and tells\n"
        "where that stops the others.\n"
        "\n"
        "  -c GLOB            cases whose id matches (may be repeated)\n"
        "  --variant LIST     racy, mutex, atomic, or several with commas\n"
        "  --model NAME       c11 (default), tso or sc\n"
        "  --strategy NAME    portfolio (default), sequential, random, pct, dfs or dpor\n"
        "  --depth N          of pct: 1 to 8 (default: 1, 2 and 3 in turn)\n"
        "  --preemptions N    the highest bound of dfs (default 2); `all`: no bound, as dpor has\n"
        "  --stale-reads N    of one execution of dfs: loads that do not read the newest store\n"
        "                     (`all`, the default: any number)\n"
        "  --executions N     at the most, for each variant of each case, or for each mutant\n"
        "  --budget TIME      for everything, as in 60s or 3m (default: 2 s for each variant;\n"
        "                     mutate: none)\n"
        "  --seed N           of random and pct\n"
        "  --rounds N         operations an actor does (default: what the case says)\n"
        "  --copies N         of actors whose number the case leaves open (default 2)\n"
        "  --timeouts N       deadlines that may fire early in one execution (default 1)\n"
        "  --spurious N       spurious wake-ups and failures of weak CAS (default 0)\n"
        "  --fail-allocation N  the Nth allocation of each execution fails (default 0: none)\n"
        "  --plain            a search that leaves nothing out: to check the engine\n"
        "  --require-repro    exit 3 if a racy variant, or a mutant, is not seen to fail\n"
        "  --save DIR         write a schedule file for racy variants, too\n"
        "  --no-files         write none for fixed variants either\n"
        "  --trace            print the execution that failed for racy variants, too\n"
        "  --stats            print executions and steps per second\n"
        "  --json FILE        write the results\n"
        "  --jobs N           of mutate: processes (default: one a processor)\n"
        "  --files GLOB       of mutate: what is mutated, as in 'channel/*' or '* put_word()'\n"
        "                     (may be repeated)\n"
        "\n"
        "exit: 0 clean, 1 a fixed variant failed, 2 bad usage, a bad schedule file or something\n"
        "the engine cannot follow, 3 a racy variant was not reproduced\n",
        out);
}

struct parser {
    struct ckf_explore_settings *settings;
    FILE *errors;
    const char *option, *value;
};

static bool refuse(const struct parser *parser, const char *what)
{
    fprintf(parser->errors, "ckf-stress: %s %s: %s\n", parser->option,
            parser->value != NULL ? parser->value : "", what);
    return false;
}

static bool number(const struct parser *parser, uint64_t limit, uint64_t *result)
{
    char what[64] = "a number is expected";
    if (ckf_stress_parse_number(parser->value, result) && *result <= limit)
        return true;
    if (limit < UINT64_MAX)
        snprintf(what, sizeof what, "a number from 0 to %" PRIu64 " is expected", limit);
    return refuse(parser, what);
}

static bool small_number(const struct parser *parser, unsigned limit, unsigned *result)
{
    uint64_t wide;
    if (!number(parser, limit, &wide))
        return false;
    *result = (unsigned)wide;
    return true;
}

static bool choose(const struct parser *parser, const char *const *names, int count, int *result)
{
    for (*result = 0; *result < count; (*result)++)
        if (strcmp(parser->value, names[*result]) == 0)
            return true;
    return refuse(parser, "there is no such choice; see --help");
}

static bool duration(const struct parser *parser, int64_t *ns)
{
    return ckf_stress_parse_duration(parser->value, ns) ||
           refuse(parser, "a time is expected, as in 60s, 500ms or 3m");
}

static bool add_glob(const struct parser *parser, const char **globs, size_t *count)
{
    if (*count == CKF_EXPLORE_MAX_GLOBS)
        return refuse(parser, "too many globs");
    globs[(*count)++] = parser->value;
    return true;
}

static bool set_variant(struct parser *parser)
{
    return ckf_stress_parse_names(parser->value, ckf_stress_variant_names, CKF_STRESS_VARIANTS,
                                  parser->settings->variants) ||
           refuse(parser, "racy, mutex and atomic are, or several with commas");
}

static bool set_model(struct parser *parser)
{
    static const char *const names[] = {"c11", "tso", "sc"};
    int model;
    if (!choose(parser, names, 3, &model))
        return false;
    parser->settings->model = (enum ckf_explore_model)model;
    return true;
}

static bool set_strategy(struct parser *parser)
{
    static const char *const names[] = {"sequential", "random", "pct", "dfs", "dpor", "portfolio"};
    if (!choose(parser, names, 6, &parser->settings->strategy))
        return false;
    if (parser->settings->strategy == 5)
        parser->settings->strategy = -1;
    return true;
}

static bool set_preemptions(struct parser *parser)
{
    parser->settings->preemptions_given = true;
    if (strcmp(parser->value, "all") == 0) {
        parser->settings->preemptions = CKF_EXPLORE_UNBOUNDED;
        return true;
    }
    return small_number(parser, 1000, &parser->settings->preemptions);
}

static bool set_stale_reads(struct parser *parser)
{
    struct ckf_explore_settings *settings = parser->settings;
    settings->reads_are_bounded = strcmp(parser->value, "all") != 0;
    return !settings->reads_are_bounded ||
           small_number(parser, CKF_EXPLORE_MOST_STALE_READS, &settings->stale_reads);
}

static bool set_path(struct parser *parser, const char **path)
{
    *path = parser->value;
    return true;
}

/* Options that take a value. */
static bool set_value(struct parser *parser, bool *known)
{
    struct ckf_explore_settings *settings = parser->settings;
    const char *option = parser->option;
    *known = true;
    if (strcmp(option, "-c") == 0 || strcmp(option, "--case") == 0)
        return add_glob(parser, settings->globs, &settings->glob_count);
    if (strcmp(option, "--variant") == 0)
        return set_variant(parser);
    if (strcmp(option, "--model") == 0)
        return set_model(parser);
    if (strcmp(option, "--strategy") == 0)
        return set_strategy(parser);
    if (strcmp(option, "--depth") == 0)
        return small_number(parser, 8, &settings->depth);
    if (strcmp(option, "--preemptions") == 0)
        return set_preemptions(parser);
    if (strcmp(option, "--stale-reads") == 0)
        return set_stale_reads(parser);
    if (strcmp(option, "--executions") == 0)
        return number(parser, UINT64_MAX, &settings->executions);
    if (strcmp(option, "--budget") == 0)
        return duration(parser, &settings->budget_ns);
    if (strcmp(option, "--seed") == 0)
        return number(parser, UINT64_MAX, &settings->seed);
    if (strcmp(option, "--rounds") == 0)
        return small_number(parser, 1000000, &settings->rounds);
    if (strcmp(option, "--copies") == 0)
        return small_number(parser, CKF_EXPLORE_THREADS - 1, &settings->copies);
    if (strcmp(option, "--jobs") == 0)
        return small_number(parser, 64, &settings->jobs);
    if (strcmp(option, "--timeouts") == 0)
        return small_number(parser, 1000, &settings->timeouts);
    if (strcmp(option, "--spurious") == 0)
        return small_number(parser, 1000, &settings->spurious);
    if (strcmp(option, "--fail-allocation") == 0)
        return small_number(parser, 1000000, &settings->failed_allocation);
    if (strcmp(option, "--files") == 0)
        return add_glob(parser, settings->files, &settings->file_count);
    if (strcmp(option, "--json") == 0)
        return set_path(parser, &settings->json_path);
    if (strcmp(option, "--save") == 0)
        return set_path(parser, &settings->save_path);
    *known = false;
    return true;
}

static bool set_flag(struct ckf_explore_settings *settings, const char *option)
{
    if (strcmp(option, "--require-repro") == 0)
        settings->require_repro = true;
    else if (strcmp(option, "--stats") == 0)
        settings->stats = true;
    else if (strcmp(option, "--plain") == 0)
        settings->plain = true;
    else if (strcmp(option, "--trace") == 0)
        settings->trace = true;
    else if (strcmp(option, "--no-files") == 0)
        settings->no_files = true;
    else if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0)
        settings->command = CKF_COMMAND_HELP;
    else
        return false;
    return true;
}

static bool takes_command(struct ckf_explore_settings *settings, int argc, char **argv, int *next)
{
    if (*next < argc && strcmp(argv[*next], "explore") == 0)
        (*next)++;
    if (*next < argc && strcmp(argv[*next], "mutate") == 0) {
        settings->command = CKF_COMMAND_MUTATE;
        (*next)++;
    } else if (*next < argc && strcmp(argv[*next], "progress") == 0) {
        settings->command = CKF_COMMAND_PROGRESS;
        (*next)++;
    } else if (*next < argc && strcmp(argv[*next], "list") == 0) {
        settings->command = CKF_COMMAND_LIST;
        (*next)++;
    } else if (*next < argc && strcmp(argv[*next], "replay") == 0) {
        settings->command = CKF_COMMAND_REPLAY;
        (*next)++;
        if (*next == argc)
            return false;
        if (strcmp(argv[*next], "--help") != 0 && strcmp(argv[*next], "-h") != 0)
            settings->schedule_path = argv[(*next)++];
    }
    return true;
}

/* "--budget=60s" is --budget with the value 60s. */
static bool split_at_equals(struct parser *parser)
{
    static char name[32];
    const char *equals = strchr(parser->option, '=');
    if (equals == NULL || parser->option[0] != '-' || equals - parser->option >= (long)sizeof name)
        return false;
    memcpy(name, parser->option, (size_t)(equals - parser->option));
    name[equals - parser->option] = '\0';
    parser->option = name;
    parser->value = equals + 1;
    return true;
}

/* What partial-order reduction would be wrong or meaningless with. */
static bool check_together(struct ckf_explore_settings *settings, FILE *errors)
{
    bool bounded = settings->preemptions_given && settings->preemptions != CKF_EXPLORE_UNBOUNDED;
    if (settings->strategy != CKF_EXPLORE_DPOR)
        return true;
    if (bounded)
        fprintf(errors,
                "ckf-stress: --strategy dpor goes without a bound: orders that it takes for "
                "equal differ in preemptions\n");
    if (settings->plain)
        fprintf(errors, "ckf-stress: --strategy dpor leaves things out, and --plain does not\n");
    return !bounded && !settings->plain;
}

bool ckf_explore_parse(struct ckf_explore_settings *settings, int argc, char **argv, FILE *errors)
{
    *settings =
        (struct ckf_explore_settings){.strategy = -1, .preemptions = 2, .timeouts = 1, .seed = 1};
    int next = 1;
    if (!takes_command(settings, argc, argv, &next)) {
        fprintf(errors, "ckf-stress: replay needs a schedule file\n");
        return false;
    }
    for (; next < argc; next++) {
        struct parser parser = {settings, errors, argv[next], NULL};
        if (set_flag(settings, argv[next]))
            continue;
        bool known = false, joined = split_at_equals(&parser);
        if (!joined)
            parser.value = next + 1 < argc ? argv[next + 1] : "";
        if (!set_value(&parser, &known))
            return false;
        if (!known) {
            fprintf(errors, "ckf-stress: explore has no option '%s'; see --help\n", argv[next]);
            return false;
        }
        if (!joined && ++next == argc) {
            fprintf(errors, "ckf-stress: %s needs a value\n", argv[next - 1]);
            return false;
        }
    }
    if (!check_together(settings, errors))
        return false;
    bool any = settings->variants[0] || settings->variants[1] || settings->variants[2];
    for (int i = 0; i < CKF_STRESS_VARIANTS; i++)
        settings->variants[i] = settings->variants[i] || !any;
    return true;
}
