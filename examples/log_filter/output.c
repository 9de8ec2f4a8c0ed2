/* examples/log_filter/output.c - puts batches back in order and writes them.
 *
 * Batches come in any order; a ring with a place for each of them holds those that are early. All
 * that are next in order are written with one call. After a failed write the rest is thrown away, so
 * that the input, which the group's cancelled context stops, and the workers come to their end.
 */
#include "log_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { GATHER = 16 }; /* batches a write */

struct writer {
    struct pipeline *pipeline;
    struct ckf_context *context;
    struct batch **ring; /* by sequence modulo batch_count; NULL: not here yet */
    uint64_t next;       /* sequence that is to be written */
    bool failed;
};

static const char *output_name(const struct options *options)
{
    return options->output != NULL ? options->output : "standard output";
}

static bool is_input(const struct options *options, const struct stat *output)
{
    for (size_t i = 0; i < options->input_count; i++) {
        struct stat input;
        bool standard = strcmp(options->inputs[i], "-") == 0;
        int found = standard ? fstat(STDIN_FILENO, &input) : stat(options->inputs[i], &input);
        if (found == 0 && S_ISREG(input.st_mode) && input.st_dev == output->st_dev &&
            input.st_ino == output->st_ino)
            return true;
    }
    return false;
}

/* Does not empty the file before it is known not to be one of the inputs. */
int open_output(const struct options *options)
{
    int fd = STDOUT_FILENO;
    struct stat status;
    if (options->output != NULL)
        fd = open(options->output, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0 || fstat(fd, &status) != 0) {
        say("cannot write %s: %s", output_name(options), strerror(errno));
        return -1;
    }
    if (S_ISREG(status.st_mode) && is_input(options, &status)) {
        say("%s is also an input: choose another --output", output_name(options));
        return -1;
    }
    if (options->output != NULL && S_ISREG(status.st_mode) && ftruncate(fd, 0) != 0) {
        say("cannot empty %s: %s", options->output, strerror(errno));
        return -1;
    }
    return fd;
}

static bool await_output(int fd)
{
    struct pollfd ready = {fd, POLLOUT, 0};
    return poll(&ready, 1, -1) >= 0 || errno == EINTR;
}

/* Writes all of it. False with errno where it cannot. */
static bool write_all(int fd, struct iovec *parts, int count)
{
    while (count > 0) {
        ssize_t written = writev(fd, parts, count);
        if (written < 0 && errno == EAGAIN && await_output(fd))
            continue;
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        size_t left = (size_t)written;
        for (; count > 0 && left >= parts->iov_len; parts++, count--)
            left -= parts->iov_len;
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return true;
}

static void write_parts(struct writer *writer, struct iovec *parts, int count)
{
    if (writer->failed || write_all(writer->pipeline->output_fd, parts, count))
        return;
    say("cannot write %s: %s", output_name(writer->pipeline->options), strerror(errno));
    writer->failed = true;
    ckf_context_cancel(writer->context, 0); /* at once, so that no more is read */
}

static struct batch **place_of(const struct writer *writer, uint64_t sequence)
{
    return &writer->ring[sequence % writer->pipeline->batch_count];
}

/* A batch that a very long line made large is not kept so. */
static void give_back(struct writer *writer, struct batch *batch)
{
    if (batch->room > 2 * BATCH_BYTES) {
        free(batch->bytes);
        batch->bytes = NULL;
        batch->room = 0;
    }
    pass_on(writer->pipeline->spare, batch);
}

/* Writes what is next in order, as far as it is here. Returns how many batches that was. */
static int write_next(struct writer *writer)
{
    struct iovec parts[GATHER];
    struct batch *batches[GATHER];
    int count = 0, filled = 0;
    while (count < GATHER && *place_of(writer, writer->next) != NULL) {
        struct batch *batch = *place_of(writer, writer->next);
        *place_of(writer, writer->next++) = NULL;
        batches[count++] = batch;
        if (batch->len > 0)
            parts[filled++] = (struct iovec){batch->bytes, batch->len};
    }
    struct ckf_trace_span span = ckf_trace_begin();
    write_parts(writer, parts, filled);
    if (count > 0)
        ckf_trace_end(span, "write batches", (uint64_t)count);
    for (int i = 0; i < count; i++)
        give_back(writer, batches[i]);
    return count;
}

static void write_in_order(struct writer *writer)
{
    struct batch *batch;
    while (ckf_channel_recv(writer->pipeline->done, &batch) == CKF_OK) {
        do
            *place_of(writer, batch->sequence) = batch;
        while (ckf_channel_try_recv(writer->pipeline->done, &batch) == CKF_OK);
        while (write_next(writer) > 0)
            ;
    }
}

int write_batches(struct ckf_context *context, void *arg)
{
    struct writer writer = {.pipeline = arg, .context = context};
    writer.ring = calloc(writer.pipeline->batch_count, sizeof *writer.ring);
    if (writer.ring == NULL) {
        say("no memory for the output");
        writer.failed = true;
        ckf_context_cancel(context, 0);
    } else {
        write_in_order(&writer);
    }
    free(writer.ring);
    raise_event(writer.pipeline->finished_fd);
    return writer.failed;
}
