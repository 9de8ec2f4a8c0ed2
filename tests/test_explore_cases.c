/* tests/test_explore_cases.c - the program around the explore engine: verdicts, exit statuses,
 * schedule files and their replay.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"

static char folder[] = "/tmp/ckf-explore-XXXXXX";

static int explore(const char *first, ...)
{
    char *argv[32] = {(char *)(uintptr_t) "ckf-stress", (char *)(uintptr_t)first};
    int argc = first != NULL ? 2 : 1;
    va_list list;
    va_start(list, first);
    for (const char *next; first != NULL && (next = va_arg(list, const char *)) != NULL;)
        argv[argc++] = (char *)(uintptr_t)next;
    va_end(list);
    fflush(stdout);
    return ckf_explore_main(argc, argv);
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void racy_variants_fail_and_fixed_ones_do_not(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "hit-counter", "-c", "hand-over", "--require-repro", "--stats",
                             (const char *)NULL),
                     0);
}

static void a_fixed_variant_that_fails_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "hand-over-still-broken", "--save", folder, (const char *)NULL),
                     1);
    assert_int_equal(access(path_of("hand-over-still-broken-atomic.schedule"), R_OK), 0);
}

static void a_racy_variant_that_does_not_fail_is_said_so(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "not-racy", (const char *)NULL), 0);
    assert_int_equal(explore("-c", "not-racy", "--require-repro", (const char *)NULL), 3);
}

static void memory_that_nobody_frees_is_a_leak_unless_the_case_says_so(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "forgotten-block", "--require-repro", (const char *)NULL), 0);
    assert_int_equal(
        explore("-c", "forgotten-block", "--variant", "racy", "--save", folder, (const char *)NULL),
        0);
    assert_int_equal(
        explore("replay", path_of("forgotten-block-racy.schedule"), (const char *)NULL), 0);
    assert_int_equal(explore("-c", "block-that-stays", (const char *)NULL), 0);
}

static void allocations_fail_where_a_case_says_that_it_copes(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "needs-memory", "--variant", "mutex", (const char *)NULL), 0);
    assert_int_equal(
        explore("-c", "needs-memory", "--variant", "atomic", "--save", folder, (const char *)NULL),
        1);
    assert_int_equal(explore("replay", path_of("needs-memory-atomic.schedule"), (const char *)NULL),
                     0);
}

static void every_model_and_strategy_runs(void **state)
{
    (void)state;
    static const char *const models[] = {"c11", "tso", "sc"};
    static const char *const strategies[] = {"sequential", "random", "pct",
                                             "dfs",        "dpor",   "portfolio"};
    for (int m = 0; m < 3; m++)
        for (int s = 0; s < 6; s++)
            assert_int_equal(explore("explore", "-c", "hit-counter", "--model", models[m],
                                     "--strategy", strategies[s], "--executions", "2000",
                                     (const char *)NULL),
                             0);
    assert_int_equal(
        explore("-c", "hit-counter", "--preemptions", "all", "--rounds", "1", (const char *)NULL),
        0);
}

static void a_schedule_replays(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "hit-counter", "-c", "hand-over", "--variant", "racy", "--save",
                             folder, (const char *)NULL),
                     0);
    assert_int_equal(explore("replay", path_of("hit-counter-racy.schedule"), (const char *)NULL),
                     0);
    assert_int_equal(explore("replay", path_of("hand-over-racy.schedule"), (const char *)NULL), 0);
}

/* In another process everything but the heap lies elsewhere. */
static void a_schedule_replays_in_another_process(void **state)
{
    (void)state;
    char command[1024], executable[512];
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    assert_true(length > 0);
    executable[length] = '\0';
    snprintf(command, sizeof command, "'%s' replay '%s' >/dev/null", executable,
             path_of("hit-counter-racy.schedule"));
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "'%s' replay '%s' >/dev/null", executable,
             path_of("hand-over-racy.schedule"));
    assert_int_equal(system(command), 0);
}

static size_t read_schedule(char *text, size_t size)
{
    FILE *in = fopen(path_of("hit-counter-racy.schedule"), "r");
    assert_non_null(in);
    size_t length = fread(text, 1, size - 1, in);
    fclose(in);
    text[length] = '\0';
    return length;
}

