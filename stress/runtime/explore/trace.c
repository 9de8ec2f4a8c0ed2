/* explore/trace.c - records the events of an execution and prints them.
 *
 * Only executions that are run again after a failure are recorded, so that the others pay nothing.
 */
#include "trace.h"

#include "engine.h"
#include "mutation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_AT_START = 300, EVENTS_AT_END = 100 }; /* of those that are printed */
enum { MAX_EVENTS = 1 << 16, LINE = 224, MAX_NAMED = 256 };

static struct ckf_event *events;
static size_t event_count;
static uint32_t recorded_execution;

void ckf_explore_trace_event(const struct ckf_operation *op, uint64_t value, unsigned store,
                             unsigned stores)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    if (ckf_explore_engine.thread_count == 1)
        return; /* setup, before there is anybody else */
    if (events == NULL)
        events = ckf_explore_reserve(MAX_EVENTS * sizeof *events);
    if (recorded_execution != ckf_explore_engine.execution)
        event_count = 0;
    recorded_execution = ckf_explore_engine.execution;
    if (event_count == MAX_EVENTS)
        return;
    struct ckf_event *event = &events[event_count++];
    *event = (struct ckf_event){.value = value,
                                .address = op->address,
                                .pc = op->pc,
                                .step = ckf_explore_engine.step,
                                .store = (uint16_t)store,
                                .stores = (uint16_t)stores,
                                .thread = self->id,
                                .kind = op->kind,
                                .size = op->size,
                                .order = op->order};
    for (unsigned i = 0; i < CKF_TRACE_CALLS && i < self->depth && self->depth <= MAX_CALLS; i++)
        event->calls[event->call_count++] = self->calls[self->depth - 1 - i];
}

void ckf_explore_trace_plain(uintptr_t address, size_t size, unsigned kind, uintptr_t pc)
{
    uintptr_t traced = ckf_explore_engine.traced_address;
    if (traced == 0 || address >> 3 > traced >> 3 || (address + size - 1) >> 3 < traced >> 3)
        return;
    const struct ckf_operation op = {.address = traced,
                                     .pc = pc,
                                     .kind = (kind & ACCESS_WRITE) != 0 ? OP_PLAIN_WRITE
                                                                        : OP_PLAIN_READ};
    ckf_explore_trace_event(&op, 0, 0, 0);
}

void ckf_explore_trace_this_address(bool also_plain)
{
    ckf_explore_engine.traced_address = also_plain ? ckf_explore_engine.conflict_address : 0;
}

const struct ckf_event *ckf_explore_trace_events(size_t *count)
{
    if (recorded_execution != ckf_explore_engine.execution)
        event_count = 0;
    *count = event_count;
    return events;
}

/* Places. */

/* "channel/ring.c" for a path of the library's; NULL for others. */
static const char *in_library(const char *path)
{
    static const char *const layers[] = {"base/",    "sync/",        "task/",
                                         "channel/", "counter_map/", "filter/"};
    const char *found = NULL;
    for (const char *at = path; (at = strstr(at, "ck_filter/")) != NULL; at++)
        found = at + strlen("ck_filter/");
    for (size_t i = 0; found != NULL && i < sizeof layers / sizeof *layers; i++)
        if (strncmp(found, layers[i], strlen(layers[i])) == 0)
            return found;
    return NULL;
}

static void parse_place(FILE *in, struct ckf_place *place)
{
    char line[512];
    *place = (struct ckf_place){.function = "?", .file = "?"};
    if (fgets(line, sizeof line, in) == NULL)
        return;
    line[strcspn(line, "\n")] = '\0';
    snprintf(place->function, sizeof place->function, "%.63s", line);
    if (fgets(line, sizeof line, in) == NULL)
        return;
    char *colon = strrchr(line, ':');
    if (colon == NULL)
        return;
    *colon = '\0';
    place->line = (unsigned)strtoul(colon + 1, NULL, 10);
    const char *file = in_library(line);
    const char *slash = strrchr(line, '/');
    place->library = file != NULL;
    if (file == NULL)
        file = slash != NULL ? slash + 1 : line;
    snprintf(place->file, sizeof place->file, "%.95s", file);
}

