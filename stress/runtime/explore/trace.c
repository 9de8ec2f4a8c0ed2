/* explore/trace.c - records the events of an execution and prints them.
 *
 * Only executions that are run again after a failure are recorded, so that the others pay nothing.
 */
#include "trace.h"

#include "engine.h"
#include "harness/json.h"
#include "mutation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_AT_START = 300, EVENTS_AT_END = 100 }; /* of those that are printed */
enum { MAX_EVENTS = 1 << 16, LINE = 224, MAX_NAMED = 256, CALLS = 8 };

struct event {
    uint64_t value;
    uintptr_t address, pc;
    uint32_t step;
    uint16_t store,
        stores; /* which of how many stores was read or written, from 0; stores 0: none */
    uint8_t thread, kind, size, order;
    unsigned call_count;
    uintptr_t calls[CALLS]; /* innermost first */
};

static struct event *events;
static size_t event_count;
static uint32_t recorded_execution;

static void forget_earlier_events(void)
{
    if (recorded_execution != ckf_explore_engine.execution)
        event_count = 0;
}

void ckf_explore_trace_event(const struct ckf_operation *op, uint64_t value, unsigned store,
                             unsigned stores)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    if (ckf_explore_engine.thread_count == 1)
        return; /* setup, before there is anybody else */
    if (events == NULL)
        events = ckf_explore_reserve(MAX_EVENTS * sizeof *events);
    forget_earlier_events();
    recorded_execution = ckf_explore_engine.execution;
    if (event_count == MAX_EVENTS)
        return;
    struct event *event = &events[event_count++];
    *event = (struct event){.value = value,
                            .address = op->address,
                            .pc = op->pc,
                            .step = ckf_explore_engine.step,
                            .store = (uint16_t)store,
                            .stores = (uint16_t)stores,
                            .thread = self->id,
                            .kind = op->kind,
                            .size = op->size,
                            .order = op->order};
    for (unsigned i = 0; i < CALLS && i < self->depth && self->depth <= MAX_CALLS; i++)
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

/* Places. */

const char *ckf_explore_in_library(const char *path)
{
    static const char *const layers[] = {"base/",        "sync/",   "task/", "channel/",
                                         "counter_map/", "filter/", "guard/"};
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
    const char *file = ckf_explore_in_library(line);
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
                                        [OP_BARRIER] = "membarrier",
                                        [OP_YIELD] = "spin",
                                        [OP_PAUSE] = "pause",
                                        [OP_VOLATILE] = "volatile",
                                        [OP_STEP] = "step",
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

static void print_value(char *text, size_t size, const struct event *event)
{
    int64_t value = (int64_t)event->value;
    if (event->size < 8 && event->size > 0)
        value = (int64_t)(event->value << (64 - 8 * event->size)) >> (64 - 8 * event->size);
    if (value > -100000 && value < 100000)
        snprintf(text, size, "%" PRId64, value);
    else
        snprintf(text, size, "0x%" PRIx64, event->value);
}

static void describe_memory(char *text, size_t size, const struct event *event)
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

static void describe(char *text, size_t size, const struct event *event)
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
    } else if (event->kind == OP_VOLATILE) {
        name_word(event->address, word);
        snprintf(text, size, "volatile %s %s",
                 (event->value & ACCESS_WRITE) != 0 ? "write to" : "read of", word);
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
    size_t room = event_count + (size_t)MAX_THREADS * (CALLS + 2), count = 0;
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
        for (unsigned i = 0; i < CALLS; i++)
            addresses[count++] = i < thread->depth && thread->depth <= MAX_CALLS
                                     ? thread->calls[thread->depth - 1 - i]
                                     : 0;
    }
    ckf_explore_find_places(addresses, count, places);
    free(addresses);
    return places;
}

static void print_line(char *line, size_t size, const struct event *event,
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
    for (unsigned i = 0; i < CALLS; i++)
        if (places[2 + i].line != 0)
            fprintf(out, ", called at %s:%u", places[2 + i].file, places[2 + i].line);
    fprintf(out, "\n");
}

static void print_json_string(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":\"", name);
    ckf_stress_json_escape(out, text);
    fputc('"', out);
}

/* Memory that is left. */

enum { MAX_LEAKS = 16 };

