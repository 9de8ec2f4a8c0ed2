/* tests/test_ruleset.c - building rulesets and reading rules files. What a ruleset holds is seen
 * through a filter that it is published to. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ck_filter/filter.h>
#include <ck_filter/ruleset.h>

static struct ckf_ruleset *new_ruleset(void)
{
    struct ckf_ruleset *ruleset;
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_OK);
    return ruleset;
}

static struct ckf_rule exact_rule(uint32_t id, const char *pattern)
{
    return (struct ckf_rule){.id = id,
                             .match = CKF_MATCH_EXACT,
                             .action = CKF_ACTION_DROP,
                             .pattern = pattern,
                             .pattern_len = strlen(pattern)};
}

static enum ckf_status add_exact(struct ckf_ruleset *ruleset, uint32_t id, const char *pattern)
{
    struct ckf_rule rule = exact_rule(id, pattern);
    return ckf_ruleset_add(ruleset, &rule);
}

/* The MUTEX variant frees what it replaces at once, and destroying it waits for nothing. */
static struct ckf_filter *new_filter(const struct ckf_ruleset *ruleset)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = CKF_VARIANT_MUTEX};
    assert_int_equal(ckf_filter_create(&filter, &options), CKF_OK);
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, NULL), CKF_OK);
    return filter;
}

/* What the rules say to a record. */
static struct ckf_verdict ask(const struct ckf_ruleset *ruleset, const void *data, size_t len)
{
    struct ckf_filter *filter = new_filter(ruleset);
    struct ckf_verdict verdict = ckf_filter_evaluate(filter, (struct ckf_record){data, len});
    ckf_filter_destroy(filter);
    return verdict;
}

static uint32_t speaks(const struct ckf_ruleset *ruleset, const char *record)
{
    return ask(ruleset, record, strlen(record)).rule_id;
}

static void count_rule(uint32_t *rules)
{
    ++*rules;
}

static bool count_visit(uint32_t id, uint64_t hits, void *arg)
{
    (void)id;
    (void)hits;
    count_rule(arg);
    return true;
}

static uint32_t rule_count(const struct ckf_ruleset *ruleset)
{
    struct ckf_filter *filter = new_filter(ruleset);
    uint32_t rules = 0;
    ckf_filter_for_each_rule(filter, count_visit, &rules);
    ckf_filter_destroy(filter);
    return rules;
}

/* A file of those bytes; the name stands until the next call. */
static const char *file_of(const void *bytes, size_t len)
{
    static char path[64];
    if (path[0] == '\0')
        snprintf(path, sizeof path, "/tmp/test_ruleset.%d", (int)getpid());
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(file_of("", 0));
    return 0;
}

static enum ckf_status load_text(struct ckf_ruleset *ruleset, const char *text,
                                 struct ckf_load_error *error)
{
    return ckf_ruleset_load(ruleset, file_of(text, strlen(text)), error);
}

static void added_rules_decide(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
    assert_int_equal(add_exact(ruleset, 7, "alpha"), CKF_OK);
    assert_int_equal(add_exact(ruleset, UINT32_MAX, "beta"), CKF_OK);
    assert_int_equal(speaks(ruleset, "alpha"), 7);
    assert_true(speaks(ruleset, "beta") == UINT32_MAX);
    assert_int_equal(speaks(ruleset, "gamma"), 0);
    ckf_ruleset_destroy(ruleset);
    ckf_ruleset_destroy(NULL);
}

