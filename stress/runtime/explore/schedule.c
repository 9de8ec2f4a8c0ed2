/* explore/schedule.c - schedule files and their minimisation.
 *
 * The file is text: a line a field (an outcome's own ends of lines as \n, its backslashes doubled), the
 * choices as "kind, alternatives, chosen", and a checksum of
 * all that stands above it. It is read back strictly: a file that was cut, edited or never ours is
 * refused with the reason.
 */
#include "schedule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADING "ck_filter schedule 1"

enum { MAX_FILE_BYTES = 4 << 20, MAX_CHOICES = 1 << 16, MAX_CONTENDED = 1 << 18 };

static const char kind_letters[] = "trwdsn";

const char *ckf_explore_model_name(enum ckf_explore_model model)
{
    static const char *const names[] = {"c11", "tso", "sc"};
    return names[model];
}

static uint64_t checksum(const char *text, size_t length)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return sum;
}

bool ckf_explore_is_outcome(const char kept[CKF_EXPLORE_OUTCOME_BYTES], const char *outcome)
{
    return strncmp(kept, outcome, CKF_EXPLORE_OUTCOME_BYTES - 1) == 0;
}

static void write_outcome(const char *outcome, FILE *out)
{
    fputs("outcome ", out);
    for (; *outcome != '\0'; outcome++)
        if (*outcome == '\n' || *outcome == '\\')
            fprintf(out, "\\%c", *outcome == '\n' ? 'n' : '\\');
        else
            fputc(*outcome, out);
    fputc('\n', out);
}

void ckf_explore_schedule_write(const struct ckf_schedule *schedule, FILE *out)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL)
        return;
    fprintf(memory, HEADING "\ncase %s\nvariant %s\nmodel %s\n", schedule->case_id,
            schedule->variant, ckf_explore_model_name(schedule->model));
    fprintf(memory, "steps %u\ntimeouts %u\nspurious %u\nfail-allocation %u\n", schedule->steps,
            schedule->timeouts, schedule->spurious, schedule->failed_allocation);
    fprintf(memory, "copies %u\nrounds %u\nseed %" PRIu64 "\n", schedule->copies, schedule->rounds,
            schedule->seed);
    write_outcome(schedule->outcome, memory);
    fprintf(memory, "hash %016" PRIx64 "\nchoices %zu\n", schedule->hash, schedule->choice_count);
    for (size_t i = 0; i < schedule->choice_count; i++)
        fprintf(memory, "%c%u.%u%c", kind_letters[schedule->choices[i].kind],
                (unsigned)schedule->choices[i].alternatives, (unsigned)schedule->choices[i].chosen,
                i % 16 == 15 || i + 1 == schedule->choice_count ? '\n' : ' ');
    fprintf(memory, "contended %zu\n", schedule->contended_count);
    for (size_t i = 0; i < schedule->contended_count; i++)
        fprintf(memory, "%c%" PRIx64 "%c", schedule->contended[i].global ? 'g' : 'h',
                schedule->contended[i].offset,
                i % 12 == 11 || i + 1 == schedule->contended_count ? '\n' : ' ');
    fclose(memory);
    fprintf(out, "%send %016" PRIx64 "\n", text, checksum(text, length));
    free(text);
}

/* Reading. */

struct reader {
    const char *next;
    const char *wrong; /* NULL: nothing so far */
};

static void expect(struct reader *reader, const char *word)
{
    size_t length = strlen(word);
    if (reader->wrong != NULL)
        return;
    if (strncmp(reader->next, word, length) != 0)
        reader->wrong = word;
    else
        reader->next += length;
}

static void read_text(struct reader *reader, const char *name, char *into, size_t size)
{
    expect(reader, name);
    expect(reader, " ");
    if (reader->wrong != NULL)
        return;
    size_t length = strcspn(reader->next, "\n");
    if (length >= size || reader->next[length] == '\0') {
        reader->wrong = name;
        return;
    }
    memcpy(into, reader->next, length);
    into[length] = '\0';
    reader->next += length + 1;
}

static void read_outcome(struct reader *reader, char into[CKF_EXPLORE_OUTCOME_BYTES])
{
    char text[2 * CKF_EXPLORE_OUTCOME_BYTES] = "";
    read_text(reader, "outcome", text, sizeof text);
    size_t length = 0;
    for (const char *next = text; *next != '\0' && length < CKF_EXPLORE_OUTCOME_BYTES; next++) {
        bool escaped = *next == '\\' && next[1] != '\0';
        next += escaped;
        into[length++] = escaped && *next == 'n' ? '\n' : *next;
    }
    if (length == CKF_EXPLORE_OUTCOME_BYTES)
        reader->wrong = "outcome";
    else
        into[length] = '\0';
}