struct leaks {
    uintptr_t pcs[MAX_LEAKS];
    const char *threads[MAX_LEAKS];
    unsigned sizes[MAX_LEAKS];
    size_t count;
    struct ckf_place places[MAX_LEAKS];
};

static void note_leak(const struct ckf_block *block, uintptr_t pc, const struct ckf_thread *thread,
                      void *arg)
{
    struct leaks *leaks = arg;
    if (leaks->count == MAX_LEAKS)
        return;
    leaks->pcs[leaks->count] = pc;
    leaks->threads[leaks->count] = thread->name;
    leaks->sizes[leaks->count++] = block->size;
}

static void find_leaks(struct leaks *leaks)
{
    leaks->count = 0;
    if (ckf_explore_engine.verdict != CKF_VERDICT_LEAK)
        return;
    ckf_explore_heap_leaks(note_leak, leaks);
    ckf_explore_find_places(leaks->pcs, leaks->count, leaks->places);
}

static void print_leaks(FILE *out)
{
    struct leaks leaks;
    find_leaks(&leaks);
    for (size_t i = 0; i < leaks.count; i++)
        fprintf(out, "%u bytes are left, which %s allocated at %s:%u (%s)\n", leaks.sizes[i],
                leaks.threads[i], leaks.places[i].file, leaks.places[i].line,
                leaks.places[i].function);
}

static void print_json_leaks(FILE *out)
{
    struct leaks leaks;
    find_leaks(&leaks);
    fprintf(out, ",\"leaks\":[");
    for (size_t i = 0; i < leaks.count; i++) {
        fprintf(out, "%s{\"bytes\":%u", i == 0 ? "" : ",", leaks.sizes[i]);
        print_json_string(out, "thread", leaks.threads[i]);
        print_json_string(out, "file", leaks.places[i].file);
        fprintf(out, ",\"line\":%u", leaks.places[i].line);
        print_json_string(out, "function", leaks.places[i].function);
        fputc('}', out);
    }
    fputc(']', out);
}

void ckf_explore_trace_print(FILE *out, const char *outcome)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    size_t stacks;
    forget_earlier_events();
    struct ckf_place *places = all_places(&stacks);
    if (places == NULL)
        return;
    print_events(out, places);
    fprintf(out, "outcome: %s%s%s\n", outcome, e->message[0] != '\0' ? ": " : "", e->message);
    for (unsigned t = 0; e->verdict != CKF_VERDICT_OK && t < e->thread_count; t++)
        print_thread(out, &e->threads[t], &places[stacks + (size_t)t * (CALLS + 2)],
                     e->verdict != CKF_VERDICT_OK && e->failing == t + 1 && e->threads[t].pc != 0);
    print_leaks(out);
    free(places);
}

/* JSON. */

static bool wrote(const struct event *event)
{
    return event->kind == OP_STORE || ((event->kind == OP_RMW || event->kind == OP_CAS) &&
                                       event->stores > 0 && event->store == event->stores);
}

static bool acquires(const struct event *event)
{
    return event->kind != OP_STORE && event->order != __ATOMIC_RELAXED &&
           event->order != __ATOMIC_RELEASE;
}

static bool releases(const struct event *event)
{
    return wrote(event) && event->order >= __ATOMIC_RELEASE;
}

/* The latest event before `at` of a kind on the same word by another thread; -1: there is none. */
static long last_before(size_t at, unsigned kind, unsigned other_kind)
{
    for (size_t i = at; i-- > 0;)
        if ((events[i].kind == kind || events[i].kind == other_kind) &&
            events[i].address == events[at].address)
            return events[i].thread == events[at].thread ? -1 : (long)i;
    return -1;
}

/* The release whose store an acquire has read; -1: none. What a read-modify-write has read is the
 * store before its own. */
static long released_by(size_t at)
{
    const struct event *event = &events[at];
    if (event->kind == OP_LOCK || event->kind == OP_TRYLOCK)
        return last_before(at, OP_UNLOCK, OP_COND_WAIT);
    if (!is_memory(event->kind) || !acquires(event) || event->stores == 0)
        return -1;
    unsigned read = wrote(event) ? event->store - 1u : event->store;
    for (size_t i = at; i-- > 0;)
        if (events[i].address == event->address && wrote(&events[i]) && events[i].store == read)
            return events[i].thread != event->thread && releases(&events[i]) ? (long)i : -1;
    return -1;
}