static void bad_rules_are_refused_and_leave_no_trace(void **state)
{
    (void)state;
    struct ckf_rule good = exact_rule(1, "good"), bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = exact_rule(2, "bad");
    bad[0].id = 0;
    bad[1].id = 1;
    bad[2].pattern_len = 0;
    bad[3].pattern = NULL;
    bad[4].pattern = NULL;
    bad[4].pattern_len = 0;
    bad[5].match = (enum ckf_match)4;
    bad[6].action = (enum ckf_action)2;
    bad[7].match = (enum ckf_match) - 1;
    struct ckf_ruleset *ruleset = new_ruleset();
    assert_int_equal(ckf_ruleset_add(ruleset, &good), CKF_OK);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(ckf_ruleset_add(ruleset, &bad[i]), CKF_INVALID);
    assert_int_equal(rule_count(ruleset), 1);
    assert_int_equal(add_exact(ruleset, 2, "fine"), CKF_OK);
    assert_int_equal(speaks(ruleset, "good"), 1);
    assert_int_equal(speaks(ruleset, "bad"), 0);
    ckf_ruleset_destroy(ruleset);
}

static void patterns_are_copied_and_may_hold_any_byte(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
    char pattern[] = {'a', '\0', (char)0xff, '\n'};
    struct ckf_rule rule = {.id = 3, .pattern = pattern, .pattern_len = sizeof pattern};
    assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
    memset(pattern, 'z', sizeof pattern);
    assert_int_equal(ask(ruleset, "a\0\xff\n", 4).rule_id, 3);
    assert_int_equal(ask(ruleset, "a", 1).rule_id, 0);
    assert_int_equal(ask(ruleset, "zzzz", 4).rule_id, 0);
    ckf_ruleset_destroy(ruleset);
}

enum { MANY_IDS = 5000 };

/* The nth id of a ruleset whose ids ascend up to `ascending`, and go their ways from there on. */
static uint32_t nth_id(uint32_t n, uint32_t ascending)
{
    return n <= ascending ? n * 857 : (n * 3571 % 9973 + 1) * 857 + 1;
}

static void check_many_ids(uint32_t ascending)
{
    struct ckf_ruleset *ruleset = new_ruleset();
    char pattern[16];
    for (uint32_t i = 1; i <= MANY_IDS; i++) {
        snprintf(pattern, sizeof pattern, "p%u", i);
        assert_int_equal(add_exact(ruleset, nth_id(i, ascending), pattern), CKF_OK);
        assert_int_equal(add_exact(ruleset, nth_id(i, ascending), "again"), CKF_INVALID);
        assert_int_equal(add_exact(ruleset, nth_id(i / 2 + 1, ascending), "again"), CKF_INVALID);
    }
    assert_int_equal(rule_count(ruleset), MANY_IDS);
    assert_int_equal(speaks(ruleset, "p1"), nth_id(1, ascending));
    assert_int_equal(speaks(ruleset, "p5000"), nth_id(MANY_IDS, ascending));
    ckf_ruleset_destroy(ruleset);
}

static void many_ids_are_told_apart(void **state)
{
    (void)state;
    check_many_ids(MANY_IDS);
    check_many_ids(MANY_IDS / 2);
    check_many_ids(0);
}

