/* harness/program.c - list, run, report: from a command line to an exit status. */
#include "harness/program.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/environment.h"
#include "harness/progress.h"
#include "harness/report.h"
#include "harness/sibling.h"

enum { BAD_USAGE_OR_BROKEN = 2 };

typedef bool (*writer)(const struct ckf_stress_report *report, FILE *out);

static bool is_standard_output(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

/* A file, or standard output; NULL, with a message, if it cannot be written. */
static FILE *open_output(const char *path)
{
    if (is_standard_output(path))
        return stdout;
    FILE *out = fopen(path, "we");
    if (out == NULL)
        fprintf(stderr, "ckf-stress: cannot write '%s': %s\n", path, strerror(errno));
    return out;
}

/* False, with a message, if not all was written. */
static bool close_output(FILE *out, const char *path, bool written)
{
    if (out != stdout)
        written = fclose(out) == 0 && written;
    if (!written)
        fprintf(stderr, "ckf-stress: '%s' could not be written whole\n", path);
    return written;
}

/* Writes one face of the report. */
static bool write_to(const char *path, writer write, const struct ckf_stress_report *report)
{
    FILE *out = open_output(path);
    return out != NULL && close_output(out, path, write(report, out));
}

static int list(const struct ckf_stress_catalog *catalog,
                const struct ckf_stress_settings *settings)
{
    bool json = settings->json_path != NULL;
    const char *path = json ? settings->json_path : "-";
    FILE *out = open_output(path);
    bool written = out != NULL && close_output(out, path,
                                               json ? ckf_stress_list_json(catalog, out)
                                                    : ckf_stress_list_text(catalog, out));
    return written ? 0 : BAD_USAGE_OR_BROKEN;
}

/* Every face that was asked for. Text goes where no other face is. */
static bool write_report(const struct ckf_stress_report *report)
{
    const struct ckf_stress_settings *settings = report->settings;
    bool output_taken =
        is_standard_output(settings->json_path) || is_standard_output(settings->junit_path);
    bool written = true;
    if (!settings->quiet)
        written = ckf_stress_report_text(report, output_taken ? stderr : stdout);
    if (settings->json_path != NULL)
        written = write_to(settings->json_path, ckf_stress_report_json, report) && written;
    if (settings->junit_path != NULL)
        written = write_to(settings->junit_path, ckf_stress_report_junit, report) && written;
    return written;
}

/* The explore engine finds most of what it can find at once; what it leaves of this, threads get. */
enum { EXPLORE_PERCENT = 25 };

/* Explores first, if asked to, and then runs threads for the rest of the time. */
static bool run_engines(const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings,
                        struct ckf_stress_exploration *exploration,
                        struct ckf_stress_outcome_of_run *outcome,
                        struct ckf_stress_progress_line *line)
{
    struct ckf_stress_settings of_threads = *settings;
    bool threads = (settings->engine & CKF_STRESS_THREADS) != 0;
    int64_t budget_ns = ckf_stress_budget_ns(catalog, settings);
    *exploration = (struct ckf_stress_exploration){.ran = false};
    if ((settings->engine & CKF_STRESS_EXPLORE) != 0) {
        int64_t share_ns = threads ? budget_ns / 100 * EXPLORE_PERCENT : budget_ns;
        if (!ckf_stress_explore(exploration, catalog, settings, share_ns,
                                settings->quiet ? NULL : line))
            return false;
        if (!exploration->ran && !threads) {
            fprintf(stderr, "ckf-stress: the explore engine is not here: %s\n",
                    exploration->absent);
            return false;
        }
    }
    if (settings->budget_ns != 0 || settings->iterations == 0)
        of_threads.budget_ns =
            budget_ns > exploration->ran_ns ? budget_ns - exploration->ran_ns : 1;
    if (!ckf_stress_execute(outcome, catalog, &of_threads, threads,
                            settings->quiet ? NULL : ckf_stress_progress_show, line)) {
        fprintf(stderr, "ckf-stress: no memory for the results\n");
        return false;
    }
    if (outcome->budget_ns != 0)
        outcome->budget_ns = budget_ns;
    outcome->ran_ns += exploration->ran_ns;
    return true;
}

static int run(const struct ckf_stress_catalog *catalog, const struct ckf_stress_settings *settings)
{
    struct ckf_stress_exploration exploration;
    struct ckf_stress_outcome_of_run outcome;
    struct ckf_stress_progress_line line;
    struct ckf_stress_summary summary;
    ckf_stress_progress_begin(&line, stderr);
    bool ran = run_engines(catalog, settings, &exploration, &outcome, &line);
    ckf_stress_progress_end(&line);
    if (!ran) {
        ckf_stress_exploration_dispose(&exploration);
        return BAD_USAGE_OR_BROKEN;
    }
    struct ckf_stress_report report = {catalog, settings, &outcome, &exploration};
    bool written = write_report(&report);
    ckf_stress_summarize(&report, &summary);
    int status = ckf_stress_exit_status(&summary, settings->require_repro);
    ckf_stress_dispose(&outcome);
    ckf_stress_exploration_dispose(&exploration);
    return written ? status : BAD_USAGE_OR_BROKEN;
}

/* --- The HTML report ---------------------------------------------------------------------------- */

/* A script of this project's: beside the program, installed relative to it, in the source tree that
 * it was built from, or where it was to be installed. */
static bool find_script(const char *name, char *path, size_t size)
{
    char relative[128];
    snprintf(relative, sizeof relative, "../share/ck_filter/%s", name);
    if (ckf_stress_find_beside(name, path, size) || ckf_stress_find_beside(relative, path, size))
        return true;
    static const char *const places[] = {CKF_STRESS_SOURCE_SCRIPTS, CKF_STRESS_DATA};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, size, "%s/%s", places[i], name);
        if (access(path, R_OK) == 0)
            return true;
    }
    fprintf(stderr, "ckf-stress: the script %s was not found\n", name);
    return false;
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}