void ckf_explore_find_places(const uintptr_t *addresses, size_t count, struct ckf_place *places)
{
    for (size_t i = 0; i < count; i++)
        places[i] = (struct ckf_place){.function = "?", .file = "?"};
    char executable[512], *command = NULL;
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    if (length <= 0)
        return;
    executable[length] = '\0';
    if (strchr(executable, '\'') != NULL)
        return;
    size_t size = 0;
    FILE *memory = open_memstream(&command, &size);
    if (memory == NULL)
        return;
    uintptr_t base = ckf_explore_load_offset();
    fprintf(memory, "addr2line -f -e '%s'", executable);
    for (size_t i = 0; i < count; i++)
        fprintf(memory, " %" PRIxPTR, addresses[i] == 0 ? 0 : addresses[i] - 1 - base);
    fprintf(memory, " 2>/dev/null");
    fclose(memory);
    FILE *pipe = popen(command, "r");
    for (size_t i = 0; pipe != NULL && i < count; i++)
        parse_place(pipe, &places[i]);
    if (pipe != NULL)
        pclose(pipe);
    free(command);
}

/* Printing. */

const char *ckf_explore_kind_name(unsigned kind)
{
    static const char *const names[] = {[OP_LOCAL] = "starts",
                                        [OP_LOAD] = "load",
                                        [OP_STORE] = "store",
                                        [OP_RMW] = "rmw",
                                        [OP_CAS] = "cas",
                                        [OP_FENCE] = "fence",
                                        [OP_FUTEX_WAIT] = "sleep on",
                                        [OP_FUTEX_WAKE] = "wake",
                                        [OP_LOCK] = "lock",
                                        [OP_TRYLOCK] = "trylock",
                                        [OP_UNLOCK] = "unlock",
                                        [OP_COND_WAIT] = "wait",
                                        [OP_SIGNAL] = "signal",
                                        [OP_BROADCAST] = "broadcast",
                                        [OP_JOIN] = "join",
                                        [OP_ONCE] = "once",
                                        [OP_READ_BEGIN] = "section",
                                        [OP_RETIRE] = "retire",
                                        [OP_GRACE_START] = "grace period starts",
                                        [OP_GRACE_END] = "grace period ends",
                                        [OP_YIELD] = "spin",
                                        [OP_PAUSE] = "pause",
                                        [OP_VOLATILE] = "volatile",
                                        [OP_PLAIN_READ] = "plain read of",
                                        [OP_PLAIN_WRITE] = "plain write to"};
    return kind < sizeof names / sizeof *names && names[kind] != NULL ? names[kind] : "?";
}

static bool is_memory(unsigned kind)
{
    return kind == OP_LOAD || kind == OP_STORE || kind == OP_RMW || kind == OP_CAS;
}

/* Words are named in the order of their first appearance: A, B, ... Z, A1, ... */
static void name_word(uintptr_t address, char name[8])
{
    static uintptr_t named[MAX_NAMED];
    static size_t count;
    static uint32_t of_execution;
    if (of_execution != ckf_explore_engine.execution)
        count = 0;
    of_execution = ckf_explore_engine.execution;
    size_t index = 0;
    while (index < count && named[index] != address)
        index++;
    if (index == count && count < MAX_NAMED)
        named[count++] = address;
    if (index < 26)
        snprintf(name, 8, "%c", (char)('A' + index));
    else
        snprintf(name, 8, "%c%zu", (char)('A' + index % 26), index / 26 % 1000);
}

static void print_value(char *text, size_t size, const struct ckf_event *event)
{
    int64_t value = (int64_t)event->value;
    if (event->size < 8 && event->size > 0)
        value = (int64_t)(event->value << (64 - 8 * event->size)) >> (64 - 8 * event->size);
    if (value > -100000 && value < 100000)
        snprintf(text, size, "%" PRId64, value);
    else
        snprintf(text, size, "0x%" PRIx64, event->value);
}