static void every_form_of_a_rules_file_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *record;
        size_t len;
        uint32_t id;
        enum ckf_action action;
    } cases[] = {
        {"1 drop exact abc\n", "abc", 3, 1, CKF_ACTION_DROP},
        {"1 pass exact abc", "abc", 3, 1, CKF_ACTION_PASS},
        {"1 drop prefix abc\n", "abcd", 4, 1, CKF_ACTION_DROP},
        {"1 drop suffix bcd\n", "abcd", 4, 1, CKF_ACTION_DROP},
        {"1 drop substring bc\n", "abcd", 4, 1, CKF_ACTION_DROP},
        {"1 drop exact/i aBc\n", "AbC", 3, 1, CKF_ACTION_DROP},
        {"1 drop prefix/i aBc\n", "AbCd", 4, 1, CKF_ACTION_DROP},
        {"1 drop suffix/i bCd\n", "aBcD", 4, 1, CKF_ACTION_DROP},
        {"1 drop substring/i bC\n", "aBcD", 4, 1, CKF_ACTION_DROP},
        {"1 drop exact aBc\n", "abc", 3, 0, CKF_ACTION_PASS},
        {"4294967295 drop exact abc\n", "abc", 3, UINT32_MAX, CKF_ACTION_DROP},
        {"007 drop exact abc\n", "abc", 3, 7, CKF_ACTION_DROP},
        {" \t 1 \t drop \t exact \t abc\n", "abc", 3, 1, CKF_ACTION_DROP},
        {"1 drop exact a b\n", "a b", 3, 1, CKF_ACTION_DROP},
        {"1 drop exact abc \t\n", "abc \t", 5, 1, CKF_ACTION_DROP},
        {"1 drop exact abc\r\n", "abc", 3, 1, CKF_ACTION_DROP},
        {"1 drop exact abc \r\n", "abc ", 4, 1, CKF_ACTION_DROP},
        {"\r\n \t\r\n\n# comment\r\n#\n1 drop exact abc\n\n", "abc", 3, 1, CKF_ACTION_DROP},
        {"\xef\xbb\xbf"
         "1 drop exact abc\n",
         "abc", 3, 1, CKF_ACTION_DROP},
        {"\xef\xbb\xbf# comment\n1 drop exact \xef\xbb\xbf\n", "\xef\xbb\xbf", 3, 1,
         CKF_ACTION_DROP},
        {"1 drop exact #abc\n", "#abc", 4, 1, CKF_ACTION_DROP},
        {"1 drop exact \\s\\\\\\n\\t\\r\\s\n", " \\\n\t\r ", 6, 1, CKF_ACTION_DROP},
        {"1 drop exact \\x41\\x00\\xfF\\xAb\n", "A\0\xff\xab", 4, 1, CKF_ACTION_DROP},
        {"1 drop exact \xc3\xa9\xff\x80\n", "\xc3\xa9\xff\x80", 4, 1, CKF_ACTION_DROP},
        {"1 drop exact/i \\x41\xc3\x89\n", "a\xc3\x89", 3, 1, CKF_ACTION_DROP},
        {"", "abc", 3, 0, CKF_ACTION_PASS},
        {"# no rules\n", "abc", 3, 0, CKF_ACTION_PASS},
        {"\n1 drop exact a\n2 pass prefix a\n", "ab", 2, 2, CKF_ACTION_PASS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ckf_ruleset *ruleset = new_ruleset();
        struct ckf_load_error error;
        memset(&error, 0xff, sizeof error);
        if (load_text(ruleset, cases[i].text, &error) != CKF_OK)
            fail_msg("case %zu: %u:%u: %s", i, error.line, error.column, error.message);
        assert_int_equal(error.line, 0);
        assert_int_equal(error.column, 0);
        assert_string_equal(error.message, "");
        struct ckf_verdict verdict = ask(ruleset, cases[i].record, cases[i].len);
        if (verdict.rule_id != cases[i].id || verdict.action != cases[i].action)
            fail_msg("case %zu: rule %u", i, verdict.rule_id);
        ckf_ruleset_destroy(ruleset);
    }
}

struct broken {
    const char *text;
    size_t len; /* 0: up to the NUL */
    unsigned line, column;
    const char *message; /* part of it */
};