/* Runs python3 with these words, and then those (NULL-ended), behind it. Returns its exit status. */
static int run_python(const char *const *words, const char *const *more)
{
    size_t count = count_words(words), count_of_more = count_words(more);
    char **argv = calloc(count + count_of_more + 2, sizeof *argv);
    if (argv == NULL)
        return BAD_USAGE_OR_BROKEN;
    argv[0] = (char *)(uintptr_t) "python3"; /* posix_spawnp leaves the texts alone */
    memcpy(argv + 1, words, count * sizeof *argv);
    memcpy(argv + 1 + count, more, count_of_more * sizeof *argv);
    pid_t pid;
    int status, error = posix_spawnp(&pid, "python3", NULL, NULL, argv, environ);
    free(argv);
    if (error != 0) {
        fprintf(stderr, "ckf-stress: cannot run python3: %s\n", strerror(error));
        return BAD_USAGE_OR_BROKEN;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : BAD_USAGE_OR_BROKEN;
}

static bool generate(const char *generator, const char *stress_path,
                     const struct ckf_stress_settings *settings)
{
    const char *bench = settings->bench_path != NULL ? "--bench" : NULL;
    const char *words[] = {generator, "--stress", stress_path, "--output", settings->output_path,
                           NULL};
    const char *more[] = {bench, settings->bench_path, NULL};
    if (run_python(words, more) == 0)
        return true;
    fprintf(stderr, "ckf-stress: the report generator %s failed\n", generator);
    return false;
}

static int report(const struct ckf_stress_catalog *catalog, struct ckf_stress_settings *settings)
{
    char generator[4096], temporary[] = "/tmp/ckf-stress-XXXXXX";
    if (!find_script("report.py", generator, sizeof generator)) {
        fprintf(stderr, "ckf-stress: `ckf-stress run --json FILE` needs none\n");
        return BAD_USAGE_OR_BROKEN;
    }
    if (settings->stress_path != NULL)
        return generate(generator, settings->stress_path, settings) ? 0 : BAD_USAGE_OR_BROKEN;
    bool keep = settings->json_path != NULL && !is_standard_output(settings->json_path);
    if (!keep) {
        int fd = mkstemp(temporary);
        if (fd < 0) {
            fprintf(stderr, "ckf-stress: cannot make a file in /tmp: %s\n", strerror(errno));
            return BAD_USAGE_OR_BROKEN;
        }
        close(fd);
        settings->json_path = temporary;
    }
    int status = run(catalog, settings);
    bool generated =
        status != BAD_USAGE_OR_BROKEN && generate(generator, settings->json_path, settings);
    if (!keep)
        unlink(temporary);
    if (generated && !settings->quiet)
        printf("The report is in %s\n", settings->output_path);
    return generated ? status : BAD_USAGE_OR_BROKEN;
}

/* --- Other runtimes ------------------------------------------------------------------------------- */

static int compare_noise(const struct ckf_stress_settings *settings)
{
    char script[4096], noise[4096], self[4096];
    const char *words[] = {script, "--plain", self, "--noise", noise, NULL};
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!find_script("compare_noise.py", script, sizeof script) || length <= 0)
        return BAD_USAGE_OR_BROKEN;
    self[length] = '\0';
    if (!ckf_stress_find_sibling("noise", noise, sizeof noise)) {
        fprintf(stderr, "ckf-stress: there is no program '%s' beside this one\n", noise);
        return BAD_USAGE_OR_BROKEN;
    }
    return run_python(words, (const char *const *)settings->words);
}