static bool sleeps(unsigned kind)
{
    return kind == OP_FUTEX_WAIT || kind == OP_COND_WAIT;
}

/* The wake that ended the sleep before this event (the mutex of a condition variable is unlocked in
 * between); -1: it follows no sleep, or nobody woke it. */
static long woken_by(size_t at)
{
    size_t sleep = at;
    do
        if (sleep-- == 0)
            return -1;
    while (events[sleep].thread != events[at].thread || events[sleep].kind == OP_UNLOCK);
    if (!sleeps(events[sleep].kind))
        return -1;
    for (size_t i = at; i-- > sleep + 1;)
        if ((events[i].kind == OP_FUTEX_WAKE || events[i].kind == OP_SIGNAL ||
             events[i].kind == OP_BROADCAST) &&
            events[i].address == events[sleep].address && events[i].value > 0)
            return (long)i;
    return -1;
}

static void print_json_event(FILE *out, size_t index, const struct ckf_place *place)
{
    const struct event *event = &events[index];
    char text[128];
    fprintf(out, "%s{\"step\":%u", index == 0 ? "" : ",", (unsigned)event->step);
    print_json_string(out, "thread", ckf_explore_engine.threads[event->thread].name);
    print_json_string(out, "file", place->file);
    fprintf(out, ",\"line\":%u", place->line);
    print_json_string(out, "function", place->function);
    describe(text, sizeof text, event);
    print_json_string(out, "what", text);
    print_json_string(out, "kind", ckf_explore_kind_name(event->kind));
    if (event->address != 0) {
        name_word(event->address, text);
        print_json_string(out, "word", text);
    }
    if (is_memory(event->kind) || event->kind == OP_FENCE)
        print_json_string(out, "order", ckf_explore_order_name(event->order));
    if (is_memory(event->kind)) {
        print_value(text, sizeof text, event);
        print_json_string(out, "value", text);
        fprintf(out, ",\"wrote\":%s", wrote(event) ? "true" : "false");
        if (!wrote(event) && event->store + 1u < event->stores)
            fprintf(out, ",\"stale\":[%u,%u]", event->store + 1u, (unsigned)event->stores);
    } else if (sleeps(event->kind) || event->kind == OP_FUTEX_WAKE || event->kind == OP_SIGNAL ||
               event->kind == OP_BROADCAST) {
        fprintf(out, ",\"count\":%" PRIu64, event->value);
    }
    if (released_by(index) >= 0)
        fprintf(out, ",\"after\":%ld", released_by(index));
    if (woken_by(index) >= 0)
        fprintf(out, ",\"woken\":%ld", woken_by(index));
    fputc('}', out);
}

static void print_json_thread(FILE *out, const struct ckf_thread *thread,
                              const struct ckf_place *places, bool failing)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    fprintf(out, "%s{\"id\":%u", thread->id == 0 ? "" : ",", thread->id);
    print_json_string(out, "name", thread->name);
    if (memory != NULL) {
        if (ckf_explore_engine.verdict != CKF_VERDICT_OK)
            print_thread(memory, thread, places, failing);
        fclose(memory);
        text[strcspn(text, "\n")] = '\0';
        print_json_string(out, "end", text);
    }
    free(text);
    fputc('}', out);
}

void ckf_explore_trace_print_json(FILE *out)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    size_t stacks = 0;
    forget_earlier_events();
    struct ckf_place *places = all_places(&stacks);
    fprintf(out, "\"message\":\"");
    ckf_stress_json_escape(out, e->message);
    fprintf(out, "\",\"threads\":[");
    for (unsigned t = 0; places != NULL && t < e->thread_count; t++)
        print_json_thread(out, &e->threads[t], &places[stacks + (size_t)t * (CALLS + 2)],
                          e->failing == t + 1 && e->threads[t].pc != 0);
    fprintf(out, "],\"trace\":[");
    for (size_t i = 0; places != NULL && i < event_count; i++)
        print_json_event(out, i, &places[i]);
    fprintf(out, "]");
    print_json_leaks(out);
    free(places);
}
