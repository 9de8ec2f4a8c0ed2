/* tests/test_explore_cases.c - the program around the explore engine: verdicts, exit statuses,
 * schedule files and their replay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void every_model_and_strategy_runs(void **state)
{
    (void)state;
    static const char *const models[] = {"c11", "tso", "sc"};
    static const char *const strategies[] = {"sequential", "random", "pct", "dfs", "portfolio"};
    for (int m = 0; m < 3; m++)
        for (int s = 0; s < 5; s++)
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

static void mutation_needs_variants_that_do_not_fail(void **state)
{
    (void)state;
    assert_int_equal(explore("mutate", "-c", "hit-counter", (const char *)NULL), 0);
    assert_int_equal(explore("mutate", "-c", "hand-over-still-broken", (const char *)NULL), 2);
}

static void bad_usage_is_refused(void **state)
{
    (void)state;
    assert_int_equal(explore("--nonsense", (const char *)NULL), 2);
    assert_int_equal(explore("-c", (const char *)NULL), 2);
    assert_int_equal(explore("-c", "no-such-case", (const char *)NULL), 2);
    assert_int_equal(explore("--budget", "soon", (const char *)NULL), 2);
    assert_int_equal(explore("--preemptions", "-1", (const char *)NULL), 2);
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
    static const char *const names[] = {
        "hand-over-still-broken-atomic.schedule", "hand-over-still-broken-racy.schedule",
        "hit-counter-racy.schedule", "hand-over-racy.schedule", "changed.schedule"};
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
        cmocka_unit_test(every_model_and_strategy_runs),
        cmocka_unit_test(a_schedule_replays),
        cmocka_unit_test(a_schedule_replays_in_another_process),
        cmocka_unit_test(a_damaged_schedule_is_refused),
        cmocka_unit_test(mutation_needs_variants_that_do_not_fail),
        cmocka_unit_test(bad_usage_is_refused),
    };
    return cmocka_run_group_tests_name("explore_cases", tests, make_folder, remove_folder);
}
