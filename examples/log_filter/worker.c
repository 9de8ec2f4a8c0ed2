/* examples/log_filter/worker.c - filters batches in place and counts first fields.
 *
 * A batch is looked at in chunks of lines. Each chunk is judged by one evaluate_many, hence by one
 * generation of the rules; its first fields are counted in a small table of the worker's own and
 * handed to the shared map once for each different field. Lines that stay are moved together.
 */
#include "log_filter.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_LINES = 4096,
    TABLE_SIZE = 1024, /* of the private table; a power of two */
    PROBES = 8         /* places that are looked at before the shared map is asked at once */
};

struct field {
    const char *bytes; /* in the batch */
    size_t len;
    uint64_t count; /* 0: free */
};

struct desk {
    struct pipeline *pipeline;
    struct totals totals;
    struct ckf_record records[CHUNK_LINES];
    struct ckf_verdict verdicts[CHUNK_LINES];
    struct field table[TABLE_SIZE];
    uint16_t used[TABLE_SIZE]; /* places of the table, in order of use */
    size_t used_count;
};

static inline bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static struct field first_field(const struct ckf_record *line)
{
    const char *bytes = line->data, *end = bytes + line->len;
    while (bytes < end && is_blank(*bytes))
        bytes++;
    const char *stop = bytes;
    while (stop < end && stop - bytes < MAX_FIELD_BYTES && !is_blank(*stop))
        stop++;
    return (struct field){bytes, (size_t)(stop - bytes), 1};
}

/* Spreads well enough for a table in which a search is never longer than PROBES. */
static size_t hash_of(const struct field *field)
{
    uint64_t hash = field->len;
    size_t at = 0;
    for (; field->len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, field->bytes + at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; at < field->len; at++)
        hash = (hash ^ (unsigned char)field->bytes[at]) * UINT64_C(0x100000001b3);
    return (size_t)((hash * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

static void count_field(struct desk *desk, const struct field *field)
{
    size_t home = hash_of(field);
    for (size_t probe = 0; probe < PROBES; probe++) {
        size_t at = (home + probe) % TABLE_SIZE;
        struct field *place = &desk->table[at];
        if (place->count == 0) {
            *place = *field;
            desk->used[desk->used_count++] = (uint16_t)at;
            return;
        }
        if (place->len == field->len && memcmp(place->bytes, field->bytes, field->len) == 0) {
            place->count++;
            return;
        }
    }
    ckf_counter_map_add(desk->pipeline->fields, field->bytes, field->len, 1);
}

static void hand_over_fields(struct desk *desk)
{
    for (size_t i = 0; i < desk->used_count; i++) {
        struct field *field = &desk->table[desk->used[i]];
        ckf_counter_map_add(desk->pipeline->fields, field->bytes, field->len, field->count);
        field->count = 0;
    }
    desk->used_count = 0;
}

/* Fills the records with the lines at `bytes`; returns how many. */
static size_t split(struct desk *desk, const char *bytes, const char *end)
{
    size_t lines = 0;
    for (; bytes < end && lines < CHUNK_LINES; lines++) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        desk->records[lines] = (struct ckf_record){bytes, (size_t)(newline - bytes)};
        bytes = newline + 1;
    }
    return lines;
}

/* Moves the lines that pass to `to`, neighbours together. Returns their end. */
static char *keep(struct desk *desk, size_t lines, char *to)
{
    for (size_t i = 0; i < lines;) {
        if (desk->verdicts[i].action == CKF_ACTION_DROP) {
            i++;
            continue;
        }
        const char *from = desk->records[i].data;
        size_t first = i, len = 0;
        for (; i < lines && desk->verdicts[i].action == CKF_ACTION_PASS; i++)
            len += desk->records[i].len + 1;
        if (from != to)
            memmove(to, from, len);
        to += len;
        desk->totals.kept += i - first;
    }
    return to;
}

static void filter_batch(struct desk *desk, struct batch *batch)
{
    const char *next = batch->bytes, *end = batch->bytes + batch->len;
    char *kept_end = batch->bytes;
    while (next < end) {
        size_t lines = split(desk, next, end);
        const struct ckf_record *last = &desk->records[lines - 1];
        next = (const char *)last->data + last->len + 1;
        desk->totals.lines += lines;
        if (desk->pipeline->fields != NULL) {
            for (size_t i = 0; i < lines; i++) {
                struct field field = first_field(&desk->records[i]);
                count_field(desk, &field);
            }
            hand_over_fields(desk);
        }
        ckf_filter_evaluate_many(desk->pipeline->filter, desk->records, desk->verdicts, lines);
        kept_end = keep(desk, lines, kept_end);
    }
    batch->len = (size_t)(kept_end - batch->bytes);
}

int filter_batches(struct ckf_context *context, void *arg)
{
    (void)context; /* ends when the input is through, not before */
    struct worker *worker = arg;
    struct pipeline *pipeline = worker->pipeline;
    struct desk *desk = calloc(1, sizeof *desk);
    struct batch *batch;
    if (desk == NULL)
        say("no memory for a worker");
    else
        desk->pipeline = pipeline;
    while (desk != NULL && ckf_channel_recv(pipeline->work, &batch) == CKF_OK) {
        struct ckf_trace_span span = ckf_trace_begin();
        filter_batch(desk, batch);
        ckf_trace_end(span, "filter batch", batch->sequence);
        pass_on(pipeline->done, batch);
    }
    if (desk != NULL)
        *worker->totals = desk->totals;
    ckf_channel_producer_done(pipeline->done);
    int failed = desk == NULL;
    free(desk);
    return failed;
}
