/* tests/channel_support.c - elements that show damage, uniform calls, callers and scenarios. */
#include "channel_support.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

const size_t capacities[CAPACITIES] = {0, 1, 2, 3, 64, CKF_UNBOUNDED};
const size_t elem_sizes[ELEM_SIZES] = {1, 4, 8, 24, 4096};

const enum call_kind waiting_kinds[WAITING_KINDS] = {CALL_PLAIN, CALL_UNTIL, CALL_MANY,
                                                     CALL_SELECT};
const enum call_kind timed_kinds[TIMED_KINDS] = {CALL_UNTIL, CALL_MANY, CALL_SELECT};

void assert_status_is(enum ckf_status status, enum ckf_status expected, const char *call,
                      const char *file, int line)
{
    if (status == expected)
        return;
    print_error("%s is %s, not %s\n", call, ckf_status_name(status), ckf_status_name(expected));
    _fail(file, line);
}

unsigned promised_flags;

int promise_single_ends(void **state)
{
    (void)state;
    promised_flags = CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER;
    return 0;
}

int promise_nothing(void **state)
{
    (void)state;
    promised_flags = 0;
    return 0;
}

struct ckf_channel *channel_with(struct ckf_channel_options options)
{
    struct ckf_channel *channel = NULL;
    options.flags |= promised_flags;
    assert_status(ckf_channel_create(&channel, &options), CKF_OK);
    assert_non_null(channel);
    return channel;
}

struct ckf_channel *channel_of(enum ckf_variant variant, size_t capacity, size_t elem_size)
{
    return channel_with((struct ckf_channel_options){
        .name = "test", .variant = variant, .capacity = capacity, .elem_size = elem_size});
}

static size_t number_bytes(size_t elem_size)
{
    return elem_size < sizeof(uint64_t) ? elem_size : sizeof(uint64_t);
}

