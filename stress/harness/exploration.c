/* harness/exploration.c - runs the explore engine's program and takes in its results.
 *
 * The engine writes JSON with one line for each variant, which begins with what is needed here: case,
 * variant, verdict, outcome, extent. The line goes into the report of the whole run as it is. */
#include "harness/exploration.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/clock.h"
#include "harness/sibling.h"

enum { MAX_WORDS = 2 * CKF_STRESS_MAX_GLOBS + 32, NUMBER_BYTES = 32 };

struct command {
    char *words[MAX_WORDS];
    size_t count;
    char numbers[4][NUMBER_BYTES];
    unsigned number_count;
};

static void add(struct command *command, const char *word)
{
    if (command->count + 1 < MAX_WORDS)
        command->words[command->count++] = (char *)(uintptr_t)word; /* execv leaves it alone */
}

static void add_number(struct command *command, const char *option, uint64_t value,
                       const char *unit)
{
    char *text = command->numbers[command->number_count++];
    snprintf(text, NUMBER_BYTES, "%" PRIu64 "%s", value, unit);
    add(command, option);
    add(command, text);
}

static void compose(struct command *command, const char *program, const char *json_path,
                    const struct ckf_stress_settings *settings, int64_t budget_ns)
{
    *command = (struct command){.count = 0};
    add(command, program);
    add(command, "explore");
    for (size_t i = 0; i < settings->glob_count; i++) {
        add(command, "-c");
        add(command, settings->globs[i]);
    }
    for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
        if (settings->variants[v]) {
            add(command, "--variant");
            add(command, ckf_stress_variant_name((enum ckf_stress_variant)v));
        }
    add_number(command, "--seed", settings->seed, "");
    add_number(command, "--budget", (uint64_t)(budget_ns / 1000 + 1), "us");
    if (settings->iterations != 0)
        add_number(command, "--executions", settings->iterations, "");
    add(command, "--json");
    add(command, json_path);
}

_Noreturn static void become(const struct command *command, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execv(command->words[0], command->words);
    fprintf(stderr, "ckf-stress: cannot run %s: %s\n", command->words[0], strerror(errno));
    _exit(127);
}

/* Shows the lines that the engine prints, one a variant, until it has no more to say. */
static void follow(int in, struct ckf_stress_progress_line *line)
{
    FILE *lines = fdopen(in, "r");
    char *text = NULL;
    size_t size = 0;
    while (lines != NULL && getline(&text, &size, lines) > 0)
        if (text[0] != ' ' && line != NULL) {
            text[strcspn(text, "\n")] = '\0';
            ckf_stress_progress_say(line, "exploring", text);
        }
    free(text);
    if (lines != NULL)
        fclose(lines);
    else
        close(in);
}

/* Returns the engine's exit status; negative: it could not be run, or died. */
static int run_engine(const struct command *command, struct ckf_stress_progress_line *line)
{
    int ends[2], status;
    fflush(NULL);
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become(command, ends[1]);
    close(ends[1]);
    follow(ends[0], line);
    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- Results ------------------------------------------------------------------------------------- */

/* The character that an escape stands for; moves on to the escape's last character. Only what
 * ckf_stress_json_escape writes is read: characters below 128, and the one that replaces no text. */
static const char *unescape(const char **next, char one[2])
{
    unsigned code = 0;
    if (**next == 'u' && sscanf(*next + 1, "%4x", &code) == 1 &&
        strspn(*next + 1, "0123456789abcdef") >= 4) {
        *next += 4;
        one[0] = (char)code;
        return code < 0x80 ? one : "\xef\xbf\xbd";
    }
    one[0] = **next == 'n' ? '\n' : **next;
    return one;
}

/* Copies the string that is the value of a key. */
static bool read_field(const char *json, const char *key, char *into, size_t size)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
    const char *found = strstr(json, pattern);
    if (found == NULL)
        return false;
    size_t length = 0;
    for (found += strlen(pattern); *found != '"' && *found != '\0'; found++) {
        char one[2] = {*found};
        const char *text = one;
        if (*found == '\\' && found[1] != '\0') {
            found++;
            text = unescape(&found, one);
        }
        for (; *text != '\0' && length + 1 < size; text++)
            into[length++] = *text;
    }
    into[length] = '\0';
    return true;
}

