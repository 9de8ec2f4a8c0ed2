/* tests/test_stress.c - the stress harness: its arithmetic, its command line, and what becomes of
 * cases that die, hang, fail or behave. The latter run in the program stress_fixture. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/catalog.h"
#include "harness/heap.h"
#include "harness/json.h"
#include "harness/plan.h"
#include "harness/settings.h"
#include "harness/statistics.h"
#include "harness/values.h"
#include "harness/verdict.h"
#include "support.h"

/* --- Statistics --------------------------------------------------------------------------------- */

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > 1e-4 * expected + 1e-12)
        fail_msg("%.8g is not %.8g", value, expected);
}

static void clopper_pearson_agrees_with_the_exact_tails(void **state)
{
    (void)state;
    /* At these rates the binomial tails, summed in rational arithmetic, are 0.025. */
    struct ckf_stress_interval interval = ckf_stress_clopper_pearson(4, 20);
    assert_near(interval.low, 0.0573340);
    assert_near(interval.high, 0.4366140);
    interval = ckf_stress_clopper_pearson(1, 1000);
    assert_near(interval.low, 2.531749e-5);
    assert_near(interval.high, 5.558924e-3);
    interval = ckf_stress_clopper_pearson(0, 100);
    assert_true(interval.low == 0);
    assert_near(interval.high, 0.0362167);
    interval = ckf_stress_clopper_pearson(10, 10);
    assert_near(interval.low, 0.6915029);
    assert_true(interval.high == 1);
}

static void clopper_pearson_holds_for_rare_failures_in_many_trials(void **state)
{
    (void)state;
    /* Poisson limits of 3 events: 0.618672 and 8.767273. */
    struct ckf_stress_interval interval = ckf_stress_clopper_pearson(3, 2000000000);
    assert_near(interval.low, 0.618672 / 2e9);
    assert_near(interval.high, 8.767273 / 2e9);
}

static void clopper_pearson_of_many_failures_is_the_normal_interval(void **state)
{
    (void)state;
    struct ckf_stress_interval interval = ckf_stress_clopper_pearson(500000, 1000000);
    assert_true(fabs(interval.low - (0.5 - 1.959964 * 0.0005)) < 2e-6);
    assert_true(fabs(interval.high - (0.5 + 1.959964 * 0.0005)) < 2e-6);
}

static void needed_trials_follow_from_the_rate(void **state)
{
    (void)state;
    assert_true(ckf_stress_needed_trials(1) == 1);
    assert_true(ckf_stress_needed_trials(0.5) == 5);
    assert_true(ckf_stress_needed_trials(0.01) == 299);
    assert_true(ckf_stress_needed_trials(1e-6) == 2995731);
    assert_true(ckf_stress_needed_trials(1e-30) == UINT64_MAX);
}

static void excluded_rate_is_three_in_the_number_of_trials(void **state)
{
    (void)state;
    assert_near(ckf_stress_excluded_rate(3000), 1e-3);
    assert_true(ckf_stress_excluded_rate(2) == 1);
}

static void median_without_censoring_is_the_middle_failure(void **state)
{
    (void)state;
    struct ckf_stress_start starts[] = {{50, true}, {10, true}, {30, true}, {20, true}, {40, true}};
    assert_true(ckf_stress_median_ns(starts, 5) == 30);
}

static void median_takes_censored_starts_into_account(void **state)
{
    (void)state;
    /* Survival: 1 at first, 4/5 after 10; after the censored 20, 4/5 * 2/3 at 30, 4/15 at 40. */
    struct ckf_stress_start starts[] = {
        {10, true}, {20, false}, {30, true}, {40, true}, {100, false}};
    assert_true(ckf_stress_median_ns(starts, 5) == 40);
}

static void median_is_unknown_if_fewer_than_half_failed(void **state)
{
    (void)state;
    struct ckf_stress_start starts[] = {{10, true}, {100, false}, {100, false}};
    assert_true(ckf_stress_median_ns(starts, 3) < 0);
    assert_true(ckf_stress_median_ns(NULL, 0) < 0);
}

/* --- Grading ------------------------------------------------------------------------------------ */

static void patterns_match_with_stars_for_any_characters(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } examples[] = {
        {"lost", "lost", true},
        {"lost", "los", false},
        {"lost", "losts", false},
        {"*", "", true},
        {"*", "anything", true},
        {"1,*", "1,0", true},
        {"1,*", "2,1,0", false},
        {"*,0", "1,0", true},
        {"a*b*c", "axxbyyc", true},
        {"a*b*c", "axxbyy", false},
        {"*a*a", "aa", true},
        {"*a*a", "a", false},
        {"", "", true},
        {"", "x", false},
        {"**", "x", true},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        if (ckf_stress_pattern_matches(examples[i].pattern, examples[i].text) !=
            examples[i].matches)
            fail_msg("'%s' and '%s'", examples[i].pattern, examples[i].text);
}