static uint64_t read_number(struct reader *reader, const char *name, int base, uint64_t limit)
{
    char text[32];
    read_text(reader, name, text, sizeof text);
    if (reader->wrong != NULL)
        return 0;
    char *end;
    uint64_t number = strtoull(text, &end, base);
    if (text[0] == '-' || text[0] == '\0' || *end != '\0' || number > limit)
        reader->wrong = name;
    return number;
}

static void read_model(struct reader *reader, enum ckf_explore_model *model)
{
    char text[8] = "";
    read_text(reader, "model", text, sizeof text);
    for (*model = CKF_EXPLORE_C11; *model < CKF_EXPLORE_SC; (*model)++)
        if (strcmp(text, ckf_explore_model_name(*model)) == 0)
            return;
    if (strcmp(text, "sc") != 0)
        reader->wrong = "model";
}

static void read_choice(struct reader *reader, struct ckf_choice *choice)
{
    char letter;
    unsigned alternatives, chosen;
    int length;
    if (reader->wrong != NULL)
        return;
    if (sscanf(reader->next, "%c%u.%u%n", &letter, &alternatives, &chosen, &length) != 3 ||
        strchr(kind_letters, letter) == NULL || letter == '\0' || alternatives > 255 ||
        chosen >= alternatives || (reader->next[length] != ' ' && reader->next[length] != '\n')) {
        reader->wrong = "a choice";
        return;
    }
    *choice = (struct ckf_choice){.kind = (uint8_t)(strchr(kind_letters, letter) - kind_letters),
                                  .alternatives = (uint8_t)alternatives,
                                  .chosen = (uint8_t)chosen};
    reader->next += length + 1;
}

static void read_place(struct reader *reader, struct ckf_explore_place *place)
{
    char letter;
    int length;
    if (reader->wrong != NULL)
        return;
    if (sscanf(reader->next, "%c%" SCNx64 "%n", &letter, &place->offset, &length) != 2 ||
        (letter != 'g' && letter != 'h') ||
        (reader->next[length] != ' ' && reader->next[length] != '\n')) {
        reader->wrong = "a contended word";
        return;
    }
    place->global = letter == 'g';
    reader->next += length + 1;
}

static void read_contended(struct reader *reader, struct ckf_schedule *schedule)
{
    schedule->contended_count = (size_t)read_number(reader, "contended", 10, MAX_CONTENDED);
    if (reader->wrong != NULL)
        return;
    schedule->contended = calloc(schedule->contended_count + 1, sizeof *schedule->contended);
    if (schedule->contended == NULL)
        reader->wrong = "memory";
    for (size_t i = 0; i < schedule->contended_count; i++)
        read_place(reader, &schedule->contended[i]);
}

static void read_fields(struct reader *reader, struct ckf_schedule *schedule)
{
    expect(reader, HEADING "\n");
    read_text(reader, "case", schedule->case_id, sizeof schedule->case_id);
    read_text(reader, "variant", schedule->variant, sizeof schedule->variant);
    read_model(reader, &schedule->model);
    schedule->steps = (unsigned)read_number(reader, "steps", 10, UINT32_MAX);
    schedule->timeouts = (unsigned)read_number(reader, "timeouts", 10, UINT32_MAX);
    schedule->spurious = (unsigned)read_number(reader, "spurious", 10, UINT32_MAX);
    schedule->failed_allocation = (unsigned)read_number(reader, "fail-allocation", 10, UINT32_MAX);
    schedule->copies = (unsigned)read_number(reader, "copies", 10, 64);
    schedule->rounds = (unsigned)read_number(reader, "rounds", 10, UINT32_MAX);
    schedule->seed = read_number(reader, "seed", 10, UINT64_MAX);
    read_outcome(reader, schedule->outcome);
    schedule->hash = read_number(reader, "hash", 16, UINT64_MAX);
    schedule->choice_count = (size_t)read_number(reader, "choices", 10, MAX_CHOICES);
    if (reader->wrong != NULL)
        return;
    schedule->choices = calloc(schedule->choice_count + 1, sizeof *schedule->choices);
    if (schedule->choices == NULL)
        reader->wrong = "memory";
    for (size_t i = 0; i < schedule->choice_count; i++)
        read_choice(reader, &schedule->choices[i]);
    read_contended(reader, schedule);
}