void elem_fill(void *elem, size_t elem_size, uint64_t number)
{
    unsigned char *bytes = elem;
    for (size_t i = 0; i < number_bytes(elem_size); i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    if (elem_size > sizeof number)
        memset(bytes + sizeof number, (unsigned char)(number * 31 + (number >> 8)),
               elem_size - sizeof number);
}

bool elem_read(const void *elem, size_t elem_size, uint64_t *number)
{
    const unsigned char *bytes = elem;
    unsigned char whole[MAX_ELEM];
    *number = 0;
    for (size_t i = 0; i < number_bytes(elem_size); i++)
        *number |= (uint64_t)bytes[i] << 8 * i;
    elem_fill(whole, elem_size, *number);
    return memcmp(bytes, whole, elem_size) == 0;
}

bool elem_holds(const void *elem, size_t elem_size, uint64_t number)
{
    unsigned char whole[MAX_ELEM];
    elem_fill(whole, elem_size, number);
    return memcmp(elem, whole, elem_size) == 0;
}

enum ckf_status try_send_u64(struct ckf_channel *channel, uint64_t number)
{
    return ckf_channel_try_send(channel, &number);
}

enum ckf_status send_u64(struct ckf_channel *channel, uint64_t number)
{
    return ckf_channel_send(channel, &number);
}

uint64_t recv_u64(struct ckf_channel *channel)
{
    uint64_t number = 0;
    enum ckf_status status = ckf_channel_recv(channel, &number);
    return status == CKF_OK ? number : NO_ELEMENT(status);
}

uint64_t try_recv_u64(struct ckf_channel *channel)
{
    uint64_t number = 0;
    enum ckf_status status = ckf_channel_try_recv(channel, &number);
    return status == CKF_OK ? number : NO_ELEMENT(status);
}

/* What send_by and recv_by return where a call contradicts itself: no status of the library. */
static const enum ckf_status contradiction = (enum ckf_status)9999;

static enum ckf_status checked(enum ckf_status status, bool agrees)
{
    return agrees ? status : contradiction;
}

static enum ckf_status select_by(struct ckf_channel *channel, enum ckf_direction direction,
                                 void *elem, int64_t deadline_ns, struct ckf_context *context)
{
    struct ckf_select_case one = {channel, direction, elem, CKF_OK};
    size_t chosen = 99;
    enum ckf_status status = ckf_select(&one, 1, &chosen, deadline_ns, context);
    if (status == CKF_OK)
        return checked(one.status, chosen == 0);
    return checked(status, chosen == 1 && one.status == CKF_OK);
}

enum ckf_status send_by(enum call_kind kind, struct ckf_channel *channel, const void *elem,
                        int64_t deadline_ns, struct ckf_context *context)
{
    enum ckf_status status;
    size_t done = 99;
    switch (kind) {
    case CALL_PLAIN:
        return ckf_channel_send(channel, elem);
    case CALL_TRY:
        return ckf_channel_try_send(channel, elem);
    case CALL_UNTIL:
        return ckf_channel_send_until(channel, elem, deadline_ns, context);
    case CALL_MANY:
        status = ckf_channel_send_many(channel, elem, 1, &done, deadline_ns, context);
        return checked(status, done == (status == CKF_OK));
    default:
        return select_by(channel, CKF_SEND, (void *)(uintptr_t)elem, deadline_ns, context);
    }
}

enum ckf_status recv_by(enum call_kind kind, struct ckf_channel *channel, void *elem,
                        int64_t deadline_ns, struct ckf_context *context)
{
    enum ckf_status status;
    size_t done = 99;
    switch (kind) {
    case CALL_PLAIN:
        return ckf_channel_recv(channel, elem);
    case CALL_TRY:
        return ckf_channel_try_recv(channel, elem);
    case CALL_UNTIL:
        return ckf_channel_recv_until(channel, elem, deadline_ns, context);
    case CALL_MANY:
        status = ckf_channel_recv_many(channel, elem, 1, &done, deadline_ns, context);
        return checked(status, done == (status == CKF_OK));
    default:
        return select_by(channel, CKF_RECV, elem, deadline_ns, context);
    }
}

static int call_body(void *arg)
{
    struct caller *caller = arg;
    caller->status = caller->direction == CKF_SEND
                         ? send_by(caller->kind, caller->channel, caller->elem, caller->deadline_ns,
                                   caller->context)
                         : recv_by(caller->kind, caller->channel, caller->elem, caller->deadline_ns,
                                   caller->context);
    atomic_store(&caller->returned, true);
    return 0;
}

void caller_start_until(struct caller *caller, struct ckf_channel *channel,
                        enum ckf_direction direction, enum call_kind kind, int64_t deadline_ns,
                        struct ckf_context *context)
{
    caller->channel = channel;
    caller->direction = direction;
    caller->kind = kind;
    caller->deadline_ns = deadline_ns;
    caller->context = context;
    atomic_store(&caller->returned, false);
    thread_start(&caller->thread, call_body, caller);
}

void caller_start(struct caller *caller, struct ckf_channel *channel, enum ckf_direction direction,
                  enum call_kind kind)
{
    caller_start_until(caller, channel, direction, kind, CKF_FOREVER, NULL);
}

void sender_asleep(struct caller *caller, struct ckf_channel *channel, enum call_kind kind,
                   uint64_t number)
{
    elem_fill(caller->elem, sizeof number, number);
    caller_start(caller, channel, CKF_SEND, kind);
    await_sleep(&caller->thread);
}

void receiver_asleep(struct caller *caller, struct ckf_channel *channel, enum call_kind kind)
{
    memset(caller->elem, 0, sizeof caller->elem);
    caller_start(caller, channel, CKF_RECV, kind);
    await_sleep(&caller->thread);
}

enum ckf_status caller_join(struct caller *caller)
{
    thread_join(&caller->thread);
    return caller->status;
}

uint64_t caller_number(const struct caller *caller)
{
    uint64_t number;
    elem_read(caller->elem, sizeof number, &number);
    return number;
}

void spin_ns(int64_t ns)
{
    int64_t end = clock_ns() + ns;
    while (clock_ns() < end)
        ;
}

void run_scenario_if_asked(int argc, char **argv, const struct scenario *scenarios, size_t count)
{
    if (argc != 4 || strcmp(argv[1], "--scenario") != 0)
        return;
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < count; i++)
        if (strcmp(scenarios[i].name, argv[2]) == 0) {
            scenarios[i].run((enum ckf_variant)atoi(argv[3]));
            _exit(0);
        }
    fprintf(stderr, "no scenario %s\n", argv[2]);
    _exit(3);
}

extern char **environ;

/* Runs it and keeps the beginning of what it printed. */
static int scenario_ending(const char *scenario, enum ckf_variant variant, char *text, size_t size)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)variant);
    char *arguments[] = {(char *)"test", (char *)"--scenario", (char *)(uintptr_t)scenario, number,
                         NULL};
    int ends[2], status;
    pid_t child;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    assert_int_equal(posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t length = 0;
    for (;;) {
        char rest[256];
        ssize_t got = read(ends[0], length < size - 1 ? text + length : rest,
                           length < size - 1 ? size - 1 - length : sizeof rest);
        if (got <= 0)
            break;
        if (length < size - 1)
            length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

void assert_aborts(const char *scenario, enum ckf_variant variant, const char *function)
{
    char text[2048], start[128];
    int status = scenario_ending(scenario, variant, text, sizeof text);
    snprintf(start, sizeof start, "ck_filter: %s: ", function);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("%s did not abort (wait status %#x): %s", scenario, (unsigned)status, text);
    const char *said = strstr(text, start);
    if (said == NULL || said[strlen(start)] == '\n')
        fail_msg("%s: the message does not name %s and the rule: %s", scenario, function, text);
}

void assert_survives(const char *scenario, enum ckf_variant variant)
{
    char text[2048];
    int status = scenario_ending(scenario, variant, text, sizeof text);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s did not survive (wait status %#x): %s", scenario, (unsigned)status, text);
}