static void describe_memory(char *text, size_t size, const struct ckf_event *event)
{
    char word[8], value[32];
    name_word(event->address, word);
    print_value(value, sizeof value, event);
    bool wrote = event->kind == OP_STORE ||
                 (event->kind != OP_LOAD && event->store == event->stores && event->stores > 0);
    const char *what = event->kind == OP_CAS && event->stores > 0
                           ? (wrote ? "cas won" : "cas lost")
                           : ckf_explore_kind_name(event->kind);
    int length = snprintf(text, size, "%s %s %s %s %s", what, ckf_explore_order_name(event->order),
                          word, event->kind == OP_STORE ? "<-" : "was", value);
    if (!wrote && event->stores > 0 && event->store + 1u < event->stores && length > 0)
        snprintf(text + length, size - (size_t)length, ", stale (store %u of %u)",
                 event->store + 1u, (unsigned)event->stores);
}

static void describe(char *text, size_t size, const struct ckf_event *event)
{
    char word[8];
    if (is_memory(event->kind)) {
        describe_memory(text, size, event);
    } else if (event->kind == OP_FENCE) {
        snprintf(text, size, "fence %s", ckf_explore_order_name(event->order));
    } else if (event->kind == OP_FUTEX_WAIT) {
        name_word(event->address, word);
        snprintf(text, size, "sleep on %s, which is %" PRIu64, word, event->value);
    } else if (event->kind == OP_FUTEX_WAKE || event->kind == OP_SIGNAL ||
               event->kind == OP_BROADCAST) {
        name_word(event->address, word);
        snprintf(text, size, "%s %s, %" PRIu64 " sleep there", ckf_explore_kind_name(event->kind),
                 word, event->value);
    } else if (event->address != 0) {
        name_word(event->address, word);
        snprintf(text, size, "%s %s", ckf_explore_kind_name(event->kind), word);
    } else {
        snprintf(text, size, "%s", ckf_explore_kind_name(event->kind));
    }
}

/* Places of all events and of what each thread was doing at the end, asked for in one go. */
static struct ckf_place *all_places(size_t *offset_of_stacks)
{
    struct ckf_engine *e = &ckf_explore_engine;
    size_t room = event_count + (size_t)MAX_THREADS * (CKF_TRACE_CALLS + 2), count = 0;
    uintptr_t *addresses = calloc(room, sizeof *addresses);
    struct ckf_place *places = calloc(room, sizeof *places);
    if (addresses == NULL || places == NULL) {
        free(addresses);
        free(places);
        return NULL;
    }
    for (size_t i = 0; i < event_count; i++)
        addresses[count++] = events[i].pc;
    *offset_of_stacks = count;
    for (unsigned t = 0; t < e->thread_count; t++) {
        const struct ckf_thread *thread = &e->threads[t];
        addresses[count++] = thread->op.pc;
        addresses[count++] = thread->pc;
        for (unsigned i = 0; i < CKF_TRACE_CALLS; i++)
            addresses[count++] = i < thread->depth && thread->depth <= MAX_CALLS
                                     ? thread->calls[thread->depth - 1 - i]
                                     : 0;
    }
    ckf_explore_find_places(addresses, count, places);
    free(addresses);
    return places;
}

static void print_line(char *line, size_t size, const struct ckf_event *event,
                       const struct ckf_place *place)
{
    char what[128];
    describe(what, sizeof what, event);
    if (place->line != 0)
        snprintf(line, size, "%.95s:%u %s", place->file, place->line, what);
    else
        snprintf(line, size, "%s", what);
}

/* How wide each thread's column must be; 0: nothing stands there. */
static void measure(const struct ckf_place *places, int widths[MAX_THREADS])
{
    char line[LINE];
    for (int i = 0; i < MAX_THREADS; i++)
        widths[i] = 0;
    for (size_t i = 0; i < event_count; i++) {
        unsigned t = events[i].thread;
        int name = (int)strlen(ckf_explore_engine.threads[t].name);
        print_line(line, sizeof line, &events[i], &places[i]);
        int width = (int)strlen(line) > name ? (int)strlen(line) : name;
        widths[t] = width > widths[t] ? width : widths[t];
    }
}