static char *read_file(FILE *in, size_t *length)
{
    char *text = malloc(MAX_FILE_BYTES + 1);
    if (text == NULL)
        return NULL;
    *length = fread(text, 1, MAX_FILE_BYTES, in);
    text[*length] = '\0';
    return text;
}

bool ckf_explore_schedule_read(struct ckf_schedule *schedule, FILE *in, const char *path,
                               FILE *errors)
{
    size_t length = 0;
    char *text = read_file(in, &length);
    struct reader reader = {.next = text};
    *schedule = (struct ckf_schedule){.choices = NULL};
    if (text == NULL) {
        fprintf(errors, "ckf-stress: %s: no memory to read it\n", path);
        return false;
    }
    bool ours = strncmp(text, HEADING "\n", strlen(HEADING "\n")) == 0 && strlen(text) == length;
    read_fields(&reader, schedule);
    uint64_t sum = checksum(text, (size_t)(reader.next - text));
    bool whole = reader.wrong == NULL && read_number(&reader, "end", 16, UINT64_MAX) == sum &&
                 reader.wrong == NULL && *reader.next == '\0';
    if (!ours)
        fprintf(errors, "ckf-stress: %s is no schedule file of this version\n", path);
    else if (!whole)
        fprintf(errors, "ckf-stress: %s is damaged (at: %s): it was cut off or edited\n", path,
                reader.wrong != NULL ? reader.wrong : "checksum");
    free(text);
    if (!ours || !whole)
        ckf_explore_schedule_clear(schedule);
    return ours && whole;
}

void ckf_explore_schedule_clear(struct ckf_schedule *schedule)
{
    free(schedule->choices);
    free(schedule->contended);
    *schedule = (struct ckf_schedule){.choices = NULL};
}

/* Minimising. */

enum { MAX_ATTEMPTS = 3000 };

/* The fewer departures the better; among equals, the shorter. */
static uint64_t cost(const struct ckf_choice *choices, size_t count, unsigned steps)
{
    uint64_t departures = 0;
    for (size_t i = 0; i < count; i++)
        departures += choices[i].chosen != 0;
    return departures << 32 | steps;
}

struct attempt {
    struct ckf_choice *choices;
    size_t count, room;
    unsigned steps;
};

/* Tries the choices of `best` with those from `first` on, `length` departures long, made tame. */
static bool try_without(const struct attempt *best, struct attempt *trial, size_t first,
                        size_t length, ckf_still_fails still_fails, void *arg)
{
    memcpy(trial->choices, best->choices, best->count * sizeof *best->choices);
    for (size_t i = first, left = length; i < best->count && left > 0; i++) {
        left -= trial->choices[i].chosen != 0;
        trial->choices[i].chosen = 0;
    }
    trial->count = best->count;
    return still_fails(trial->choices, &trial->count, &trial->steps, arg) &&
           cost(trial->choices, trial->count, trial->steps) <
               cost(best->choices, best->count, best->steps);
}

static void keep(struct attempt *best, struct attempt *trial)
{
    struct attempt old = *best;
    *best = *trial;
    *trial = old;
}

static unsigned drop_runs(struct attempt *best, struct attempt *trial, size_t length,
                          unsigned attempts, ckf_still_fails still_fails, void *arg)
{
    for (size_t place = best->count; place-- > 0 && attempts < MAX_ATTEMPTS;) {
        if (place >= best->count || best->choices[place].chosen == 0)
            continue;
        attempts++;
        if (try_without(best, trial, place, length, still_fails, arg))
            keep(best, trial);
    }
    return attempts;
}

unsigned ckf_explore_minimise(struct ckf_choice *choices, size_t *count, size_t room,
                              ckf_still_fails still_fails, void *arg)
{
    struct attempt best = {calloc(room, sizeof *choices), *count, room, UINT32_MAX};
    struct attempt trial = {calloc(room, sizeof *choices), 0, room, 0};
    unsigned attempts = 0;
    if (best.choices != NULL && trial.choices != NULL) {
        memcpy(best.choices, choices, *count * sizeof *choices);
        uint64_t before;
        do {
            before = cost(best.choices, best.count, best.steps);
            for (size_t length = 16; length > 0; length /= 4)
                attempts = drop_runs(&best, &trial, length, attempts, still_fails, arg);
        } while (cost(best.choices, best.count, best.steps) < before && attempts < MAX_ATTEMPTS);
        memcpy(choices, best.choices, best.count * sizeof *choices);
        *count = best.count;
    }
    free(best.choices);
    free(trial.choices);
    return attempts;
}