static void first_matching_pattern_grades_and_unknown_outcomes_are_forbidden(void **state)
{
    (void)state;
    static const struct ckf_stress_case test = {
        .outcomes = {{"0,0", CKF_STRESS_FORBIDDEN, "first"},
                     {"0,*", CKF_STRESS_INTERESTING, "second"},
                     {"*", CKF_STRESS_ACCEPTABLE, "third"}}};
    static const struct ckf_stress_case bare = {.id = "bare"};
    assert_string_equal(ckf_stress_grade(&test, "0,0")->meaning, "first");
    assert_string_equal(ckf_stress_grade(&test, "0,1")->meaning, "second");
    assert_string_equal(ckf_stress_grade(&test, "1,1")->meaning, "third");
    assert_int_equal(ckf_stress_grade(&bare, "x")->grade, CKF_STRESS_FORBIDDEN);
}

static void star_does_not_accept_what_engines_report(void **state)
{
    (void)state;
    static const struct ckf_stress_case test = {
        .outcomes = {{"hang", CKF_STRESS_INTERESTING, "it may"},
                     {"*", CKF_STRESS_ACCEPTABLE, "whatever"}}};
    assert_int_equal(ckf_stress_grade(&test, "crash")->grade, CKF_STRESS_FORBIDDEN);
    assert_int_equal(ckf_stress_grade(&test, "sanitizer report")->grade, CKF_STRESS_FORBIDDEN);
    assert_int_equal(ckf_stress_grade(&test, "hang")->grade, CKF_STRESS_INTERESTING);
    assert_int_equal(ckf_stress_grade(&test, "ok")->grade, CKF_STRESS_ACCEPTABLE);
}

static void too_many_outcomes_are_counted_together_by_grade(void **state)
{
    (void)state;
    static struct ckf_stress_row rows[CKF_STRESS_MAX_ROWS];
    static const struct ckf_stress_case test = {.outcomes = {{"a*", CKF_STRESS_ACCEPTABLE, NULL}}};
    unsigned count = 0;
    uint64_t acceptable = 0, forbidden = 0;
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%c%d", i % 2 == 0 ? 'a' : 'b', i);
        ckf_stress_count(rows, &count, &test, text, 1);
    }
    assert_in_range(count, 3, CKF_STRESS_MAX_ROWS);
    for (unsigned i = 0; i < count; i++)
        *(rows[i].grade == CKF_STRESS_ACCEPTABLE ? &acceptable : &forbidden) += rows[i].count;
    assert_true(acceptable == 500 && forbidden == 500);
}

/* --- The catalogue ------------------------------------------------------------------------------ */

static const int variant_exists;

static void no_body(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
}

#define CASE(id_text, collection_text)                                                             \
    {                                                                                              \
        .id = id_text, .collection = collection_text, .title = "title",                            \
        .operations = {&variant_exists}, .actors = {{"actor", no_body, 1}},                        \
    }

/* Loads the cases of a NULL-ended list; on failure *message holds what was said (to be freed). */
static bool load(struct ckf_stress_catalog *catalog, const struct ckf_stress_case *const *cases,
                 char **message)
{
    size_t size, count = 0;
    while (cases[count] != NULL)
        count++;
    FILE *errors = open_memstream(message, &size);
    bool loaded = ckf_stress_catalog_load(catalog, cases, cases + count, errors);
    fclose(errors);
    return loaded;
}

static void cases_are_sorted_by_collection_and_id(void **state)
{
    (void)state;
    static const struct ckf_stress_case a = CASE("z", "channel"), b = CASE("a", "own"),
                                        c = CASE("b", "channel"), d = CASE("c", "counter map");
    const struct ckf_stress_case *const cases[] = {&a, &b, &c, &d, NULL};
    struct ckf_stress_catalog catalog;
    char *message;
    assert_true(load(&catalog, cases, &message));
    assert_ptr_equal(catalog.cases[0], &d);
    assert_ptr_equal(catalog.cases[1], &c);
    assert_ptr_equal(catalog.cases[2], &a);
    assert_ptr_equal(catalog.cases[3], &b);
    ckf_stress_catalog_unload(&catalog);
    free(message);
}

