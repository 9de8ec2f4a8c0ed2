/* harness/json.c - writing JSON as it comes (RFC 8259). */
#include "harness/json.h"

#include <inttypes.h>
#include <math.h>

unsigned ckf_stress_utf8_length(const char *text)
{
    const unsigned char *t = (const unsigned char *)text;
    if (t[0] < 0x80)
        return t[0] != 0;
    unsigned length = t[0] >= 0xf0 ? 4 : t[0] >= 0xe0 ? 3 : 2;
    if (t[0] < 0xc2 || t[0] > 0xf4)
        return 0;
    for (unsigned i = 1; i < length; i++)
        if ((t[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xf0 && t[1] < 0x90);
    bool surrogate = t[0] == 0xed && t[1] >= 0xa0;
    bool too_high = t[0] == 0xf4 && t[1] >= 0x90;
    return overlong || surrogate || too_high ? 0 : length;
}

void ckf_stress_json_escape(FILE *out, const char *text)
{
    while (*text != '\0') {
        unsigned char c = (unsigned char)*text;
        unsigned length = ckf_stress_utf8_length(text);
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else if (length == 0)
            fputs("\\ufffd", out);
        else
            fwrite(text, 1, length, out);
        text += length == 0 ? 1 : length;
    }
}

void ckf_stress_json_begin(struct ckf_stress_json *json, FILE *out)
{
    *json = (struct ckf_stress_json){.out = out, .empty = true};
}

bool ckf_stress_json_end(struct ckf_stress_json *json)
{
    fputc('\n', json->out);
    return fflush(json->out) == 0 && ferror(json->out) == 0;
}

static void new_line(struct ckf_stress_json *json)
{
    fputc('\n', json->out);
    for (int i = 0; i < json->depth; i++)
        fputs("  ", json->out);
}

/* What precedes a value: a comma, a line of its own, its key. */
static void lead_in(struct ckf_stress_json *json, const char *key)
{
    if (!json->empty)
        fputc(',', json->out);
    if (json->depth > 0)
        new_line(json);
    json->empty = false;
    if (key != NULL)
        fprintf(json->out, "\"%s\": ", key);
}

static void open_group(struct ckf_stress_json *json, const char *key, char bracket)
{
    lead_in(json, key);
    fputc(bracket, json->out);
    json->depth++;
    json->empty = true;
}

static void close_group(struct ckf_stress_json *json, char bracket)
{
    json->depth--;
    if (!json->empty)
        new_line(json);
    fputc(bracket, json->out);
    json->empty = false;
}

void ckf_stress_json_open_object(struct ckf_stress_json *json, const char *key)
{
    open_group(json, key, '{');
}

void ckf_stress_json_close_object(struct ckf_stress_json *json)
{
    close_group(json, '}');
}

void ckf_stress_json_open_array(struct ckf_stress_json *json, const char *key)
{
    open_group(json, key, '[');
}

void ckf_stress_json_close_array(struct ckf_stress_json *json)
{
    close_group(json, ']');
}

void ckf_stress_json_string(struct ckf_stress_json *json, const char *key, const char *value)
{
    if (value == NULL) {
        ckf_stress_json_null(json, key);
        return;
    }
    lead_in(json, key);
    fputc('"', json->out);
    ckf_stress_json_escape(json->out, value);
    fputc('"', json->out);
}

void ckf_stress_json_unsigned(struct ckf_stress_json *json, const char *key, uint64_t value)
{
    lead_in(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void ckf_stress_json_double(struct ckf_stress_json *json, const char *key, double value)
{
    if (!isfinite(value)) {
        ckf_stress_json_null(json, key);
        return;
    }
    lead_in(json, key);
    fprintf(json->out, "%.9g", value);
}

void ckf_stress_json_bool(struct ckf_stress_json *json, const char *key, bool value)
{
    lead_in(json, key);
    fputs(value ? "true" : "false", json->out);
}

void ckf_stress_json_raw(struct ckf_stress_json *json, const char *key, const char *text)
{
    lead_in(json, key);
    fputs(text, json->out);
}

void ckf_stress_json_null(struct ckf_stress_json *json, const char *key)
{
    lead_in(json, key);
    fputs("null", json->out);
}