static void print_events(FILE *out, const struct ckf_place *places)
{
    int widths[MAX_THREADS];
    char line[LINE];
    measure(places, widths);
    fprintf(out, "  step");
    for (unsigned t = 0; t < ckf_explore_engine.thread_count; t++)
        if (widths[t] > 0)
            fprintf(out, "  %-*s", widths[t], ckf_explore_engine.threads[t].name);
    fprintf(out, "\n");
    for (size_t i = 0; i < event_count; i++) {
        if (i == EVENTS_AT_START && event_count > EVENTS_AT_START + EVENTS_AT_END) {
            size_t left_out = event_count - EVENTS_AT_START - EVENTS_AT_END;
            fprintf(out, "   ...  (%zu more)\n", left_out);
            i += left_out;
        }
        fprintf(out, "%6u", (unsigned)events[i].step);
        for (unsigned t = 0; t < events[i].thread; t++)
            if (widths[t] > 0)
                fprintf(out, "  %*s", widths[t], "");
        print_line(line, sizeof line, &events[i], &places[i]);
        fprintf(out, "  %s\n", line);
    }
}

static const char *state_name(const struct ckf_thread *thread)
{
    switch (thread->state) {
    case THREAD_FINISHED:
        return "has ended";
    case THREAD_BLOCKED:
        return "is blocked";
    case THREAD_SPINNING:
        return "spins";
    case THREAD_RUNNING:
        return "was running";
    default:
        return "could go on";
    }
}

static void print_thread(FILE *out, const struct ckf_thread *thread, const struct ckf_place *places,
                         bool failing)
{
    fprintf(out, "%s %s", thread->name, state_name(thread));
    if (thread->state == THREAD_FINISHED || (thread->daemon && thread->state == THREAD_BLOCKED)) {
        fprintf(out, "\n");
        return;
    }
    const struct ckf_place *at = failing ? &places[1] : &places[0];
    if (!failing)
        fprintf(out, " in %s", ckf_explore_kind_name(thread->op.kind));
    if (at->line != 0)
        fprintf(out, " at %s:%u (%s)", at->file, at->line, at->function);
    for (unsigned i = 0; i < CKF_TRACE_CALLS; i++)
        if (places[2 + i].line != 0)
            fprintf(out, ", called at %s:%u", places[2 + i].file, places[2 + i].line);
    fprintf(out, "\n");
}

void ckf_explore_trace_print(FILE *out, const char *outcome)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    size_t stacks, count;
    ckf_explore_trace_events(&count); /* forgets those of an earlier execution */
    struct ckf_place *places = all_places(&stacks);
    if (places == NULL)
        return;
    print_events(out, places);
    fprintf(out, "outcome: %s%s%s\n", outcome, e->message[0] != '\0' ? ": " : "", e->message);
    for (unsigned t = 0; e->verdict != CKF_VERDICT_OK && t < e->thread_count; t++)
        print_thread(out, &e->threads[t], &places[stacks + (size_t)t * (CKF_TRACE_CALLS + 2)],
                     e->verdict != CKF_VERDICT_OK && e->failing == t + 1 && e->threads[t].pc != 0);
    free(places);
}

static void print_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text >= ' ')
            fputc(*text, out);
    }
    fputc('"', out);
}

void ckf_explore_trace_print_json(FILE *out)
{
    size_t stacks, count;
    ckf_explore_trace_events(&count);
    struct ckf_place *places = all_places(&stacks);
    fprintf(out, "[");
    for (size_t i = 0; places != NULL && i < count; i++) {
        const struct ckf_event *event = &events[i];
        char what[128];
        describe(what, sizeof what, event);
        fprintf(out, "%s\n{\"step\":%u,\"thread\":", i == 0 ? "" : ",", (unsigned)event->step);
        print_json_string(out, ckf_explore_engine.threads[event->thread].name);
        fprintf(out, ",\"file\":");
        print_json_string(out, places[i].file);
        fprintf(out, ",\"line\":%u,\"function\":", places[i].line);
        print_json_string(out, places[i].function);
        fprintf(out, ",\"what\":");
        print_json_string(out, what);
        fprintf(out, "}");
    }
    fprintf(out, "]");
    free(places);
}
