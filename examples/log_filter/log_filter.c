/* examples/log_filter/log_filter.c - filters lines by rules that can be changed while it runs.
 *
 * The grown-up example: a pipeline of channels, a filter whose rules SIGHUP swaps under full load, a
 * counter map, and a group of threads that ends as one, by a context that a signal cancels. SIGUSR1
 * shows who is blocked, --trace who did what when. This thread starts the others and then waits
 * for signals, which it alone gets, or for the end.
 */
#include "log_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { PUBLISH_TRIES = 500, PUBLISH_PAUSE_NS = 10000000, TRACE_BYTES = 64 << 20 };

static enum ckf_status publish_patiently(struct ckf_filter *filter,
                                         const struct ckf_ruleset *ruleset)
{
    const struct timespec pause = {0, PUBLISH_PAUSE_NS};
    enum ckf_status status = CKF_BUSY;
    for (int i = 0; i < PUBLISH_TRIES && status == CKF_BUSY; i++) {
        if (i > 0) /* batches that use the rules before the last are on their way */
            nanosleep(&pause, NULL);
        status = ckf_filter_publish(filter, ruleset, 0, NULL);
    }
    return status;
}

static enum ckf_status load_and_publish(struct ckf_filter *filter, struct ckf_ruleset *ruleset,
                                        const struct options *options)
{
    const char *path = options->rules;
    struct ckf_load_error error;
    enum ckf_status status = ckf_ruleset_set_backend(ruleset, options->backend);
    if (status != CKF_OK) {
        say("--backend hyperscan: %s", strerror((int)status));
        return status;
    }
    status = ckf_ruleset_load(ruleset, path, &error);
    if (status != CKF_OK) {
        if (error.line > 0)
            say("%s:%u:%u: %s", path, error.line, error.column, error.message);
        else
            say("%s: %s", path, error.message);
        return status;
    }
    status = publish_patiently(filter, ruleset);
    if (status == CKF_BUSY)
        say("%s: more rule ids than are counted (1048576 since the start): use ids again", path);
    else if (status != CKF_OK)
        say("%s: cannot use the rules: %s", path, strerror((int)status));
    return status;
}

bool publish_rules(struct ckf_filter *filter, const struct options *options)
{
    struct ckf_ruleset *ruleset;
    if (ckf_ruleset_create(&ruleset) != CKF_OK) {
        say("%s: no memory for the rules", options->rules);
        return false;
    }
    enum ckf_status status = load_and_publish(filter, ruleset, options);
    ckf_ruleset_destroy(ruleset);
    return status == CKF_OK;
}

static void say_what_rules_became(struct ckf_filter *filter, const char *path)
{
    struct ckf_compiled compiled;
    ckf_filter_read_compiled(filter, &compiled);
    uint64_t rules = compiled.exact + compiled.prefix + compiled.suffix + compiled.substring;
    say("%s: read again: %llu rules, %llu KiB, compiled in %.2f ms", path,
        (unsigned long long)rules, (unsigned long long)((compiled.bytes + 1023) / 1024),
        (double)compiled.compile_ns / 1e6);
}

void raise_event(int event_fd)
{
    const uint64_t one = 1;
    ssize_t written = write(event_fd, &one, sizeof one);
    (void)written; /* cannot fail: the counter is far from its limit */
}

void pass_on(struct ckf_channel *channel, struct batch *batch)
{
    if (ckf_channel_send(channel, &batch) != CKF_OK)
        abort();
}

/* ---- Making and unmaking ---- */

static bool make_channel(struct ckf_channel **channel, const struct pipeline *pipeline,
                         const char *name, unsigned producers)
{
    struct ckf_channel_options options = {.name = name,
                                          .variant = pipeline->options->variant,
                                          .capacity = pipeline->batch_count,
                                          .producers = producers};
    return ckf_channel_create(channel, &options) == CKF_OK;
}

static bool make_batches(struct pipeline *pipeline)
{
    pipeline->batches = calloc(pipeline->batch_count, sizeof *pipeline->batches);
    if (pipeline->batches == NULL)
        return false;
    for (size_t i = 0; i < pipeline->batch_count; i++)
        pass_on(pipeline->spare, &pipeline->batches[i]);
    return true;
}

static bool make_filter(struct pipeline *pipeline)
{
    struct ckf_filter_options options = {.name = "rules",
                                         .variant = pipeline->options->variant,
                                         .default_action = pipeline->options->default_action};
    return ckf_filter_create(&pipeline->filter, &options) == CKF_OK;
}