static void malformed_cases_are_named(void **state)
{
    (void)state;
    static const struct ckf_stress_case good = CASE("twice", "x"), same = CASE("twice", "y"),
                                        spaced = CASE("two words", "x"), nameless = CASE(NULL, "x");
    static const struct ckf_stress_case bodiless = {
        .id = "b", .collection = "x", .title = "t", .operations = {&variant_exists}};
    static const struct ckf_stress_case flagged = {.id = "f",
                                                   .collection = "x",
                                                   .title = "t",
                                                   .operations = {&variant_exists},
                                                   .actors = {{"a", no_body, 1}},
                                                   .flags = 64};
    static const struct ckf_stress_case crowd = {.id = "c",
                                                 .collection = "x",
                                                 .title = "t",
                                                 .operations = {&variant_exists},
                                                 .actors = {{"a", no_body, 65}}};
    static const struct ckf_stress_case multitude = {
        .id = "m",
        .collection = "x",
        .title = "t",
        .operations = {&variant_exists},
        .actors = {{"a", no_body, UINT_MAX}, {"b", no_body, 3}}};
    static const struct ckf_stress_case wordy =
        CASE("a-name-of-a-hundred-and-one-letters-which-is-more-than-names-of-files-can-have-in-"
             "them-at-any-rate-xyz",
             "x");
    static const struct ckf_stress_case variantless = {
        .id = "v", .collection = "x", .title = "t", .actors = {{"a", no_body, 1}}};
    static const struct {
        const struct ckf_stress_case *cases[3];
        const char *says;
    } examples[] = {
        {{&good, &same}, "two cases have the id 'twice'"},
        {{&spaced}, "'two words' is no id"},
        {{&nameless}, "'(none)' is no id"},
        {{&bodiless}, "case 'b': it has no actor"},
        {{&flagged}, "case 'f': it has an unknown flag"},
        {{&crowd}, "case 'c': its actors need more than 64 threads"},
        {{&variantless}, "case 'v': it has no variant"},
        {{&multitude}, "case 'm': its actors need more than 64 threads"},
        {{&wordy}, "is no id of a case: use letters, digits, - _ . and at most 100 of them"},
        {{NULL}, "this program has no case"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct ckf_stress_catalog catalog;
        char *message;
        assert_false(load(&catalog, examples[i].cases, &message));
        if (strstr(message, examples[i].says) == NULL)
            fail_msg("'%s' does not say: %s", message, examples[i].says);
        free(message);
    }
}

static void globs_select_cases_and_a_glob_without_a_case_is_an_error(void **state)
{
    (void)state;
    static const struct ckf_stress_case a = CASE("channel-a", "x"), b = CASE("channel-b", "x"),
                                        c = CASE("filter-c", "x");
    const struct ckf_stress_case *const cases[] = {&a, &b, &c, NULL};
    struct ckf_stress_catalog catalog;
    char *message;
    assert_true(load(&catalog, cases, &message));
    const char *const channels[] = {"channel-*", "*-a"}, *const none[] = {"filter-*", "absent-?"};
    assert_false(ckf_stress_catalog_select(&catalog, none, 2, stderr));
    assert_true(ckf_stress_catalog_select(&catalog, channels, 2, stderr));
    assert_int_equal(catalog.count, 2);
    assert_ptr_equal(catalog.cases[1], &b);
    ckf_stress_catalog_unload(&catalog);
    free(message);
}

/* --- The command line --------------------------------------------------------------------------- */

static struct ckf_stress_settings settings;
static char *complaint;

/* Parses words separated by blanks, which live until the next call. */
static bool parse(const char *line)
{
    static char text[256];
    static char program[] = "ckf-stress";
    char *argv[32] = {program}, *rest = NULL;
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    free(complaint);
    size_t size;
    FILE *errors = open_memstream(&complaint, &size);
    bool understood = ckf_stress_parse(&settings, argc, argv, errors);
    fclose(errors);
    return understood;
}

static void options_are_understood_in_all_their_spellings(void **state)
{
    (void)state;
    assert_true(parse("run -c a-* --case=b -cc --budget 3m --iterations=10 --threads 4 --seed 0x10 "
                      "--variant racy,atomic --require-repro --json out.json --junit"));
    assert_int_equal(settings.command, CKF_STRESS_RUN);
    assert_int_equal(settings.glob_count, 3);
    assert_string_equal(settings.globs[0], "a-*");
    assert_string_equal(settings.globs[2], "c");
    assert_true(settings.budget_ns == INT64_C(180000000000));
    assert_true(settings.iterations == 10 && settings.threads == 4 && settings.seed == 16);
    assert_true(settings.variants[CKF_STRESS_RACY] && !settings.variants[CKF_STRESS_MUTEX] &&
                settings.variants[CKF_STRESS_ATOMIC]);
    assert_true(settings.require_repro);
    assert_string_equal(settings.json_path, "out.json");
    assert_string_equal(settings.junit_path, "-");
    assert_true(parse("list --json"));
    assert_string_equal(settings.json_path, "-");
    assert_true(parse("run --budget 1s --help"));
    assert_int_equal(settings.command, CKF_STRESS_HELP);
    assert_string_equal(settings.command_of_help, "run");
    assert_true(parse("--version"));
    assert_int_equal(settings.command, CKF_STRESS_VERSION);
}

static void durations_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } examples[] = {{"60s", INT64_C(60000000000)},  {"3m", INT64_C(180000000000)},
                    {"500ms", 500000000},           {"1.5s", 1500000000},
                    {"1h", INT64_C(3600000000000)}, {"10us", 10000}};
    int64_t ns;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        assert_true(ckf_stress_parse_duration(examples[i].text, &ns));
        assert_true(ns == examples[i].ns);
    }
    static const char *const bad[] = {"",    "60",   "s",    "-1s", "1 s", "1x",         "0s",
                                      "1ss", "0x1s", "1e3s", "nan", "+1s", "1000000000h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ckf_stress_parse_duration(bad[i], &ns))
            fail_msg("'%s' is a duration", bad[i]);
}