static int replay_text(const char *text, size_t length)
{
    FILE *out = fopen(path_of("changed.schedule"), "w");
    assert_non_null(out);
    fwrite(text, 1, length, out);
    fclose(out);
    return explore("replay", path_of("changed.schedule"), (const char *)NULL);
}

static void a_damaged_schedule_is_refused(void **state)
{
    (void)state;
    char text[8192];
    size_t length = read_schedule(text, sizeof text);
    assert_int_equal(replay_text(text, length), 0);
    for (size_t cut = 0; cut < length; cut += 7)
        assert_int_equal(replay_text(text, cut), 2);
    for (size_t place = 0; place < length; place += 5) {
        char old = text[place];
        text[place] = old == '1' ? '0' : '1';
        assert_int_equal(replay_text(text, length), 2);
        text[place] = old;
    }
    assert_int_equal(replay_text("something else\n", 15), 2);
    assert_int_equal(replay_text("", 0), 2);
    assert_int_equal(explore("replay", path_of("missing"), (const char *)NULL), 2);
}

/* Puts the checksum right after a change, as nobody would by accident. */
static size_t sign_again(char *text, size_t size)
{
    char *end = strstr(text, "\nend ");
    assert_non_null(end);
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a, as in schedule.c */
    for (const char *at = text; at <= end; at++)
        sum = (sum ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    size_t room = size - (size_t)(end + 1 - text);
    snprintf(end + 1, room, "end %016" PRIx64 "\n", sum);
    return strlen(text);
}

/* Replaces the rest of the line that begins with `field`. */
static void change_line(char *text, size_t size, const char *field, const char *value)
{
    char rest[8192];
    char *line = strstr(text, field);
    assert_non_null(line);
    line += strlen(field);
    snprintf(rest, sizeof rest, "%s", line + strcspn(line, "\n"));
    snprintf(line, size - (size_t)(line - text), "%s%s", value, rest);
}

/* What the program says in a process of its own. */
static int explore_elsewhere(const char *words, char *said, size_t size)
{
    char command[1024], executable[512];
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    assert_true(length > 0);
    executable[length] = '\0';
    snprintf(command, sizeof command, "'%s' %s 2>&1", executable, words);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, size - 1, pipe)] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int replay_elsewhere(char *said, size_t size)
{
    char words[512];
    snprintf(words, sizeof words, "replay '%s'", path_of("changed.schedule"));
    return explore_elsewhere(words, said, size);
}

static void a_schedule_of_another_program_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *field, *value, *says;
    } examples[] = {
        {"case ", "of-somebody-else", "of a case that this program lacks: of-somebody-else"},
        {"variant ", "quick", "has no variant 'quick'"},
        {"variant ", "atomic", "the replay diverges"},
        {"outcome ", "exact", "the replay diverges"},
        {"hash ", "0123456789abcdef", "the replay diverges"},
        {"rounds ", "1", "the replay diverges"},
        {"model ", "power", "is damaged (at: model)"},
        {"choices ", "99999999", "is damaged (at: choices)"},
        {"contended ", "1\nhffffffffffffffff", "memory that this program lacks"},
        {"ck_filter schedule ", "2", "is no schedule file of this version"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char text[8192], said[8192];
        read_schedule(text, sizeof text);
        change_line(text, sizeof text, examples[i].field, examples[i].value);
        if (strcmp(examples[i].field, "contended ") == 0)
            memmove(strstr(text, "ffffffffffffffff\n") + 17, strstr(text, "\nend ") + 1,
                    strlen(strstr(text, "\nend ")));
        size_t length = sign_again(text, sizeof text);
        replay_text(text, length);
        assert_int_equal(replay_elsewhere(said, sizeof said), 2);
        if (strstr(said, examples[i].says) == NULL)
            fail_msg("%s%s: it says: %s", examples[i].field, examples[i].value, said);
    }
}

static void a_thread_that_does_not_come_back_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "loops-for-ever", "--require-repro", (const char *)NULL), 0);
    assert_int_equal(
        explore("-c", "waits-for-ever", "--no-files", "--executions", "1", (const char *)NULL), 2);
}

static void mutation_needs_variants_that_do_not_fail(void **state)
{
    (void)state;
    assert_int_equal(
        explore("mutate", "-c", "cancelled-request", "--executions", "300", (const char *)NULL), 0);
    assert_int_equal(explore("mutate", "-c", "hand-over-still-broken", (const char *)NULL), 2);
}