static bool make_fields(struct pipeline *pipeline)
{
    struct ckf_counter_map_options options = {.name = "first fields",
                                              .variant = pipeline->options->variant,
                                              .expected_keys = EXPECTED_FIELDS,
                                              .max_keys = MAX_FIELDS};
    return pipeline->options->counts == NULL ||
           ckf_counter_map_create(&pipeline->fields, &options) == CKF_OK;
}

static bool make_fds(struct pipeline *pipeline)
{
    pipeline->stop_fd = eventfd(0, EFD_CLOEXEC);
    pipeline->finished_fd = eventfd(0, EFD_CLOEXEC);
    return pipeline->stop_fd >= 0 && pipeline->finished_fd >= 0;
}

/* Everything but the output; what it made, unmake_pipeline frees. */
static bool make_pipeline(struct pipeline *pipeline)
{
    unsigned workers = pipeline->options->workers;
    pipeline->batch_count = 2 * (size_t)workers + 4;
    pipeline->totals = calloc(workers, sizeof *pipeline->totals);
    if (pipeline->totals != NULL && make_filter(pipeline) && make_fields(pipeline) &&
        make_channel(&pipeline->work, pipeline, "work", 1) &&
        make_channel(&pipeline->done, pipeline, "done", workers) &&
        make_channel(&pipeline->spare, pipeline, "spare", 0) && make_batches(pipeline) &&
        make_fds(pipeline))
        return true;
    say("cannot start: no memory or no descriptors left; fewer --workers need less");
    return false;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void unmake_pipeline(struct pipeline *pipeline)
{
    struct ckf_channel *channels[] = {pipeline->work, pipeline->done, pipeline->spare};
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        if (channels[i] != NULL)
            ckf_channel_destroy(channels[i]);
    for (size_t i = 0; pipeline->batches != NULL && i < pipeline->batch_count; i++)
        free(pipeline->batches[i].bytes);
    free(pipeline->batches);
    free(pipeline->totals);
    if (pipeline->fields != NULL)
        ckf_counter_map_destroy(pipeline->fields);
    if (pipeline->filter != NULL)
        ckf_filter_destroy(pipeline->filter);
    close_if_open(pipeline->stop_fd);
    close_if_open(pipeline->finished_fd);
}

/* ---- Signals ---- */

static const int handled[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};

/* Blocks them here and in all threads to come; they are read from the descriptor. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++)
        sigaddset(&set, handled[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* the write says it */
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* So that whoever started the program sees what ended it. */
_Noreturn static void die_by(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    _exit(EXIT_TROUBLE);
}

static bool say_who_runs(const struct ckf_running_task *task, void *arg)
{
    (void)arg;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    say("%s, thread %llu, for %.1f s", task->name, (unsigned long long)task->thread_id,
        (double)now.tv_sec + ((double)now.tv_nsec - (double)task->since_ns) / 1e9);
    return true;
}

static void say_what_goes_on(struct ckf_group *group)
{
    say("who runs:");
    enum ckf_status named = ckf_group_for_each_running(group, say_who_runs, NULL);
    say("who waits for what:");
    enum ckf_status dumped = ckf_waiters_dump(STDERR_FILENO, CKF_DUMP_GROUPED);
    if (named != CKF_OK || dumped != CKF_OK)
        say("cannot tell: no memory");
}

static void handle_signal(const struct pipeline *pipeline, int number, struct ckf_group *group)
{
    struct ckf_context *context = ckf_group_context(group);
    const char *path = pipeline->options->rules;
    if (number == SIGHUP) {
        if (publish_rules(pipeline->filter, pipeline->options))
            say_what_rules_became(pipeline->filter, path);
        else
            say("%s: the old rules stay", path);
        return;
    }
    if (number == SIGUSR1) {
        say_what_goes_on(group);
        return;
    }
    if (ckf_context_status(context) != CKF_OK) {
        say("ended at once; not everything was written");
        die_by(number);
    }
    say("ending: what was read is being written");
    ckf_context_cancel(context, number);
}

/* Returns when everything has been written. */
static void serve_signals(const struct pipeline *pipeline, int signals, struct ckf_group *group)
{
    struct pollfd ready[] = {{signals, POLLIN, 0}, {pipeline->finished_fd, POLLIN, 0}};
    for (;;) {
        if (poll(ready, 2, -1) < 0)
            continue; /* interrupted, by a stop and continue for example */
        struct signalfd_siginfo info;
        if ((ready[0].revents & POLLIN) != 0 && read(signals, &info, sizeof info) == sizeof info)
            handle_signal(pipeline, (int)info.ssi_signo, group);
        if ((ready[1].revents & POLLIN) != 0)
            return;
    }
}

/* ---- Running ---- */

static void wake_input(void *arg)
{
    const struct pipeline *pipeline = arg;
    raise_event(pipeline->stop_fd);
}

/* Starts all threads, the input last. What could not be started counts as ended. */
static bool start(struct pipeline *pipeline, struct ckf_group *group, struct worker *workers)
{
    bool started = ckf_group_go(group, write_batches, pipeline, "output") == CKF_OK;
    if (!started)
        raise_event(pipeline->finished_fd);
    for (unsigned i = 0; i < pipeline->options->workers; i++) {
        workers[i] = (struct worker){pipeline, &pipeline->totals[i]};
        if (!started || ckf_group_go(group, filter_batches, &workers[i], "worker") != CKF_OK) {
            started = false;
            ckf_channel_producer_done(pipeline->done);
        }
    }
    if (!started || ckf_group_go(group, read_inputs, pipeline, "input") != CKF_OK) {
        started = false;
        ckf_channel_producer_done(pipeline->work);
    }
    if (!started)
        say("cannot start all threads: try fewer --workers");
    return started;
}

static bool run_group(struct pipeline *pipeline, struct ckf_group *group, int signals)
{
    struct worker workers[MAX_WORKERS];
    struct ckf_context *context = ckf_group_context(group);
    struct ckf_hook *hook;
    int failed = 0;
    if (ckf_context_on_done(context, wake_input, pipeline, &hook) != CKF_OK) {
        say("no memory");
        return false;
    }
    bool started = start(pipeline, group, workers);
    serve_signals(pipeline, signals, group);
    bool waited = ckf_group_wait(group, CKF_FOREVER, &failed) == CKF_OK;
    ckf_hook_stop(hook);
    return started && waited && failed == 0;
}

static bool run(struct pipeline *pipeline, int signals)
{
    struct ckf_group *group;
    struct ckf_group_options options = {.name = "log_filter"};
    if (ckf_group_create(&group, &options) != CKF_OK) {
        say("no memory");
        return false;
    }
    bool well = run_group(pipeline, group, signals);
    ckf_group_destroy(group);
    return well;
}

static bool start_trace(const struct options *options)
{
    if (options->trace == NULL || ckf_trace_start(TRACE_BYTES) == CKF_OK)
        return true;
    say("no memory for a trace");
    return false;
}

bool write_trace(const struct options *options)
{
    if (options->trace == NULL)
        return true;
    ckf_trace_stop();
    int fd = open(options->trace, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    enum ckf_status status = fd >= 0 ? ckf_trace_write(fd) : CKF_IO;
    if (fd >= 0 && close(fd) != 0)
        status = CKF_IO;
    if (status != CKF_OK)
        say("cannot write %s: %s", options->trace, strerror(fd < 0 ? errno : (int)status));
    struct ckf_trace_stats stats;
    ckf_trace_read_stats(&stats);
    if (stats.dropped > 0)
        say("%s holds the beginning; %llu later events found no room", options->trace,
            (unsigned long long)stats.dropped);
    return status == CKF_OK;
}

static bool close_output(const struct pipeline *pipeline)
{
    if (pipeline->options->output == NULL || close(pipeline->output_fd) == 0)
        return true;
    say("cannot write %s: %s", pipeline->options->output, strerror(errno));
    return false;
}

/* A standard descriptor that is closed would be given to the next thing that is opened, and that
 * taken for the input or the output. Opened the wrong way round, its use fails as it should. */
static void occupy_standard_fds(void)
{
    static const int wrong_way[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way[fd]) != fd)
            _exit(EXIT_TROUBLE);
}

int main(int argc, char **argv)
{
    struct options options;
    occupy_standard_fds();
    parse_options(&options, argc, argv);
    struct pipeline pipeline = {.options = &options, .stop_fd = -1, .finished_fd = -1};
    int signals = open_signals();
    bool well = false;
    if (signals < 0)
        say("cannot wait for signals: %s", strerror(errno));
    else if (start_trace(&options) && make_pipeline(&pipeline) &&
             publish_rules(pipeline.filter, &options) &&
             (pipeline.output_fd = open_output(&options)) >= 0) {
        well = run(&pipeline, signals);
        well = close_output(&pipeline) && well;
        well = write_counts(&pipeline) && well;
        well = write_trace(&options) && well;
    }
    unmake_pipeline(&pipeline);
    close_if_open(signals);
    return well ? EXIT_SUCCESS : EXIT_TROUBLE;
}