static void bad_options_are_named_with_what_would_be_good(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says[2];
    } examples[] = {
        {"", {"a command is missing", "list, run or report"}},
        {"walk", {"'walk' is no command", "list, run or report"}},
        {"run --fast", {"'--fast' is no option", "ckf-stress run --help"}},
        {"run -x", {"'-x' is no option", "run --help"}},
        {"run channel-a", {"'channel-a' is not understood here", "-c"}},
        {"run --budget", {"--budget needs a value", "60s, 3m"}},
        {"run --budget 60", {"--budget cannot be '60'", "60s, 3m"}},
        {"run --variant racy,lockfree", {"--variant cannot be 'racy,lockfree'", "racy, mutex"}},
        {"run --variant", {"--variant needs a value", "racy, mutex"}},
        {"run --threads 0", {"--threads cannot be '0'", "1 to 64"}},
        {"run --threads 65", {"--threads cannot be '65'", "1 to 64"}},
        {"run --iterations -5", {"--iterations cannot be '-5'", "above 0"}},
        {"run --iterations 0", {"--iterations cannot be '0'", "above 0"}},
        {"run --seed x", {"--seed cannot be 'x'", "42"}},
        {"run --seed 99999999999999999999", {"--seed cannot be", "42"}},
        {"run --require-repro=yes", {"'--require-repro=yes' takes no value", "--help"}},
        {"run --json --junit", {"cannot both go to standard output", "name a file"}},
        {"run --placement near", {"--placement cannot be 'near'", "same, different"}},
        {"list --budget 1s", {"'--budget' is no option of this command", "list --help"}},
        {"run --output x", {"'--output' is no option of this command", "run --help"}},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        assert_false(parse(examples[i].line));
        for (int j = 0; j < 2; j++)
            if (strstr(complaint, examples[i].says[j]) == NULL)
                fail_msg("'%s': '%s' does not say: %s", examples[i].line, complaint,
                         examples[i].says[j]);
    }
}

/* --- JSON --------------------------------------------------------------------------------------- */

static void json_escapes_what_it_must_and_replaces_what_is_no_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *escaped;
    } examples[] = {
        {"plain", "plain"},
        {"\"\\/", "\\\"\\\\/"},
        {"a\nb\tc", "a\\nb\\u0009c"},
        {"\x01\x7f", "\\u0001\\u007f"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xff", "\\ufffd"},
        {"\xc3", "\\ufffd"},
        {"\xc0\x80", "\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        ckf_stress_json_escape(out, examples[i].text);
        fclose(out);
        assert_string_equal(text, examples[i].escaped);
        free(text);
    }
}

static void json_nests_with_commas_where_they_belong(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct ckf_stress_json json;
    ckf_stress_json_begin(&json, out);
    ckf_stress_json_open_object(&json, NULL);
    ckf_stress_json_open_array(&json, "empty");
    ckf_stress_json_close_array(&json);
    ckf_stress_json_open_array(&json, "list");
    ckf_stress_json_unsigned(&json, NULL, UINT64_MAX);
    ckf_stress_json_double(&json, NULL, (double)NAN);
    ckf_stress_json_close_array(&json);
    ckf_stress_json_bool(&json, "yes", true);
    ckf_stress_json_string(&json, "none", NULL);
    ckf_stress_json_close_object(&json);
    assert_true(ckf_stress_json_end(&json));
    fclose(out);
    assert_string_equal(text, "{\n  \"empty\": [],\n  \"list\": [\n    18446744073709551615,\n"
                              "    null\n  ],\n  \"yes\": true,\n  \"none\": null\n}\n");
    free(text);
}

/* --- Fenced memory ------------------------------------------------------------------------------ */

static void blocks_are_zeroed_aligned_and_reused_without_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        size_t size = i % 300 * 37;
        unsigned char *block = ckf_stress_alloc(size);
        assert_non_null(block);
        assert_true((uintptr_t)block % 16 == 0);
        for (size_t j = 0; j < size; j++)
            assert_true(block[j] == 0);
        memset(block, 0xff, size);
        ckf_stress_free(block);
        assert_true(ckf_stress_heap_is_freed(block));
    }
}

