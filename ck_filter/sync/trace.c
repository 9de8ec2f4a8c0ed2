/* sync/trace.c - a log for each thread, in chunks, read when the recording is written.
 *
 * Roles:      each thread appends to its own log; a writer of files reads all of them; start makes old
 *             logs void.
 * Invariants: a log is written by its thread alone. What its chunks hold below `used` never changes while
 *             the log is of the current recording, so readers need no lock against it. A log of an
 *             older recording is emptied by its thread when that notes something again.
 * Bound:      chunks are taken from a budget that all threads share; without one, events are counted.
 * Locks:      `lock` guards the list of logs. Threads take it once in their life, to enter their log, and forks
 *             take it, so nobody has it for long. `writing` comes before it: who has that finds no log freed and
 *             no other recording begun, and may take as long as its file does.
 * Teardown:   a thread that exits leaves its log, to be written; the next start frees it.
 * Fork:       the child records nothing, and forgets the logs of the others.
 */
#include "sync/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/clock.h"
#include "base/memory.h"

enum {
    CHUNK_EVENTS = 128,
    NAME_BYTES = 24,
    THREAD_NAME_BYTES = 16, /* as many as the kernel keeps */
    DEFAULT_BYTES = 16 << 20,
    LINE_BYTES = 512
};

struct event {
    int64_t since_ns, length_ns; /* length_ns -1: a mark */
    const char *category, *label;
    uint64_t value;
    char name[NAME_BYTES];
};

struct chunk {
    struct event events[CHUNK_EVENTS];
    _Atomic(struct chunk *) next; /* the thread; before `used` counts beyond this chunk */
};

struct log {
    /* The thread's: */
    _Atomic(uint64_t) recording; /* whose events it holds */
    _Atomic(size_t) used;        /* events */
    _Atomic(uint64_t) dropped;
    struct chunk *last;
    struct chunk *first; /* read by others; changes while the log is of no current recording */
    pid_t thread_id;
    char thread_name[THREAD_NAME_BYTES];
    _Atomic(bool) is_orphan; /* its thread has exited */
    struct log *next;        /* changed with `writing` and `lock` held, after it has been entered */
};

_Atomic(bool) ckf_trace_on;

static _Atomic(uint64_t) current; /* recording; 0: there was none */
static _Atomic(int64_t) chunks_left;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log *logs; /* guarded by lock; taken off the list with writing held too */
static int64_t start_ns; /* guarded by writing */

static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct log *own_log;

/* --- logs --- */

static void free_chunks(struct log *log)
{
    struct chunk *chunk = log->first;
    while (chunk != NULL) {
        /* relaxed: the caller owns the log */
        struct chunk *next = load_relaxed(&chunk->next);
        ckf_free(chunk);
        chunk = next;
    }
    log->first = log->last = NULL;
}

static void leave_log(void *log)
{
    own_log = NULL;
    /* edge log-left: release; pairs with the acquire in free_orphans(). */
    store_release(&((struct log *)log)->is_orphan, true);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

/* What the others had is lost to the child rather than freed: who knows what they were at. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&writing, NULL); /* whoever had it has stayed behind */
    /* relaxed: the child has one thread */
    store_relaxed(&ckf_trace_on, false);
    logs = own_log;
    if (own_log != NULL)
        own_log->next = NULL;
    pthread_mutex_unlock(&lock);
}