static struct ckf_stress_explored *find_place(struct ckf_stress_exploration *exploration,
                                              const struct ckf_stress_catalog *catalog,
                                              const char *id, const char *variant)
{
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (strcmp(catalog->cases[i]->id, id) == 0 &&
                strcmp(ckf_stress_variant_name((enum ckf_stress_variant)v), variant) == 0)
                return &exploration->cases[i][v];
    return NULL;
}

static enum ckf_stress_explored_verdict read_verdict(const char *word)
{
    static const struct {
        const char *word;
        enum ckf_stress_explored_verdict verdict;
    } words[] = {
        {"REPRODUCED", CKF_STRESS_EXPLORED_FAILED}, {"NOT REPRODUCED", CKF_STRESS_EXPLORED_CLEAN},
        {"FAILED", CKF_STRESS_EXPLORED_FAILED},     {"clean", CKF_STRESS_EXPLORED_CLEAN},
        {"NO VERDICT", CKF_STRESS_NO_VERDICT},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].verdict;
    return CKF_STRESS_NOT_EXPLORED;
}

/* A line is an object, and perhaps a comma. */
static void take_line(struct ckf_stress_exploration *exploration,
                      const struct ckf_stress_catalog *catalog, char *line)
{
    char id[128], variant[16], verdict[32];
    line[strcspn(line, "\n")] = '\0';
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == ',')
        line[length - 1] = '\0';
    if (line[0] != '{' || !read_field(line, "case", id, sizeof id) ||
        !read_field(line, "variant", variant, sizeof variant) ||
        !read_field(line, "verdict", verdict, sizeof verdict))
        return;
    struct ckf_stress_explored *place = find_place(exploration, catalog, id, variant);
    if (place == NULL || place->json != NULL)
        return;
    place->json = strdup(line);
    place->verdict = read_verdict(verdict);
    read_field(line, "outcome", place->outcome, sizeof place->outcome);
    read_field(line, "schedule", place->schedule, sizeof place->schedule);
    read_field(line, "extent", place->extent, sizeof place->extent);
}

static bool take_results(struct ckf_stress_exploration *exploration,
                         const struct ckf_stress_catalog *catalog, const char *path)
{
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    if (in == NULL)
        return false;
    while (getline(&line, &size, in) > 0)
        take_line(exploration, catalog, line);
    free(line);
    fclose(in);
    return true;
}

bool ckf_stress_explore(struct ckf_stress_exploration *exploration,
                        const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings, int64_t budget_ns,
                        struct ckf_stress_progress_line *line)
{
    char program[4096], path[] = "/tmp/ckf-stress-XXXXXX";
    *exploration = (struct ckf_stress_exploration){.count = catalog->count};
    if (!ckf_stress_find_sibling("explore", program, sizeof program)) {
        snprintf(exploration->absent, sizeof exploration->absent,
                 "there is no program '%.100s' beside this one", program);
        return true;
    }
    exploration->cases = calloc(catalog->count + 1, sizeof *exploration->cases);
    int fd = mkstemp(path);
    if (exploration->cases == NULL || fd < 0) {
        fprintf(stderr, "ckf-stress: no room for the results of the explore engine\n");
        return false;
    }
    close(fd);
    int64_t begin_ns = ckf_stress_now_ns();
    struct command command;
    compose(&command, program, path, settings, budget_ns);
    int status = run_engine(&command, line);
    bool done = status >= 0 && status <= 3 && take_results(exploration, catalog, path);
    unlink(path);
    exploration->ran = done;
    exploration->ran_ns = ckf_stress_now_ns() - begin_ns;
    if (!done)
        fprintf(stderr, "ckf-stress: the explore engine %s failed (status %d)\n", program, status);
    return done;
}

void ckf_stress_exploration_dispose(struct ckf_stress_exploration *exploration)
{
    for (size_t i = 0; exploration->cases != NULL && i < exploration->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            free(exploration->cases[i][v].json);
    free(exploration->cases);
    *exploration = (struct ckf_stress_exploration){.ran = false};
}

void ckf_stress_explored_sentence(const struct ckf_stress_explored *explored, char *text,
                                  size_t size)
{
    switch (explored->verdict) {
    case CKF_STRESS_EXPLORED_FAILED:
        snprintf(text, size, "found \"%s\" %s", explored->outcome, explored->extent);
        break;
    case CKF_STRESS_EXPLORED_CLEAN:
        snprintf(text, size, "found nothing forbidden in %s", explored->extent);
        break;
    case CKF_STRESS_NO_VERDICT:
        snprintf(text, size, "gives no verdict: %s", explored->extent);
        break;
    default:
        snprintf(text, size, "did not come to it");
    }
}