static void reclaiming_takes_back_what_was_left_behind(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        void *first = ckf_stress_alloc(10000), *last = first;
        for (int i = 0; i < 50; i++) {
            last = ckf_stress_alloc(10000);
            assert_non_null(last);
        }
        ckf_stress_heap_reclaim();
        assert_true(ckf_stress_heap_is_freed(first) && ckf_stress_heap_is_freed(last));
    }
}

static void impossible_sizes_give_no_block(void **state)
{
    (void)state;
    assert_null(ckf_stress_alloc(SIZE_MAX));
    assert_null(ckf_stress_alloc((size_t)1 << 40));
    ckf_stress_free(NULL);
}

/* --- Verdicts ----------------------------------------------------------------------------------- */

static void exit_status_puts_the_worst_first(void **state)
{
    (void)state;
    struct ckf_stress_summary summary = {.cases = 3};
    summary.count[CKF_STRESS_CLEAN] = 2;
    assert_int_equal(ckf_stress_exit_status(&summary, true), 0);
    summary.count[CKF_STRESS_NOT_REPRODUCED] = 1;
    assert_int_equal(ckf_stress_exit_status(&summary, false), 0);
    assert_int_equal(ckf_stress_exit_status(&summary, true), 3);
    summary.count[CKF_STRESS_ERROR] = 1;
    assert_int_equal(ckf_stress_exit_status(&summary, true), 2);
    summary.count[CKF_STRESS_FAILED] = 1;
    assert_int_equal(ckf_stress_exit_status(&summary, true), 1);
}

/* --- The program as a whole --------------------------------------------------------------------- */

/* Enough iterations for what is to be seen, however slow the machine is. */
#define GENEROUS "--budget 30s --iterations 3000"

static char output[1 << 18]; /* what the latest run wrote to standard output */

/* Runs the fixture; returns its exit status. */
static int run_with_errors_to(const char *errors, const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "exec '%s' %s 2>%s", STRESS_FIXTURE, arguments, errors);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(const char *arguments)
{
    return run_with_errors_to("&1", arguments);
}

/* True if a line of the part of the output about a case holds `text`. */
static bool case_says(const char *id, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "\"id\": \"%s\"", id);
    const char *begin = strstr(output, name);
    if (begin == NULL)
        fail_msg("there is nothing about %s in: %s", id, output);
    begin += strlen(name);
    const char *end = strstr(begin, "\"id\": ");
    const char *found = strstr(begin, text);
    return found != NULL && (end == NULL || found < end);
}

static void assert_case_says(const char *id, const char *text)
{
    if (!case_says(id, text))
        fail_msg("%s does not say %s in: %s", id, text, output);
}

static void every_kind_of_death_is_an_outcome_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *id, *outcome, *instead; /* where a sanitizer has the first word */
    } examples[] = {
        {"dies-segfault", "crash", "sanitizer report"},
        {"dies-abort", "abort", NULL},
        {"dies-exit", "crash", NULL},
        {"dies-double-free", "double free", NULL},
        {"dies-use-after-free", "use after free", NULL},
        {"dies-overrun", "crash", "sanitizer report"},
        {"dies-sleeping", "hang", NULL},
        {"dies-spinning", "hang", NULL},
    };
    assert_int_equal(run("run -q -c 'dies-*' --variant racy --budget 8s --json"), 0);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char row[64];
        assert_case_says(examples[i].id, "\"verdict\": \"REPRODUCED\"");
        snprintf(row, sizeof row, "\"outcome\": \"%s\"", examples[i].outcome);
        if (examples[i].instead == NULL || !ckf_stress_sanitized())
            assert_case_says(examples[i].id, row);
    }
}

