/* filter/rules_file.c - reading a rules file, in one pass and without a line buffer.
 *
 *     ID pass|drop exact|prefix|suffix|substring[/i] PATTERN
 *
 * Roles:     the caller's thread; the ruleset is its own.
 * Invariant: a pattern is decoded straight into the room above the ruleset's bytes and becomes part
 *            of them only with its rule. Until the end of the file every rule can be taken back.
 * Failure:   the first error ends the reading: it says where and why, and the ruleset is put back.
 *
 * Bytes from 0x80 up are bytes like others: nobody asks which encoding they are of. Control bytes
 * are refused everywhere, comments included, so that a binary file fails in its first line.
 */
#include "filter/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/check.h"
#include "base/memory.h"

enum {
    BLOCK_BYTES = 65536,
    FIELD_BYTES = 20,  /* of a field are kept: longer than any that is right */
    PATTERN_STEP = 256 /* room that is asked for at a time */
};

enum { END_OF_FILE = -1 };

struct reader {
    struct ckf_ruleset *ruleset;
    struct ckf_load_error *error;
    enum ckf_status status; /* CKF_OK until something failed */
    int fd;
    unsigned char *block;
    size_t at, end; /* what is left of the block */
    bool ended;     /* the file has no more */
    unsigned line, column;
    size_t first_rule; /* of this file, in the ruleset */
};

__attribute__((format(printf, 5, 6))) static bool fail(struct reader *reader,
                                                       enum ckf_status status, unsigned line,
                                                       unsigned column, const char *format, ...)
{
    if (reader->status != CKF_OK)
        return false; /* the first error is the one to tell */
    reader->status = status;
    reader->error->line = line;
    reader->error->column = column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error->message, sizeof reader->error->message, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_io(struct reader *reader, const char *what, int error)
{
    char text[80];
    return fail(reader, CKF_IO, 0, 0, "%s: %s", what, strerror_r(error, text, sizeof text));
}

static bool fail_memory(struct reader *reader)
{
    return fail(reader, CKF_NO_MEMORY, reader->line, reader->column, "no memory");
}

#define FAIL_AT(reader, at_column, ...)                                                            \
    fail((reader), CKF_INVALID, (reader)->line, (at_column), __VA_ARGS__)

/* Moves what is left to the front and reads until `wanted` bytes are there or the file ends. */
static void fill(struct reader *reader, size_t wanted)
{
    memmove(reader->block, reader->block + reader->at, reader->end - reader->at);
    reader->end -= reader->at;
    reader->at = 0;
    while (reader->end < wanted && !reader->ended) {
        ssize_t got = read(reader->fd, reader->block + reader->end, BLOCK_BYTES - reader->end);
        if (got > 0) {
            reader->end += (size_t)got;
        } else if (got == 0) {
            reader->ended = true;
        } else if (errno != EINTR) {
            reader->ended = true;
            fail_io(reader, "cannot read the file", errno);
        }
    }
}

/* The byte `ahead` places after the next one, or END_OF_FILE. */
static inline int peek(struct reader *reader, size_t ahead)
{
    if (CKF_UNLIKELY(reader->end - reader->at <= ahead && !reader->ended))
        fill(reader, ahead + 1);
    return reader->end - reader->at > ahead ? reader->block[reader->at + ahead] : END_OF_FILE;
}

static inline void advance(struct reader *reader)
{
    reader->at++;
    reader->column++;
}

static bool at_line_end(struct reader *reader)
{
    int next = peek(reader, 0);
    return next == END_OF_FILE || next == '\n' || (next == '\r' && peek(reader, 1) == '\n');
}

static void end_line(struct reader *reader)
{
    if (peek(reader, 0) == '\r')
        advance(reader);
    if (peek(reader, 0) == '\n')
        advance(reader);
    reader->line++;
    reader->column = 1;
}

static inline bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t';
}

/* For a byte that is not the end of its line. */
static bool check_text(struct reader *reader)
{
    int byte = peek(reader, 0);
    if (byte == '\r')
        return FAIL_AT(reader, reader->column, "a carriage return without a line feed");
    if ((byte < ' ' && byte != '\t') || byte == 0x7f)
        return FAIL_AT(reader, reader->column, "control byte 0x%02x: write \\x%02x", (unsigned)byte,
                       (unsigned)byte);
    return true;
}