/* --- The door ----------------------------------------------------------------------------------- */

static bool any_variant(const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings)
{
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (settings->variants[v] && catalog->cases[i]->operations[v] != NULL)
                return true;
    return false;
}

static int dispatch(struct ckf_stress_catalog *catalog, struct ckf_stress_settings *settings)
{
    if (!ckf_stress_catalog_select(catalog, settings->globs, settings->glob_count, stderr))
        return BAD_USAGE_OR_BROKEN;
    if (settings->command != CKF_STRESS_LIST && !any_variant(catalog, settings)) {
        fprintf(stderr, "ckf-stress: there is nothing to run: none of these cases has such a "
                        "variant; `ckf-stress list` shows them\n");
        return BAD_USAGE_OR_BROKEN;
    }
    switch (settings->command) {
    case CKF_STRESS_LIST:
        return list(catalog, settings);
    case CKF_STRESS_RUN:
        return run(catalog, settings);
    default:
        return report(catalog, settings);
    }
}

int ckf_stress_program(int argc, char **argv, const struct ckf_stress_case *const *begin,
                       const struct ckf_stress_case *const *end)
{
    static struct ckf_stress_settings settings;
    struct ckf_stress_catalog catalog;
    if (!ckf_stress_parse(&settings, argc, argv, stderr))
        return BAD_USAGE_OR_BROKEN;
    if (settings.command == CKF_STRESS_HELP) {
        ckf_stress_print_help(settings.command_of_help, stdout);
        return 0;
    }
    if (settings.command == CKF_STRESS_VERSION) {
        printf("ckf-stress %s\n", CKF_STRESS_VERSION_TEXT);
        return 0;
    }
    if (settings.command == CKF_STRESS_OTHER_RUNTIME)
        return ckf_stress_become(settings.runtime, settings.words);
    if (settings.command == CKF_STRESS_COMPARE_NOISE)
        return compare_noise(&settings);
    if (!ckf_stress_catalog_load(&catalog, begin, end, stderr))
        return BAD_USAGE_OR_BROKEN;
    int status = dispatch(&catalog, &settings);
    ckf_stress_catalog_unload(&catalog);
    return status;
}