static const struct broken broken_files[] = {
    {"x drop exact a\n", 0, 1, 1, "no id"},
    {"0 drop exact a\n", 0, 1, 1, "no id"},
    {"-1 drop exact a\n", 0, 1, 1, "no id"},
    {"+1 drop exact a\n", 0, 1, 1, "no id"},
    {"1x drop exact a\n", 0, 1, 1, "no id"},
    {"0x1 drop exact a\n", 0, 1, 1, "no id"},
    {"4294967296 drop exact a\n", 0, 1, 1, "no id"},
    {"99999999999999999999999999999999999999 drop exact a\n", 0, 1, 1, "no id"},
    {"  1.0 drop exact a\n", 0, 1, 3, "no id"},
    {"1\n", 0, 1, 2, "action"},
    {"1   \n", 0, 1, 5, "action"},
    {"1 deny exact a\n", 0, 1, 3, "\"deny\" is no action"},
    {"1 DROP exact a\n", 0, 1, 3, "\"DROP\""},
    {"1 drop", 0, 1, 7, "match"},
    {"1 drop regex a\n", 0, 1, 8, "\"regex\""},
    {"1 drop exact/ a\n", 0, 1, 8, "\"exact/\""},
    {"1 drop exact/I a\n", 0, 1, 8, "\"exact/I\""},
    {"1 drop exact/ii a\n", 0, 1, 8, "\"exact/ii\""},
    {"1 drop exactly a\n", 0, 1, 8, "\"exactly\""},
    {"1 drop substringsubstring/i a\n", 0, 1, 8, "\"substringsubstring/\""},
    {"1 drop \xff\xfe a\n", 0, 1, 8,
     "\"?"
     "?\""},
    {"1 drop exact\n", 0, 1, 13, "pattern"},
    {"1 drop exact  \t \n", 0, 1, 17, "pattern"},
    {"1 drop exact \r\n", 0, 1, 14, "pattern"},
    {"1 drop exact a\\", 0, 1, 15, "backslash"},
    {"1 drop exact a\\\n", 0, 1, 15, "backslash"},
    {"1 drop exact a\\\r\n", 0, 1, 15, "backslash"},
    {"1 drop exact a\\q\n", 0, 1, 15, "escape"},
    {"1 drop exact a\\N\n", 0, 1, 15, "escape"},
    {"1 drop exact \\x4\n", 0, 1, 14, "hexadecimal"},
    {"1 drop exact \\x4g\n", 0, 1, 14, "hexadecimal"},
    {"1 drop exact \\x", 0, 1, 14, "hexadecimal"},
    {"1 drop exact \\x 4\n", 0, 1, 14, "hexadecimal"},
    {"1 drop exact a\001\n", 0, 1, 15, "0x01"},
    {"1 drop exact a\0b\n", 17, 1, 15, "0x00"},
    {"1 drop exact a\x7f\n", 0, 1, 15, "0x7f"},
    {"1 drop exact a\rb\n", 0, 1, 15, "carriage return"},
    {"1 drop exact a\r", 0, 1, 15, "carriage return"},
    {"1 drop exact a\r\r\n", 0, 1, 15, "carriage return"},
    {"\r", 0, 1, 1, "carriage return"},
    {" \v\n", 0, 1, 2, "0x0b"},
    {"# a\n# b\fc\n", 0, 2, 4, "0x0c"},
    {"\0", 1, 1, 1, "0x00"},
    {"1\033 drop exact a\n", 0, 1, 2, "0x1b"},
    {"\n  # no comment\n", 0, 2, 3, "comment"},
    {"#\r\n\r\n1 drop exact a\n\n2 drop exact b\n1 drop exact c\n", 0, 6, 1, "line 3"},
    {"1 drop exact a\n\xef\xbb\xbf", 0, 2, 1, "no id"},
    {"\xef\xbb\xbf  x\n", 0, 1, 3, "no id"},
    {"\xef\xbb", 0, 1, 1, "no id"},
    {"77 drop exact a\n", 0, 1, 1, "already"},
};

static void errors_tell_line_and_column_and_add_nothing(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
    assert_int_equal(add_exact(ruleset, 77, "kept"), CKF_OK);
    for (size_t i = 0; i < sizeof broken_files / sizeof broken_files[0]; i++) {
        const struct broken *broken = &broken_files[i];
        struct ckf_load_error error;
        size_t len = broken->len != 0 ? broken->len : strlen(broken->text);
        const char *path = file_of(broken->text, len);
        assert_int_equal(ckf_ruleset_load(ruleset, path, &error), CKF_INVALID);
        if (error.line != broken->line || error.column != broken->column ||
            strstr(error.message, broken->message) == NULL)
            fail_msg("case %zu: %u:%u: %s", i, error.line, error.column, error.message);
        assert_int_equal(ckf_ruleset_load(ruleset, path, NULL), CKF_INVALID);
    }
    assert_int_equal(rule_count(ruleset), 1);
    assert_int_equal(speaks(ruleset, "kept"), 77);
    ckf_ruleset_destroy(ruleset);
}

