/* fuzz/fuzz_rules.c - the input is a rules file. It must be accepted or refused as a second reader,
 * written from the grammar alone, does; an error must name a place in it; and the rules must decide
 * about its own lines as the naive matcher does.
 *
 * The second reader: lines, then fields, with the whole file in memory.
 */
#include "naive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_INPUT = 1 << 16, MAX_RULES = 4096 };

struct text {
    const unsigned char *at, *end;
};

struct file {
    struct ckf_rule rules[MAX_RULES];
    size_t count;
    unsigned char patterns[MAX_INPUT]; /* decoded, one after the other */
    size_t used;
    unsigned line; /* that is read; where it is bad, if it is */
};

static bool is_blank(unsigned char byte)
{
    return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct text *line)
{
    while (line->at < line->end && is_blank(*line->at))
        line->at++;
}

static struct text take_field(struct text *line)
{
    skip_blanks(line);
    struct text field = {line->at, line->at};
    while (line->at < line->end && !is_blank(*line->at))
        field.end = ++line->at;
    return field;
}

static bool is_word(struct text field, const char *word)
{
    size_t len = (size_t)(field.end - field.at);
    return len == strlen(word) && memcmp(field.at, word, len) == 0;
}

static bool read_id(struct text field, uint32_t *id)
{
    uint64_t value = 0;
    if (field.at == field.end)
        return false;
    for (; field.at < field.end; field.at++) {
        if (*field.at < '0' || *field.at > '9')
            return false;
        value = value * 10 + (*field.at - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *id = (uint32_t)value;
    return value > 0;
}

static bool read_kind(struct text field, struct ckf_rule *rule)
{
    static const char *const names[] = {"exact", "prefix", "suffix", "substring"};
    if (field.end - field.at > 2 && memcmp(field.end - 2, "/i", 2) == 0) {
        rule->fold_ascii_case = true;
        field.end -= 2;
    }
    for (int kind = 0; kind < 4; kind++)
        if (is_word(field, names[kind])) {
            rule->match = (enum ckf_match)kind;
            return true;
        }
    return false;
}

static int hex_digit(unsigned char byte)
{
    const char *digits = "0123456789abcdef";
    const char *found =
        byte == '\0' ? NULL : strchr(digits, byte >= 'A' && byte <= 'F' ? byte + 32 : byte);
    return found == NULL ? -1 : (int)(found - digits);
}

/* The byte that the escape behind a backslash stands for; -1 for none. */
static int read_escape(struct text *line)
{
    if (line->at == line->end)
        return -1;
    switch (*line->at++) {
    case '\\':
        return '\\';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 's':
        return ' ';
    case 'x':
        if (line->end - line->at < 2 || hex_digit(line->at[0]) < 0 || hex_digit(line->at[1]) < 0)
            return -1;
        line->at += 2;
        return hex_digit(line->at[-2]) * 16 + hex_digit(line->at[-1]);
    default:
        return -1;
    }
}

static bool read_pattern(struct text line, struct file *file, struct ckf_rule *rule)
{
    rule->pattern = file->patterns + file->used;
    while (line.at < line.end) {
        int byte = *line.at++;
        if (byte == '\\')
            byte = read_escape(&line);
        if (byte < 0)
            return false;
        file->patterns[file->used++] = (unsigned char)byte;
        rule->pattern_len++;
    }
    return rule->pattern_len > 0;
}

static bool id_is_new(const struct file *file, uint32_t id)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->rules[i].id == id)
            return false;
    return true;
}

static bool has_bad_byte(struct text line)
{
    for (; line.at < line.end; line.at++)
        if ((*line.at < 0x20 && *line.at != '\t') || *line.at == 0x7f)
            return true;
    return false;
}

static bool read_line(struct text line, struct file *file)
{
    struct ckf_rule rule = {0};
    if (line.at < line.end && line.end[-1] == '\r')
        line.end--;
    if (has_bad_byte(line))
        return false;
    if (line.at < line.end && *line.at == '#')
        return true;
    struct text id = take_field(&line);
    if (id.at == id.end)
        return true;
    struct text action = take_field(&line);
    bool drops = is_word(action, "drop");
    if (!read_id(id, &rule.id) || !(drops || is_word(action, "pass")) ||
        !read_kind(take_field(&line), &rule))
        return false;
    rule.action = drops ? CKF_ACTION_DROP : CKF_ACTION_PASS;
    skip_blanks(&line);
    if (!read_pattern(line, file, &rule) || !id_is_new(file, rule.id))
        return false;
    if (file->count == MAX_RULES)
        abort(); /* the input is too short for so many */
    file->rules[file->count++] = rule;
    return true;
}

static bool read_file(const uint8_t *data, size_t size, struct file *file)
{
    struct text rest = {data, data + size};
    file->count = file->used = file->line = 0;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        rest.at += 3;
    while (rest.at < rest.end) {
        const unsigned char *newline = memchr(rest.at, '\n', (size_t)(rest.end - rest.at));
        struct text line = {rest.at, newline != NULL ? newline : rest.end};
        /* A CR at the very end of the file ends no line. */
        file->line++;
        if (newline == NULL && line.end[-1] == '\r')
            return false;
        if (!read_line(line, file))
            return false;
        rest.at = newline != NULL ? newline + 1 : rest.end;
    }
    return true;
}

static int memory_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("rules", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        finding("no memory file");
    return fd;
}

static void check_lines(const struct file *file, struct ckf_filter *filter, const uint8_t *data,
                        size_t size)
{
    const uint8_t *end = data + size;
    while (data < end) {
        const uint8_t *newline = memchr(data, '\n', (size_t)(end - data));
        size_t len = newline != NULL ? (size_t)(newline - data) : (size_t)(end - data);
        check_verdict(filter, file->rules, file->count, data, len);
        data += len + 1;
    }
    for (size_t i = 0; i < file->count; i++)
        check_verdict(filter, file->rules, file->count, file->rules[i].pattern,
                      file->rules[i].pattern_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct file file;
    struct ckf_ruleset *ruleset;
    struct ckf_load_error error;
    char path[40];
    if (size > MAX_INPUT)
        return 0;
    if (ckf_ruleset_create(&ruleset) != CKF_OK)
        finding("no ruleset");
    int fd = memory_file(data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum ckf_status status = ckf_ruleset_load(ruleset, path, &error);
    bool good = read_file(data, size, &file);
    if (status != CKF_OK && status != CKF_INVALID)
        finding("neither good nor bad");
    if (good != (status == CKF_OK))
        finding(good ? "a good file is refused" : "a bad file is accepted");
    if (!good && error.line != file.line)
        finding("the error is in another line");
    if (!good && (error.column == 0 || error.message[0] == '\0'))
        finding("an error without a place or a message");
    struct ckf_filter *filter = filter_of(ruleset);
    if (!good)
        file.count = 0; /* all or nothing */
    check_lines(&file, filter, data, size);
    ckf_filter_destroy(filter);
    ckf_ruleset_destroy(ruleset);
    close(fd);
    return 0;
}