static void prepare(void)
{
    int error = pthread_key_create(&at_exit, leave_log);
    if (error != 0)
        ckf_die("pthread_key_create", error);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static struct log *create_log(void)
{
    struct log *log = ckf_alloc(sizeof *log);
    if (log == NULL)
        return NULL;
    pthread_once(&once, prepare);
    if (pthread_setspecific(at_exit, log) != 0) {
        ckf_free(log);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    log->next = logs;
    logs = log;
    pthread_mutex_unlock(&lock);
    return own_log = log;
}

/* The calling thread's log, empty if it was of an older recording; NULL without memory. */
static struct log *log_for(uint64_t recording)
{
    struct log *log = own_log != NULL ? own_log : create_log();
    /* relaxed: written by this thread alone */
    if (log == NULL || load_relaxed(&log->recording) == recording)
        return log;
    free_chunks(log);
    /* relaxed, both: published with `recording` */
    store_relaxed(&log->used, 0);
    store_relaxed(&log->dropped, 0);
    log->thread_id = gettid();
    prctl(PR_GET_NAME, log->thread_name); /* cannot fail */
    /* edge log-opened: release; pairs with the acquire in is_current(). */
    store_release(&log->recording, recording);
    return log;
}

static struct chunk *new_chunk(void)
{
    /* relaxed: a budget, which guards nothing */
    if (fetch_sub_relaxed(&chunks_left, 1) <= 0)
        return NULL;
    return ckf_alloc(sizeof(struct chunk));
}

/* The place of the next event, or NULL. */
static struct event *next_place(struct log *log, size_t used)
{
    if (used % CHUNK_EVENTS != 0)
        return &log->last->events[used % CHUNK_EVENTS];
    struct chunk *chunk = new_chunk();
    if (chunk == NULL)
        return NULL;
    if (log->last != NULL)
        /* relaxed: published with `used` */
        store_relaxed(&log->last->next, chunk);
    else
        log->first = chunk;
    log->last = chunk;
    return &chunk->events[0];
}

static void append(const struct event *event)
{
    /* relaxed: names a recording; what was recorded before it does not matter */
    struct log *log = log_for(load_relaxed(&current));
    if (log == NULL)
        return;
    /* relaxed, like the next: written by this thread alone */
    size_t used = load_relaxed(&log->used);
    struct event *place = load_relaxed(&log->dropped) == 0 ? next_place(log, used) : NULL;
    if (place == NULL) {
        store_relaxed(&log->dropped, load_relaxed(&log->dropped) + 1);
        return;
    }
    *place = *event;
    /* edge event-noted: release; pairs with the acquire in write_log(). */
    store_release(&log->used, used + 1);
}

/* --- what the library says --- */

static void note(int64_t since_ns, int64_t length_ns, const char *category, const char *label,
                 const char *name, uint64_t value)
{
    struct event event = {since_ns, length_ns, category, label, value, ""};
    int saved_errno = errno;
    if (name != NULL)
        memcpy(event.name, name, strnlen(name, sizeof event.name - 1));
    append(&event);
    errno = saved_errno;
}

void ckf_trace_note_span(int64_t since_ns, const char *category, const char *label,
                         const char *name, uint64_t value)
{
    note(since_ns, ckf_now_ns() - since_ns, category, label, name, value);
}

void ckf_trace_note_mark(const char *category, const char *label, const char *name, uint64_t value)
{
    note(ckf_now_ns(), -1, category, label, name, value);
}

/* --- the door --- */

/* With both locks. */
static void free_orphans(void)
{
    for (struct log **link = &logs; *link != NULL;) {
        struct log *log = *link;
        /* edge log-left: acquire; pairs with the release in leave_log(). */
        if (!load_acquire(&log->is_orphan)) {
            link = &log->next;
            continue;
        }
        *link = log->next;
        free_chunks(log);
        ckf_free(log);
    }
}

enum ckf_status ckf_trace_start(size_t max_bytes)
{
    if (max_bytes == 0)
        max_bytes = DEFAULT_BYTES;
    pthread_mutex_lock(&writing);
    pthread_mutex_lock(&lock);
    /* relaxed, all of them: the lock orders starts, and who notes something at this moment may be on
     * either side of it */
    bool was_on = load_relaxed(&ckf_trace_on);
    if (!was_on) {
        free_orphans();
        start_ns = ckf_now_ns();
        store_relaxed(&chunks_left, (int64_t)(max_bytes / sizeof(struct chunk)));
        store_relaxed(&current, load_relaxed(&current) + 1);
        store_relaxed(&ckf_trace_on, true);
    }
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&writing);
    return was_on ? CKF_ALREADY : CKF_OK;
}

void ckf_trace_stop(void)
{
    /* relaxed: as in ckf_trace_start() */
    store_relaxed(&ckf_trace_on, false);
}

static bool is_current(struct log *log)
{
    /* edge log-opened: acquire; pairs with the release in log_for(). relaxed: only start changes it, with
     * both locks, of which the caller has one. */
    return load_acquire(&log->recording) == load_relaxed(&current) && load_relaxed(&current) != 0;
}

void ckf_trace_read_stats(struct ckf_trace_stats *stats)
{
    CKF_REQUIRE(stats != NULL, "needs room for the statistics");
    *stats = (struct ckf_trace_stats){0};
    pthread_mutex_lock(&lock);
    for (struct log *log = logs; log != NULL; log = log->next) {
        if (!is_current(log))
            continue;
        /* relaxed: two numbers */
        stats->recorded += load_relaxed(&log->used);
        stats->dropped += load_relaxed(&log->dropped);
    }
    pthread_mutex_unlock(&lock);
}

struct ckf_trace_span ckf_trace_begin(void)
{
    return (struct ckf_trace_span){ckf_trace_is_on() ? ckf_now_ns() : 0};
}

void ckf_trace_end(struct ckf_trace_span span, const char *name, uint64_t value)
{
    CKF_REQUIRE(name != NULL, "needs a name");
    if (span.since_ns != 0 && ckf_trace_is_on())
        ckf_trace_note_span(span.since_ns, "program", "", name, value);
}

void ckf_trace_mark(const char *name, uint64_t value)
{
    CKF_REQUIRE(name != NULL, "needs a name");
    if (ckf_trace_is_on())
        ckf_trace_note_mark("program", "", name, value);
}

/* --- the file --- */

struct writer {
    int fd;
    bool failed;
    size_t used;
    const char *separator;
    char buffer[1 << 16];
};

static void flush(struct writer *writer)
{
    for (size_t done = 0; done < writer->used && !writer->failed;) {
        ssize_t written = write(writer->fd, writer->buffer + done, writer->used - done);
        if (written > 0)
            done += (size_t)written;
        else
            writer->failed = written == 0 || errno != EINTR;
    }
    writer->used = 0;
}

__attribute__((format(printf, 2, 3))) static void put(struct writer *writer, const char *format,
                                                      ...)
{
    if (sizeof writer->buffer - writer->used < LINE_BYTES)
        flush(writer);
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(writer->buffer + writer->used, LINE_BYTES, format, arguments);
    va_end(arguments);
    writer->used += (size_t)(len < LINE_BYTES ? len : LINE_BYTES - 1);
}

/* Bytes that JSON does not take as they are become question marks: names are for people. */
static void escape(const char *name, char *text)
{
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\')
            *text++ = '\\';
        *text++ = (unsigned char)*name < 0x20 || (unsigned char)*name >= 0x7f ? '?' : *name;
    }
    *text = '\0';
}

