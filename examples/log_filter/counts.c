/* examples/log_filter/counts.c - the report of --counts: tab-separated, one count a line. */
#include "log_filter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct rule_report {
    FILE *file;
    uint64_t lines; /* that some rule decided */
};

static bool print_rule(uint32_t id, uint64_t hits, void *arg)
{
    struct rule_report *report = arg;
    fprintf(report->file, "rule\t%" PRIu32 "\t%" PRIu64 "\n", id, hits);
    report->lines += hits;
    return true;
}

static void print_rules(FILE *file, struct ckf_filter *filter, uint64_t lines)
{
    struct rule_report report = {file, 0};
    ckf_filter_for_each_rule(filter, print_rule, &report);
    fprintf(file, "no rule\t\t%" PRIu64 "\n", lines - report.lines);
}

/* Bytes that could be mistaken for the report's own come as \xHH. */
static void print_bytes(FILE *file, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f || bytes[i] == '\\')
            fprintf(file, "\\x%02x", bytes[i]);
        else
            putc(bytes[i], file);
}

static bool print_field(const void *key, size_t key_len, uint64_t lines, void *file)
{
    fputs("field\t", file);
    print_bytes(file, key, key_len);
    fprintf(file, "\t%" PRIu64 "\n", lines);
    return true;
}

static void print_fields(FILE *file, struct ckf_counter_map *fields)
{
    /* In descending order, or, if there is no memory for that, in any. */
    if (ckf_counter_map_top(fields, ckf_counter_map_len(fields), print_field, file) != CKF_OK)
        ckf_counter_map_for_each(fields, print_field, file);
    uint64_t others = ckf_counter_map_overflow(fields);
    if (others > 0)
        fprintf(file, "other fields\t\t%" PRIu64 "\n", others);
}

static struct totals sum_totals(const struct pipeline *pipeline)
{
    struct totals sum = {0};
    for (unsigned i = 0; i < pipeline->options->workers; i++) {
        sum.lines += pipeline->totals[i].lines;
        sum.kept += pipeline->totals[i].kept;
    }
    return sum;
}

bool write_counts(const struct pipeline *pipeline)
{
    const char *path = pipeline->options->counts;
    struct totals totals = sum_totals(pipeline);
    if (path == NULL)
        return true;
    FILE *file = strcmp(path, "-") == 0 ? stderr : fopen(path, "we");
    if (file == NULL) {
        say("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    fprintf(file, "lines\t\t%" PRIu64 "\nkept\t\t%" PRIu64 "\ndropped\t\t%" PRIu64 "\n",
            totals.lines, totals.kept, totals.lines - totals.kept);
    print_rules(file, pipeline->filter, totals.lines);
    print_fields(file, pipeline->fields);
    bool written = fflush(file) == 0 && !ferror(file);
    int error = errno;
    if (file != stderr && fclose(file) != 0) {
        written = false;
        error = errno;
    }
    if (!written)
        say("cannot write %s: %s", path, strerror(error));
    return written;
}