static void slow_is_not_dead(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c 'slow-*' --variant racy --iterations 2 --json"), 0);
    assert_case_says("slow-actor", "\"verdict\": \"NOT REPRODUCED\"");
    assert_case_says("slow-helper", "\"verdict\": \"NOT REPRODUCED\"");
    assert_null(strstr(output, "hang"));
}

static void clean_run_exits_with_0_and_compares_with_the_racy_twin(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c verdict-repaired " GENEROUS " --seed 7 --json"
                         " --variant racy,mutex,atomic"),
                     0);
    assert_case_says("verdict-repaired", "\"verdict\": \"REPRODUCED\"");
    assert_case_says("verdict-repaired", "\"verdict\": \"CLEAN\"");
    assert_case_says("verdict-repaired", "\"enough\": true");
    assert_non_null(strstr(output, "\"seed\": 7,"));
    assert_non_null(strstr(output, "\"clean\": 2,"));
}

static void time_to_first_failure_is_measured_over_twenty_fresh_starts(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c verdict-repaired --variant racy --budget 30s --json"), 0);
    assert_case_says("verdict-repaired", "\"failed\": 20,");
    assert_false(case_says("verdict-repaired", "\"median_ms\": null"));
}

static void report_of_a_sanitizer_fails_a_fixed_variant(void **state)
{
    (void)state;
    if (!ckf_stress_sanitized())
        skip();
    assert_int_equal(run("run -q -c verdict-report --variant mutex " GENEROUS " --json"), 1);
    assert_case_says("verdict-report", "\"outcome\": \"sanitizer report\"");
}

static void forbidden_outcome_in_a_fixed_variant_exits_with_1(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c verdict-broken " GENEROUS " --json"), 1);
    assert_case_says("verdict-broken", "\"verdict\": \"FORBIDDEN\"");
    assert_int_equal(run("run -q -c verdict-abort --variant atomic " GENEROUS " --json"), 1);
    assert_case_says("verdict-abort", "\"outcome\": \"abort\"");
    assert_case_says("verdict-abort", "\"grade\": \"forbidden\"");
}

static void missing_reproduction_exits_with_3_if_it_is_required(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c verdict-harmless --variant racy --budget 100ms --json"), 0);
    assert_case_says("verdict-harmless", "\"verdict\": \"NOT REPRODUCED\"");
    assert_case_says("verdict-harmless", "\"first_failure\": null");
    assert_int_equal(
        run("run -q -c verdict-harmless --variant racy --budget 100ms --require-repro"), 3);
}

static void bad_usage_exits_with_2(void **state)
{
    (void)state;
    assert_int_equal(run("run --budget soon"), 2);
    assert_int_equal(run("run -c absent"), 2);
    assert_non_null(strstr(output, "-c 'absent' matches no case"));
    assert_int_equal(run(""), 2);
    assert_int_equal(run("run -q -c verdict-harmless --budget 10ms --json=/absent/file"), 2);
    assert_int_equal(run("list --json=/absent/file"), 2);
    assert_non_null(strstr(output, "cannot write '/absent/file': No such file or directory"));
}

static void a_signal_that_is_no_fault_is_an_error_with_its_name(void **state)
{
    (void)state;
    assert_int_equal(run("run -c signals-itself --budget 30s --iterations 10"), 2);
    assert_non_null(strstr(output, "ERROR"));
    assert_non_null(
        strstr(output, "(User defined signal 1): out of memory, by somebody outside, or"));
}

static void a_run_of_nothing_is_bad_usage(void **state)
{
    (void)state;
    assert_int_equal(run("run -c dies-abort --variant atomic --require-repro"), 2);
    assert_non_null(strstr(output, "there is nothing to run"));
}

/* The fixture has no program beside it for other runtimes. */
static void runtimes_that_are_not_here_are_named(void **state)
{
    (void)state;
    static const char *const lines[] = {"explore -c verdict-harmless",
                                        "replay some.schedule",
                                        "mutate",
                                        "progress --help",
                                        "noise",
                                        "noise --budget 1s",
                                        "help explore",
                                        "run --engine explore -c verdict-harmless"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(run(lines[i]), 2);
        if (strstr(output, "no program 'stress_fixture-") == NULL)
            fail_msg("'%s' says: %s", lines[i], output);
    }
    assert_int_equal(run("run -c verdict-harmless --engine both --budget 50ms"), 0);
    assert_non_null(strstr(output, "explore engine: not run, there is no program"));
    assert_int_equal(run("run -c verdict-harmless --engine threads --budget 50ms"), 0);
    assert_null(strstr(output, "explore engine"));
    assert_int_equal(run("run --engine none"), 2);
}