static void skip_blanks(struct reader *reader)
{
    while (is_blank(peek(reader, 0)))
        advance(reader);
}

static bool skip_comment(struct reader *reader)
{
    while (!at_line_end(reader)) {
        if (!check_text(reader))
            return false;
        advance(reader);
    }
    end_line(reader);
    return true;
}

struct field {
    unsigned column;
    char text[FIELD_BYTES]; /* printable, cut off where it is too long */
};

/* Reads up to the next blank and skips the blanks behind it. */
static bool read_field(struct reader *reader, struct field *field, const char *what)
{
    size_t len = 0;
    *field = (struct field){.column = reader->column};
    for (; !at_line_end(reader) && !is_blank(peek(reader, 0)); advance(reader)) {
        if (!check_text(reader))
            return false;
        int byte = peek(reader, 0);
        if (len < FIELD_BYTES - 1)
            field->text[len++] = byte < 0x7f ? (char)byte : '?';
    }
    if (len == 0)
        return FAIL_AT(reader, field->column, "%s is missing", what);
    skip_blanks(reader);
    return true;
}

/* A field is cut where it is longer than anything right, but zeros in front make no number larger. */
static void skip_leading_zeros(struct reader *reader)
{
    while (peek(reader, 0) == '0' && peek(reader, 1) >= '0' && peek(reader, 1) <= '9')
        advance(reader);
}

static bool read_id(struct reader *reader, struct ckf_rule *rule)
{
    struct field field;
    unsigned column = reader->column;
    skip_leading_zeros(reader);
    if (!read_field(reader, &field, "the id"))
        return false;
    field.column = column;
    uint64_t id = 0;
    const char *digit = field.text;
    for (; *digit >= '0' && *digit <= '9' && id <= UINT32_MAX; digit++)
        id = id * 10 + (uint64_t)(*digit - '0');
    if (*digit != '\0' || id == 0 || id > UINT32_MAX)
        return FAIL_AT(reader, field.column, "\"%s\" is no id: a number from 1 to 4294967295",
                       field.text);
    size_t place;
    if (ckf_ruleset_find_id(reader->ruleset, (uint32_t)id, &place)) {
        if (place < reader->first_rule)
            return FAIL_AT(reader, field.column, "id %u stands in the ruleset already",
                           (unsigned)id);
        return FAIL_AT(reader, field.column, "id %u was given in line %u already", (unsigned)id,
                       reader->ruleset->rules[place].line);
    }
    rule->id = (uint32_t)id;
    return true;
}

static bool read_action(struct reader *reader, struct ckf_rule *rule)
{
    struct field field;
    if (!read_field(reader, &field, "the action (pass or drop)"))
        return false;
    if (strcmp(field.text, "pass") == 0)
        rule->action = CKF_ACTION_PASS;
    else if (strcmp(field.text, "drop") == 0)
        rule->action = CKF_ACTION_DROP;
    else
        return FAIL_AT(reader, field.column, "\"%s\" is no action: pass or drop", field.text);
    return true;
}

static bool read_match(struct reader *reader, struct ckf_rule *rule)
{
    static const char *const names[] = {"exact", "prefix", "suffix", "substring"};
    struct field field;
    if (!read_field(reader, &field, "the kind of match (exact, prefix, suffix or substring)"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(field.text, names[i], len) != 0)
            continue;
        rule->match = (enum ckf_match)i;
        rule->fold_ascii_case = strcmp(field.text + len, "/i") == 0;
        if (rule->fold_ascii_case || field.text[len] == '\0')
            return true;
    }
    return FAIL_AT(
        reader, field.column,
        "\"%s\" is no kind of match: exact, prefix, suffix or substring, then perhaps /i",
        field.text);
}