static void mutation_of_nothing_is_refused(void **state)
{
    (void)state;
    assert_int_equal(explore("mutate", "-c", "hit-counter", (const char *)NULL), 2);
    assert_int_equal(explore("mutate", "-c", "needs-memory", (const char *)NULL), 2);
    assert_int_equal(
        explore("mutate", "-c", "hit-counter", "--variant", "racy", (const char *)NULL), 2);
    assert_int_equal(
        explore("mutate", "-c", "cancelled-request", "--files", "channel/*", (const char *)NULL),
        2);
}

static void descriptors_do_not_run_out(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "open-descriptors", "--no-files", "--strategy", "dfs",
                             "--preemptions", "all", "--executions", "5000", (const char *)NULL),
                     0);
}

static void who_uses_a_descriptor_must_know_of_its_opening(void **state)
{
    (void)state;
    assert_int_equal(
        explore("-c", "told-descriptor", "--no-files", "--require-repro", (const char *)NULL), 0);
}

static void recorded_histories_are_judged(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "records-permits", "-c", "records-unreturned", "--require-repro",
                             "--preemptions", "all", (const char *)NULL),
                     0);
    assert_int_equal(explore("-c", "records-still-broken", "--save", folder, (const char *)NULL),
                     1);
    assert_int_equal(
        explore("replay", path_of("records-still-broken-atomic.schedule"), (const char *)NULL), 0);
}

static void what_cannot_be_judged_is_not_clean(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "records-too-much", "--save", folder, (const char *)NULL), 1);
    assert_int_equal(explore("-c", "records-call-in-call", (const char *)NULL), 2);
    assert_int_equal(explore("-c", "records-unspecified", (const char *)NULL), 2);
}

static void a_body_that_ends_the_program_does_not_end_the_search(void **state)
{
    (void)state;
    char said[8192];
    assert_int_equal(explore_elsewhere("-c 'calls-exit*' --no-files", said, sizeof said), 1);
    assert_non_null(strstr(said, "actor calls exit"));
    assert_non_null(strstr(said, "actor calls _exit"));
    assert_non_null(strstr(said, "2 failed"));
    assert_int_equal(explore_elsewhere("-c raises-a-signal", said, sizeof said), 2);
    assert_non_null(strstr(said, "calls raise, which this engine does not model"));
}

static void memory_that_grows_is_no_fault(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "grows-*", "--no-files", (const char *)NULL), 0);
}

static void bodies_get_what_they_were_promised(void **state)
{
    (void)state;
    char said[8192];
    assert_int_equal(explore("-c", "counts-copies", "--no-files", (const char *)NULL), 0);
    assert_int_equal(explore_elsewhere("-c sets-a-register-too-many", said, sizeof said), 2);
    assert_non_null(strstr(said, "sets a result register above 7"));
}

static void a_schedule_replays_whatever_its_outcome_is_called(void **state)
{
    (void)state;
    assert_int_equal(explore("-c", "says-*", "--save", folder, (const char *)NULL), 1);
    assert_int_equal(
        explore("replay", path_of("says-two-lines-atomic.schedule"), (const char *)NULL), 0);
    assert_int_equal(explore("replay", path_of("says-much-atomic.schedule"), (const char *)NULL),
                     0);
}

static void a_search_of_nothing_is_bad_usage(void **state)
{
    (void)state;
    char said[8192];
    assert_int_equal(
        explore_elsewhere("-c calls-exit --variant racy --require-repro", said, sizeof said), 2);
    assert_non_null(strstr(said, "there is nothing to explore"));
}

static void what_cannot_be_written_is_said(void **state)
{
    (void)state;
    char said[8192];
    assert_int_equal(explore_elsewhere("-c hit-counter --json /dev/full", said, sizeof said), 2);
    assert_non_null(strstr(said, "'/dev/full' could not be written whole"));
    assert_int_equal(explore_elsewhere("-c hit-counter --save /absent", said, sizeof said), 2);
    assert_non_null(strstr(said, "no schedule can be saved in '/absent': No such file"));
}

static void replaying_is_explained_by_the_name_of_the_program(void **state)
{
    (void)state;
    char said[8192];
    char words[512], command[1024], executable[256];
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    assert_true(length > 0);
    executable[length] = '\0';
    snprintf(words, sizeof words, "-c hit-counter --variant racy --save '%s'", folder);
    snprintf(command, sizeof command, "(to replay it: %s replay %s)", executable,
             path_of("hit-counter-racy.schedule"));
    assert_int_equal(explore_elsewhere(words, said, sizeof said), 0);
    assert_non_null(strstr(said, command));
}