static void zeros_before_an_id_do_not_matter(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
    struct ckf_load_error error;
    assert_int_equal(load_text(ruleset, "0000000000000000000000000012 drop exact a\n", &error),
                     CKF_OK);
    assert_int_equal(speaks(ruleset, "a"), 12);
    assert_int_equal(load_text(ruleset, " 000000000000000000099999999999 drop exact b\n", &error),
                     CKF_INVALID);
    assert_int_equal(error.column, 2);
    assert_int_equal(load_text(ruleset, "0000000000000000000000000000 drop exact b\n", &error),
                     CKF_INVALID);
    ckf_ruleset_destroy(ruleset);
}

static void check_refused_file(const char *refused)
{
    struct ckf_ruleset *ruleset = new_ruleset();
    struct ckf_load_error error;
    assert_int_equal(load_text(ruleset, "1 drop exact a\n", &error), CKF_OK);
    assert_int_equal(load_text(ruleset, refused, &error), CKF_INVALID);
    assert_int_equal(speaks(ruleset, "b"), 0);
    assert_int_equal(load_text(ruleset, "2 drop exact d\n3 drop exact e\n", &error), CKF_OK);
    assert_int_equal(load_text(ruleset, "1 drop exact f\n", &error), CKF_INVALID);
    assert_int_equal(speaks(ruleset, "a"), 1);
    assert_int_equal(speaks(ruleset, "b"), 0);
    assert_int_equal(speaks(ruleset, "d"), 2);
    assert_int_equal(speaks(ruleset, "e"), 3);
    ckf_ruleset_destroy(ruleset);
}

static void a_refused_file_gives_its_ids_back(void **state)
{
    (void)state;
    check_refused_file("2 drop exact b\n3 drop exact c\nbad\n");
    check_refused_file("3 drop exact b\n2 drop exact c\nbad\n");
}

static void files_that_cannot_be_read_say_why(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
    struct ckf_load_error error;
    errno = 1234;
    assert_int_equal(ckf_ruleset_load(ruleset, "/nonexistent/rules", &error), CKF_IO);
    assert_non_null(strstr(error.message, strerror(ENOENT)));
    assert_int_equal(error.line, 0);
    assert_int_equal(ckf_ruleset_load(ruleset, "/", &error), CKF_IO);
    assert_non_null(strstr(error.message, strerror(EISDIR)));
    assert_int_equal(ckf_ruleset_load(ruleset, "/", NULL), CKF_IO);
    assert_int_equal(errno, 1234);
    assert_int_equal(ckf_ruleset_load(ruleset, NULL, &error), CKF_INVALID);
    assert_int_equal(rule_count(ruleset), 0);
    ckf_ruleset_destroy(ruleset);
}

static void rules_can_come_through_a_pipe(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
    int ends[2];
    char path[64];
    static const char text[] = "5 drop exact piped\n";
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof text - 1), (int)sizeof text - 1);
    close(ends[1]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    assert_int_equal(ckf_ruleset_load(ruleset, path, NULL), CKF_OK);
    close(ends[0]);
    assert_int_equal(speaks(ruleset, "piped"), 5);
    ckf_ruleset_destroy(ruleset);
}