static int hex_digit(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    int folded = byte | 0x20;
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

static bool read_hex(struct reader *reader, unsigned column, unsigned char *decoded)
{
    int value = 0;
    for (int i = 0; i < 2; i++) {
        int digit = hex_digit(peek(reader, 0));
        if (digit < 0)
            return FAIL_AT(reader, column, "\\x needs two hexadecimal digits");
        value = value * 16 + digit;
        advance(reader);
    }
    *decoded = (unsigned char)value;
    return true;
}

static bool read_escape(struct reader *reader, unsigned char *decoded)
{
    unsigned column = reader->column;
    advance(reader);
    if (at_line_end(reader))
        return FAIL_AT(reader, column, "a backslash at the end of the line: write \\\\");
    int byte = peek(reader, 0);
    advance(reader);
    switch (byte) {
    case '\\':
        *decoded = '\\';
        return true;
    case 'n':
        *decoded = '\n';
        return true;
    case 't':
        *decoded = '\t';
        return true;
    case 'r':
        *decoded = '\r';
        return true;
    case 's':
        *decoded = ' ';
        return true;
    case 'x':
        return read_hex(reader, column, decoded);
    default:
        return FAIL_AT(reader, column, "no such escape: \\\\ \\n \\t \\r \\s and \\xHH are known");
    }
}

/* The rest of the line, blanks at its end included. */
static bool read_pattern(struct reader *reader, struct ckf_rule *rule)
{
    struct ckf_ruleset *ruleset = reader->ruleset;
    unsigned column = reader->column;
    size_t len = 0;
    for (; !at_line_end(reader); len++) {
        if (ruleset->room - ruleset->used == len &&
            !ckf_ruleset_reserve_bytes(ruleset, len + PATTERN_STEP))
            return fail_memory(reader);
        unsigned char *decoded = ruleset->bytes + ruleset->used + len;
        if (!check_text(reader))
            return false;
        if (peek(reader, 0) == '\\') {
            if (!read_escape(reader, decoded))
                return false;
        } else {
            *decoded = (unsigned char)peek(reader, 0);
            advance(reader);
        }
    }
    if (len == 0)
        return FAIL_AT(reader, column, "the pattern is missing (for a blank write \\s)");
    rule->pattern_len = len;
    return true;
}

static bool read_rule(struct reader *reader)
{
    struct ckf_rule rule = {0};
    unsigned line = reader->line;
    if (!read_id(reader, &rule) || !read_action(reader, &rule) || !read_match(reader, &rule) ||
        !read_pattern(reader, &rule))
        return false;
    if (reader->status != CKF_OK)
        return false; /* the file could not be read to the end of this line */
    if (ckf_ruleset_commit(reader->ruleset, &rule, line) != CKF_OK)
        return fail_memory(reader); /* everything else has been looked at */
    end_line(reader);
    return true;
}

static bool read_line(struct reader *reader)
{
    if (peek(reader, 0) == '#')
        return skip_comment(reader);
    skip_blanks(reader);
    if (at_line_end(reader)) {
        end_line(reader);
        return true;
    }
    if (peek(reader, 0) == '#')
        return FAIL_AT(reader, reader->column, "a comment starts in the first column");
    return read_rule(reader);
}

static void skip_byte_order_mark(struct reader *reader)
{
    if (peek(reader, 0) == 0xef && peek(reader, 1) == 0xbb && peek(reader, 2) == 0xbf)
        reader->at += 3;
}

static void read_all(struct reader *reader)
{
    skip_byte_order_mark(reader);
    while (reader->status == CKF_OK && peek(reader, 0) != END_OF_FILE)
        read_line(reader);
}

static void open_and_read(struct reader *reader, const char *path)
{
    do
        reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (reader->fd < 0 && errno == EINTR);
    if (reader->fd < 0) {
        fail_io(reader, "cannot open the file", errno);
        return;
    }
    reader->block = ckf_alloc(BLOCK_BYTES);
    if (reader->block == NULL)
        fail(reader, CKF_NO_MEMORY, 0, 0, "no memory");
    else
        read_all(reader);
    ckf_free(reader->block);
    close(reader->fd);
}

enum ckf_status ckf_ruleset_load(struct ckf_ruleset *ruleset, const char *path,
                                 struct ckf_load_error *error)
{
    CKF_REQUIRE(ruleset != NULL, "needs a ruleset");
    struct ckf_load_error unseen;
    struct reader reader = {
        .ruleset = ruleset,
        .error = error != NULL ? error : &unseen,
        .line = 1,
        .column = 1,
        .first_rule = ruleset->count,
    };
    *reader.error = (struct ckf_load_error){0};
    if (path == NULL) {
        fail(&reader, CKF_INVALID, 0, 0, "no path was given");
        return reader.status;
    }
    size_t used = ruleset->used;
    struct ckf_caller caller = ckf_caller_save();
    open_and_read(&reader, path);
    ckf_caller_restore(caller);
    if (reader.status != CKF_OK)
        ckf_ruleset_truncate(ruleset, reader.first_rule, used);
    return reader.status;
}