static void help_and_version_exit_with_0(void **state)
{
    (void)state;
    static const char *const lines[] = {"--help",   "run --help", "list -h",      "report --help",
                                        "help run", "--version",  "noise --help", "help noise"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(run(lines[i]), 0);
        assert_true(strlen(output) > 10);
    }
}

static void bodies_get_what_they_were_promised(void **state)
{
    (void)state;
    assert_int_equal(
        run("run -q -c 'promises-*' --variant mutex,atomic --budget 30s --iterations 300 --json"),
        0);
    assert_case_says("promises-kept-threads", "\"outcome\": \"seen\"");
    assert_case_says("promises-fresh-threads", "\"outcome\": \"seen\"");
    assert_case_says("promises-registers", "\"outcome\": \"-5,0,7\"");
    assert_case_says("promises-worst", "\"outcome\": \"odd\"");
    assert_case_says("promises-worst", "\"meaning\": \"it \\\"may\\\" happen\\n\"");
}

static void iterations_are_counted_exactly(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c promises-registers --variant atomic --iterations 1234 --json"),
                     0);
    assert_case_says("promises-registers", "\"iterations\": 1234,");
}

static void same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    char first[64] = "";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run("run -q -c verdict-broken --variant atomic --iterations 1000 --seed 3 "
                             "--placement free --spin futex --json"),
                         1);
        const char *line = strstr(output, "\"failures\": ");
        assert_non_null(line);
        if (i == 0)
            snprintf(first, sizeof first, "%.40s", line);
        else
            assert_memory_equal(first, line, strcspn(first, "\n"));
    }
}

static void recorded_histories_are_judged(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c records-permits --variant racy,atomic " GENEROUS " --json"), 0);
    assert_case_says("records-permits", "\"verdict\": \"REPRODUCED\"");
    assert_case_says("records-permits", "\"outcome\": \"not linearizable\"");
    assert_case_says("records-permits", "\"verdict\": \"CLEAN\"");
    assert_int_equal(run("run -q -c records-unreturned " GENEROUS), 0);
}

/* Also where a `*` accepts whatever the bodies report. */
static void a_history_without_an_order_is_forbidden_and_shown(void **state)
{
    (void)state;
    assert_int_equal(run("run -c records-still-broken " GENEROUS), 1);
    assert_non_null(strstr(output, "no order of these operations is one of a set of permits"));
    assert_non_null(strstr(output, "try_acquire: CKF_OK"));
    assert_non_null(strstr(output, "user 2"));
}

static void what_cannot_be_judged_is_not_clean(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c records-too-much --budget 30s --iterations 20 --json"), 1);
    assert_case_says("records-too-much", "\"outcome\": \"undecided\"");
    assert_int_equal(run("run -c records-call-in-call --budget 30s --iterations 20"), 1);
    assert_non_null(strstr(output, "the body's last operation has not returned"));
    assert_int_equal(run("run -c records-unspecified --budget 30s --iterations 20"), 1);
    assert_non_null(strstr(output, "needs a specification"));
}

static void list_names_every_case(void **state)
{
    (void)state;
    assert_int_equal(run("list --json -c 'verdict-*'"), 0);
    assert_true(output[0] == '[');
    assert_case_says("verdict-broken", "\"collection\": \"verdicts\"");
    assert_case_says("verdict-broken", "\"mutex\"");
    assert_case_says("verdict-broken", "\"title\": \"every variant");
    assert_null(strstr(output, "dies-"));
}