/* CRLF, escapes and the byte order mark's neighbours at and around every seam between two reads. */
static void seams_between_reads_are_not_seen(void **state)
{
    (void)state;
    enum { BLOCK = 65536, AROUND = 24 };
    static const char tail[] = "\r\n2 drop exact \\x41\\\\\r\n3 drop exact end\r\n";
    static char text[BLOCK + AROUND + sizeof tail];
    for (size_t start = BLOCK - AROUND - sizeof tail; start < BLOCK + 8; start++) {
        struct ckf_ruleset *ruleset = new_ruleset();
        struct ckf_load_error error;
        memset(text, 'p', start);
        memcpy(text, "1 drop exact ", 13);
        memcpy(text + start, tail, sizeof tail - 1);
        size_t len = start + sizeof tail - 1;
        if (ckf_ruleset_load(ruleset, file_of(text, len), &error) != CKF_OK)
            fail_msg("start %zu: %u:%u: %s", start, error.line, error.column, error.message);
        assert_int_equal(ask(ruleset, text + 13, start - 13).rule_id, 1);
        assert_int_equal(speaks(ruleset, "A\\"), 2);
        assert_int_equal(speaks(ruleset, "end"), 3);
        ckf_ruleset_destroy(ruleset);
    }
}

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
    return random_u32(&random_state) % bound;
}

/* Bytes, or pieces of rules that are often nearly right. */
static size_t random_file(char *bytes, size_t room, bool wild)
{
    static const char *const pieces[] = {"1 ",
                                         "2",
                                         " ",
                                         "\t",
                                         "drop ",
                                         "pass ",
                                         "exact ",
                                         "prefix/i ",
                                         "suffix ",
                                         "substring/i ",
                                         "a",
                                         "\\x41",
                                         "\\",
                                         "\\s",
                                         "\n",
                                         "\r\n",
                                         "\r",
                                         "#",
                                         "\xef\xbb\xbf",
                                         "\x7f",
                                         "4294967295 ",
                                         "3 drop exact a\n",
                                         "4 pass suffix b\r\n"};
    size_t len = 0, steps = random_below(40);
    for (size_t i = 0; i < steps; i++) {
        if (wild) {
            bytes[len++] = (char)random_below(256);
            continue;
        }
        const char *piece = pieces[random_below(sizeof pieces / sizeof pieces[0])];
        size_t size = strlen(piece);
        assert_true(len + size < room);
        memcpy(bytes + len, piece, size);
        len += size;
    }
    return len;
}

static void check_place(const char *bytes, size_t len, const struct ckf_load_error *error)
{
    size_t start = 0;
    assert_true(error->line >= 1 && error->column >= 1);
    for (unsigned line = 1; line < error->line; line++) {
        const char *end = memchr(bytes + start, '\n', len - start);
        assert_non_null(end);
        start = (size_t)(end - bytes) + 1;
    }
    assert_true(start + error->column <= len + 1);
    assert_null(memchr(bytes + start, '\n', error->column - 1));
    size_t size = strnlen(error->message, sizeof error->message);
    assert_true(size > 0 && size < sizeof error->message);
    for (size_t i = 0; i < size; i++)
        assert_true(error->message[i] >= ' ' && error->message[i] < 0x7f);
}

static void random_files_are_read_or_refused_whole(void **state)
{
    (void)state;
    enum { FILES = 4000, ROOM = 1024 };
    unsigned accepted = 0;
    for (unsigned i = 0; i < FILES; i++) {
        char bytes[ROOM];
        size_t len = random_file(bytes, ROOM, i % 4 == 0);
        struct ckf_ruleset *ruleset = new_ruleset();
        struct ckf_load_error error;
        assert_int_equal(add_exact(ruleset, 9, "nine"), CKF_OK);
        enum ckf_status status = ckf_ruleset_load(ruleset, file_of(bytes, len), &error);
        if (status == CKF_OK) {
            accepted++;
        } else {
            assert_int_equal(status, CKF_INVALID);
            check_place(bytes, len, &error);
            assert_int_equal(rule_count(ruleset), 1);
        }
        assert_int_equal(speaks(ruleset, "nine"), 9);
        ckf_ruleset_destroy(ruleset);
    }
    assert_true(accepted > 0);
}

