/* examples/log_filter/input.c - cuts the inputs into batches of whole lines.
 *
 * Reads straight into a batch, cuts behind the last newline, and keeps the rest, the beginning of a
 * line, for the next batch. What a pipe has to give at a time becomes a batch, so that a slow writer's
 * lines come out at once. When it is told to stop it sends the whole lines that it has and drops the
 * unfinished one.
 */
#include "log_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    struct pipeline *pipeline;
    struct ckf_context *context;
    struct batch *batch; /* being filled; NULL: none */
    uint64_t next_sequence;
    char *rest; /* of the last batch: a line without its end */
    size_t rest_len, rest_room;
    const char *path;
    int fd;
    bool can_wait; /* reads of this input may wait for a writer */
    bool failed;
};

enum progress { GOES_ON, ENDED, STOPPED };

static bool make_room(char **bytes, size_t *room, size_t wanted)
{
    if (*room >= wanted)
        return true;
    char *larger = realloc(*bytes, wanted);
    if (larger == NULL) {
        say("no memory for a line of %zu bytes", wanted);
        return false;
    }
    *bytes = larger;
    *room = wanted;
    return true;
}

/* A spare batch that begins with the rest of the last one. False: told to stop. */
static bool take_batch(struct reader *reader)
{
    if (ckf_channel_recv_until(reader->pipeline->spare, &reader->batch, CKF_FOREVER,
                               reader->context) != CKF_OK) {
        reader->batch = NULL;
        return false;
    }
    struct batch *batch = reader->batch;
    if (!make_room(&batch->bytes, &batch->room, reader->rest_len + BATCH_BYTES)) {
        reader->failed = true;
        return false;
    }
    if (reader->rest_len > 0)
        memcpy(batch->bytes, reader->rest, reader->rest_len);
    batch->len = reader->rest_len;
    reader->rest_len = 0;
    return true;
}

/* Sends the first len bytes and keeps the rest. */
static bool send_lines(struct reader *reader, size_t len)
{
    struct batch *batch = reader->batch;
    size_t rest = batch->len - len;
    if (!make_room(&reader->rest, &reader->rest_room, rest)) {
        reader->failed = true;
        return false;
    }
    if (rest > 0)
        memcpy(reader->rest, batch->bytes + len, rest);
    reader->rest_len = rest;
    batch->len = len;
    batch->sequence = reader->next_sequence++;
    reader->batch = NULL;
    pass_on(reader->pipeline->work, batch);
    return true;
}

/* Waits until there is something to read. False: told to stop. */
static bool await_input(const struct reader *reader)
{
    struct pollfd ready[] = {{reader->fd, POLLIN, 0}, {reader->pipeline->stop_fd, POLLIN, 0}};
    while (reader->can_wait && poll(ready, 2, -1) < 0 && errno == EINTR)
        ;
    return ckf_context_status(reader->context) == CKF_OK;
}

/* For a batch that is full and holds no newline yet. */
static bool grow_batch(struct reader *reader)
{
    struct batch *batch = reader->batch;
    size_t wanted = 2 * batch->room > MAX_LINE_BYTES ? MAX_LINE_BYTES + 2 : 2 * batch->room;
    return make_room(&batch->bytes, &batch->room, wanted);
}

/* The batch held no newline before these bytes came, so only its first line can be too long. */
static bool is_too_long(const struct reader *reader, const char *fresh, size_t got)
{
    const char *newline = memchr(fresh, '\n', got);
    size_t len = newline == NULL ? reader->batch->len : (size_t)(newline - reader->batch->bytes);
    return len > MAX_LINE_BYTES;
}

/* The last line of a file gets the newline that it lacks. One byte of room is always left for it. */
static enum progress end_of_file(struct reader *reader)
{
    struct batch *batch = reader->batch;
    if (batch->len > 0) {
        batch->bytes[batch->len++] = '\n';
        if (!send_lines(reader, batch->len))
            return STOPPED;
    }
    return ENDED;
}

static enum progress read_failed(struct reader *reader, int error)
{
    if (error == EINTR || error == EAGAIN)
        return GOES_ON;
    say("cannot read %s: %s", reader->path, strerror(error));
    reader->failed = true;
    return end_of_file(reader);
}

/* One read. A batch is sent when it holds whole lines. */
static enum progress read_some(struct reader *reader)
{
    if (reader->batch == NULL && !take_batch(reader))
        return STOPPED;
    struct batch *batch = reader->batch;
    if (batch->len + 1 >= batch->room && !grow_batch(reader)) {
        reader->failed = true;
        return STOPPED;
    }
    if (!await_input(reader))
        return STOPPED;
    char *fresh = batch->bytes + batch->len;
    struct ckf_trace_span span = ckf_trace_begin();
    ssize_t got = read(reader->fd, fresh, batch->room - batch->len - 1);
    ckf_trace_end(span, "read", got > 0 ? (uint64_t)got : 0);
    if (got < 0)
        return read_failed(reader, errno);
    if (got == 0)
        return end_of_file(reader);
    batch->len += (size_t)got;
    if (is_too_long(reader, fresh, (size_t)got)) {
        say("%s: a line is longer than %zu MiB: split it, or drop it before", reader->path,
            MAX_LINE_BYTES >> 20);
        reader->failed = true;
        return STOPPED;
    }
    const char *newline = memrchr(fresh, '\n', (size_t)got);
    if (newline == NULL)
        return GOES_ON;
    return send_lines(reader, (size_t)(newline + 1 - batch->bytes)) ? GOES_ON : STOPPED;
}

static bool open_input(struct reader *reader, const char *path)
{
    struct stat status;
    reader->path = strcmp(path, "-") == 0 ? "standard input" : path;
    reader->fd = STDIN_FILENO;
    if (strcmp(path, "-") != 0)
        reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (reader->fd < 0 || fstat(reader->fd, &status) != 0) {
        say("cannot read %s: %s", reader->path, strerror(errno));
        reader->failed = true;
        return false;
    }
    reader->can_wait = !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    return true;
}

static enum progress read_input(struct reader *reader, const char *path)
{
    if (!open_input(reader, path))
        return ENDED; /* the others are still worth reading */
    enum progress progress = GOES_ON;
    while (progress == GOES_ON)
        progress = read_some(reader);
    if (reader->fd != STDIN_FILENO)
        close(reader->fd);
    return progress;
}

int read_inputs(struct ckf_context *context, void *arg)
{
    struct reader reader = {.pipeline = arg, .context = context};
    const struct options *options = reader.pipeline->options;
    enum progress progress = ENDED;
    for (size_t i = 0; i < options->input_count && progress != STOPPED; i++)
        progress = read_input(&reader, options->inputs[i]);
    if (reader.batch != NULL) /* holds no whole line: nothing that was accepted */
        pass_on(reader.pipeline->spare, reader.batch);
    free(reader.rest);
    ckf_channel_producer_done(reader.pipeline->work);
    return reader.failed;
}