static void junit_says_which_variants_failed(void **state)
{
    (void)state;
    assert_int_equal(run("run -q -c verdict-broken --variant racy,mutex " GENEROUS " --junit"), 1);
    assert_non_null(strstr(output, "<testsuite name=\"verdicts\" tests=\"2\" failures=\"1\""));
    assert_non_null(strstr(output, "<testcase classname=\"verdict-broken\" name=\"mutex\""));
    assert_non_null(strstr(output, "<failure message=\"FORBIDDEN: "));
    assert_non_null(strstr(output, "</testsuites>"));
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* Asks a parser of others, if there is one. */
static void assert_parses(const char *parser, const char *text)
{
    char path[] = "/tmp/ckf-odd-XXXXXX", command[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_text(path, text);
    snprintf(command, sizeof command, "python3 -c '%s' %s", parser, path);
    int status = system(command);
    unlink(path);
    if (status != 0)
        fail_msg("'%s' does not like: %s", parser, text);
}

static void odd_texts_leave_json_and_junit_valid(void **state)
{
    (void)state;
    assert_int_equal(
        run_with_errors_to("/dev/null", "run -q -c odd-texts --budget 30s --iterations 10 --json"),
        1);
    assert_parses("import json, sys; json.load(open(sys.argv[1]))", output);
    assert_int_equal(
        run_with_errors_to("/dev/null", "run -q -c odd-texts --budget 30s --iterations 10 --junit"),
        1);
    assert_parses("import sys, xml.dom.minidom as m; m.parse(sys.argv[1])", output);
}

static void what_a_failing_child_printed_is_in_json_and_junit(void **state)
{
    (void)state;
    if (ckf_stress_sanitized())
        skip(); /* what children print goes where the sanitizer's reports go */
    assert_int_equal(run("run -q -c odd-texts --budget 30s --iterations 10 --json"), 1);
    assert_case_says("odd-texts", "\"output\": \"printed <before> it failed");
    assert_int_equal(run("run -q -c odd-texts --budget 30s --iterations 10 --junit"), 1);
    assert_non_null(strstr(output, "\">printed &lt;before&gt; it failed"));
    assert_non_null(strstr(output, "</failure>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clopper_pearson_agrees_with_the_exact_tails),
        cmocka_unit_test(clopper_pearson_holds_for_rare_failures_in_many_trials),
        cmocka_unit_test(clopper_pearson_of_many_failures_is_the_normal_interval),
        cmocka_unit_test(needed_trials_follow_from_the_rate),
        cmocka_unit_test(excluded_rate_is_three_in_the_number_of_trials),
        cmocka_unit_test(median_without_censoring_is_the_middle_failure),
        cmocka_unit_test(median_takes_censored_starts_into_account),
        cmocka_unit_test(median_is_unknown_if_fewer_than_half_failed),
        cmocka_unit_test(patterns_match_with_stars_for_any_characters),
        cmocka_unit_test(first_matching_pattern_grades_and_unknown_outcomes_are_forbidden),
        cmocka_unit_test(star_does_not_accept_what_engines_report),
        cmocka_unit_test(too_many_outcomes_are_counted_together_by_grade),
        cmocka_unit_test(cases_are_sorted_by_collection_and_id),
        cmocka_unit_test(malformed_cases_are_named),
        cmocka_unit_test(globs_select_cases_and_a_glob_without_a_case_is_an_error),
        cmocka_unit_test(options_are_understood_in_all_their_spellings),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(bad_options_are_named_with_what_would_be_good),
        cmocka_unit_test(json_escapes_what_it_must_and_replaces_what_is_no_text),
        cmocka_unit_test(json_nests_with_commas_where_they_belong),
        cmocka_unit_test(blocks_are_zeroed_aligned_and_reused_without_end),
        cmocka_unit_test(reclaiming_takes_back_what_was_left_behind),
        cmocka_unit_test(impossible_sizes_give_no_block),
        cmocka_unit_test(exit_status_puts_the_worst_first),
        cmocka_unit_test(every_kind_of_death_is_an_outcome_of_its_own),
        cmocka_unit_test(slow_is_not_dead),
        cmocka_unit_test(clean_run_exits_with_0_and_compares_with_the_racy_twin),
        cmocka_unit_test(time_to_first_failure_is_measured_over_twenty_fresh_starts),
        cmocka_unit_test(report_of_a_sanitizer_fails_a_fixed_variant),
        cmocka_unit_test(forbidden_outcome_in_a_fixed_variant_exits_with_1),
        cmocka_unit_test(missing_reproduction_exits_with_3_if_it_is_required),
        cmocka_unit_test(bad_usage_exits_with_2),
        cmocka_unit_test(a_signal_that_is_no_fault_is_an_error_with_its_name),
        cmocka_unit_test(a_run_of_nothing_is_bad_usage),
        cmocka_unit_test(runtimes_that_are_not_here_are_named),
        cmocka_unit_test(help_and_version_exit_with_0),
        cmocka_unit_test(bodies_get_what_they_were_promised),
        cmocka_unit_test(iterations_are_counted_exactly),
        cmocka_unit_test(same_seed_gives_the_same_numbers),
        cmocka_unit_test(recorded_histories_are_judged),
        cmocka_unit_test(a_history_without_an_order_is_forbidden_and_shown),
        cmocka_unit_test(what_cannot_be_judged_is_not_clean),
        cmocka_unit_test(list_names_every_case),
        cmocka_unit_test(junit_says_which_variants_failed),
        cmocka_unit_test(odd_texts_leave_json_and_junit_valid),
        cmocka_unit_test(what_a_failing_child_printed_is_in_json_and_junit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