static void add_without_memory(uint32_t ascending)
{
    size_t before = live_allocations();
    for (unsigned nth = 1;; nth++) {
        struct ckf_ruleset *ruleset = new_ruleset();
        enum ckf_status status = CKF_OK;
        uint32_t added = 0;
        char pattern[32];
        errno = 1234;
        fail_allocation(nth);
        for (uint32_t i = 1; i <= 100 && status == CKF_OK; i++) {
            snprintf(pattern, sizeof pattern, "pattern number %u", i);
            status = add_exact(ruleset, nth_id(i, ascending), pattern);
            added += status == CKF_OK;
        }
        bool failed = allocation_failed();
        fail_allocation(0);
        assert_int_equal(errno, 1234);
        assert_int_equal(status, failed ? CKF_NO_MEMORY : CKF_OK);
        assert_int_equal(rule_count(ruleset), added);
        assert_int_equal(add_exact(ruleset, nth_id(101, ascending), "after"), CKF_OK);
        assert_int_equal(speaks(ruleset, "after"), nth_id(101, ascending));
        ckf_ruleset_destroy(ruleset);
        assert_int_equal(live_allocations(), before);
        if (!failed)
            return;
    }
}

static void without_memory_nothing_is_added(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset;
    fail_allocation(1);
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_NO_MEMORY);
    assert_null(ruleset);
    add_without_memory(MANY_IDS);
    add_without_memory(50);
}

static void without_memory_a_file_is_refused_whole(void **state)
{
    (void)state;
    char text[4096];
    size_t len = 0;
    for (uint32_t id = 2; id < 40; id++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%u drop exact pattern %u %060u\n",
                                id, id, id);
    const char *path = file_of(text, len);
    size_t before = live_allocations();
    for (unsigned nth = 1;; nth++) {
        struct ckf_ruleset *ruleset = new_ruleset();
        struct ckf_load_error error;
        assert_int_equal(add_exact(ruleset, 1, "kept"), CKF_OK);
        fail_allocation(nth);
        enum ckf_status status = ckf_ruleset_load(ruleset, path, &error);
        bool failed = allocation_failed();
        fail_allocation(0);
        assert_int_equal(status, failed ? CKF_NO_MEMORY : CKF_OK);
        assert_int_equal(rule_count(ruleset), failed ? 1 : 39);
        assert_int_equal(speaks(ruleset, "kept"), 1);
        if (failed)
            assert_int_equal(ckf_ruleset_load(ruleset, path, &error), CKF_OK);
        ckf_ruleset_destroy(ruleset);
        assert_int_equal(live_allocations(), before);
        if (!failed)
            return;
    }
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_rules_decide),
        cmocka_unit_test(bad_rules_are_refused_and_leave_no_trace),
        cmocka_unit_test(patterns_are_copied_and_may_hold_any_byte),
        cmocka_unit_test(many_ids_are_told_apart),
        cmocka_unit_test(every_form_of_a_rules_file_is_read),
        cmocka_unit_test(errors_tell_line_and_column_and_add_nothing),
        cmocka_unit_test(zeros_before_an_id_do_not_matter),
        cmocka_unit_test(a_refused_file_gives_its_ids_back),
        cmocka_unit_test(files_that_cannot_be_read_say_why),
        cmocka_unit_test(rules_can_come_through_a_pipe),
        cmocka_unit_test(seams_between_reads_are_not_seen),
        cmocka_unit_test(random_files_are_read_or_refused_whole),
        cmocka_unit_test(without_memory_nothing_is_added),
        cmocka_unit_test(without_memory_a_file_is_refused_whole),
    };
    return cmocka_run_group_tests_name("ruleset", tests, NULL, remove_file);
}