static void bad_usage_is_refused(void **state)
{
    (void)state;
    assert_int_equal(explore("--nonsense", (const char *)NULL), 2);
    assert_int_equal(explore("-c", (const char *)NULL), 2);
    assert_int_equal(explore("-c", "no-such-case", (const char *)NULL), 2);
    assert_int_equal(explore("--budget", "soon", (const char *)NULL), 2);
    assert_int_equal(explore("--preemptions", "-1", (const char *)NULL), 2);
    assert_int_equal(explore("--seed", "99999999999999999999", (const char *)NULL), 2);
    assert_int_equal(explore("--depth", "9", (const char *)NULL), 2);
    assert_int_equal(explore("--strategy", "dpor", "--preemptions", "2", (const char *)NULL), 2);
    assert_int_equal(explore("--strategy", "dpor", "--plain", (const char *)NULL), 2);
    assert_int_equal(explore("--model", "power", (const char *)NULL), 2);
    assert_int_equal(explore("replay", (const char *)NULL), 2);
    assert_int_equal(explore("--variant", "racy,fast", (const char *)NULL), 2);
    assert_int_equal(
        explore("-c", "hit-counter", "--variant=racy,atomic", "--budget=100ms", (const char *)NULL),
        0);
    static const char *const commands[] = {"explore", "replay", "mutate", "progress", "list"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        assert_int_equal(explore(commands[i], "--help", (const char *)NULL), 0);
    assert_int_equal(explore("--help", (const char *)NULL), 0);
    assert_int_equal(explore("list", (const char *)NULL), 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"hand-over-still-broken-atomic.schedule",
                                        "hand-over-still-broken-racy.schedule",
                                        "hit-counter-racy.schedule",
                                        "hand-over-racy.schedule",
                                        "changed.schedule",
                                        "forgotten-block-racy.schedule",
                                        "needs-memory-atomic.schedule",
                                        "records-still-broken-atomic.schedule",
                                        "records-too-much-atomic.schedule",
                                        "says-two-lines-atomic.schedule",
                                        "says-much-atomic.schedule"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return ckf_explore_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(racy_variants_fail_and_fixed_ones_do_not),
        cmocka_unit_test(a_fixed_variant_that_fails_is_an_error),
        cmocka_unit_test(a_racy_variant_that_does_not_fail_is_said_so),
        cmocka_unit_test(memory_that_nobody_frees_is_a_leak_unless_the_case_says_so),
        cmocka_unit_test(allocations_fail_where_a_case_says_that_it_copes),
        cmocka_unit_test(every_model_and_strategy_runs),
        cmocka_unit_test(a_schedule_replays),
        cmocka_unit_test(a_schedule_replays_in_another_process),
        cmocka_unit_test(a_damaged_schedule_is_refused),
        cmocka_unit_test(a_schedule_of_another_program_is_refused_with_the_reason),
        cmocka_unit_test(a_thread_that_does_not_come_back_is_noticed),
        cmocka_unit_test(mutation_needs_variants_that_do_not_fail),
        cmocka_unit_test(mutation_of_nothing_is_refused),
        cmocka_unit_test(descriptors_do_not_run_out),
        cmocka_unit_test(who_uses_a_descriptor_must_know_of_its_opening),
        cmocka_unit_test(recorded_histories_are_judged),
        cmocka_unit_test(what_cannot_be_judged_is_not_clean),
        cmocka_unit_test(a_body_that_ends_the_program_does_not_end_the_search),
        cmocka_unit_test(memory_that_grows_is_no_fault),
        cmocka_unit_test(bodies_get_what_they_were_promised),
        cmocka_unit_test(a_schedule_replays_whatever_its_outcome_is_called),
        cmocka_unit_test(a_search_of_nothing_is_bad_usage),
        cmocka_unit_test(what_cannot_be_written_is_said),
        cmocka_unit_test(replaying_is_explained_by_the_name_of_the_program),
        cmocka_unit_test(bad_usage_is_refused),
    };
    return cmocka_run_group_tests_name("explore_cases", tests, make_folder, remove_folder);
}