/* In microseconds. Not by %f, whose point is a comma in many a locale. */
static void put_time(struct writer *writer, const char *key, int64_t ns)
{
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    put(writer, ",\"%s\":%s%llu.%03u", key, ns < 0 ? "-" : "", (unsigned long long)(size / 1000),
        (unsigned)(size % 1000));
}

static void write_event(struct writer *writer, const struct log *log, const struct event *event)
{
    char name[2 * NAME_BYTES];
    escape(event->name, name);
    put(writer, "%s\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%d,\"cat\":\"%s\",\"name\":\"%s%s%s\"",
        writer->separator, event->length_ns < 0 ? "i" : "X", (int)getpid(), (int)log->thread_id,
        event->category, event->label, *event->label != '\0' && *name != '\0' ? " " : "", name);
    put_time(writer, "ts", event->since_ns - start_ns);
    if (event->length_ns < 0)
        put(writer, ",\"s\":\"t\"");
    else
        put_time(writer, "dur", event->length_ns);
    put(writer, ",\"args\":{\"value\":%llu}}", (unsigned long long)event->value);
    writer->separator = ",";
}

static void write_thread(struct writer *writer, const struct log *log)
{
    char name[2 * THREAD_NAME_BYTES];
    escape(log->thread_name, name);
    put(writer,
        "%s\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":\"%"
        "s\"}}",
        writer->separator, (int)getpid(), (int)log->thread_id, name);
    writer->separator = ",";
}

static void write_log(struct writer *writer, struct log *log)
{
    /* edge event-noted: acquire; pairs with the release in append(). */
    size_t used = load_acquire(&log->used);
    const struct chunk *chunk = used > 0 ? log->first : NULL;
    write_thread(writer, log);
    for (size_t i = 0; i < used; i++) {
        if (i > 0 && i % CHUNK_EVENTS == 0)
            /* relaxed: published with `used` */
            chunk = load_relaxed(&chunk->next);
        write_event(writer, log, &chunk->events[i % CHUNK_EVENTS]);
    }
}

static struct log *first_log(void)
{
    pthread_mutex_lock(&lock);
    struct log *first = logs;
    pthread_mutex_unlock(&lock);
    return first;
}

/* With `writing` held. */
static void write_logs(struct writer *writer)
{
    uint64_t dropped = 0;
    put(writer, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    for (struct log *log = first_log(); log != NULL; log = log->next) {
        if (!is_current(log))
            continue;
        write_log(writer, log);
        dropped += load_relaxed(&log->dropped); /* relaxed: a number */
    }
    put(writer, "\n],\"otherData\":{\"dropped\":%llu}}\n", (unsigned long long)dropped);
    flush(writer);
}

enum ckf_status ckf_trace_write(int fd)
{
    struct writer *writer = ckf_alloc(sizeof *writer);
    if (writer == NULL)
        return CKF_NO_MEMORY;
    struct ckf_caller caller = ckf_caller_save();
    writer->fd = fd;
    writer->separator = "";
    pthread_mutex_lock(&writing);
    write_logs(writer);
    pthread_mutex_unlock(&writing);
    ckf_caller_restore(caller);
    bool failed = writer->failed;
    ckf_free(writer);
    return failed ? CKF_IO : CKF_OK;
}
