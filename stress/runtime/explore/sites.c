/* explore/sites.c - asks addr2line for the places of call sites, with the calls that were inlined. */
#include "sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "trace.h"

/* One level of inlining: the function, and the place in it. */
struct level {
    char function[64], file[96];
    unsigned line;
};

enum { MAX_LEVELS = 8 };

static FILE *ask_addr2line(const struct ckf_explore_site *sites, size_t count)
{
    char executable[512], *command = NULL;
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    if (length <= 0)
        return NULL;
    executable[length] = '\0';
    if (strchr(executable, '\'') != NULL)
        return NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&command, &size);
    if (memory == NULL)
        return NULL;
    fprintf(memory, "addr2line -a -f -i -e '%s'", executable);
    for (size_t i = 0; i < count; i++)
        fprintf(memory, " %" PRIxPTR, sites[i].pc - 1 - ckf_explore_load_offset());
    fprintf(memory, " 2>/dev/null");
    fclose(memory);
    FILE *pipe = popen(command, "r");
    free(command);
    return pipe;
}

static bool read_line(FILE *in, char *line, size_t size)
{
    if (fgets(line, (int)size, in) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* `line` is what follows the address, and becomes the next address. Returns how many levels of the
 * library there are, innermost first. */
static size_t read_levels(FILE *in, char *line, size_t size, struct level levels[MAX_LEVELS])
{
    size_t count = 0;
    while (read_line(in, line, size) && strncmp(line, "0x", 2) != 0) {
        struct level level = {.line = 0};
        snprintf(level.function, sizeof level.function, "%.63s", line);
        if (!read_line(in, line, size))
            break;
        char *colon = strrchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        level.line = (unsigned)strtoul(colon + 1, NULL, 10);
        const char *file = ckf_explore_in_library(line);
        if (file == NULL || count == MAX_LEVELS)
            continue;
        snprintf(level.file, sizeof level.file, "%.95s", file);
        levels[count++] = level;
    }
    return count;
}

static bool is_header(const char *file)
{
    size_t length = strlen(file);
    return length > 2 && strcmp(file + length - 2, ".h") == 0;
}

static void describe(struct ckf_source_site *place, const struct level *levels, size_t count)
{
    size_t inner = 0;
    while (inner + 1 < count && is_header(levels[inner].file))
        inner++;
    if (inner > 0)
        snprintf(place->where, sizeof place->where, "%.80s:%u in %.80s:%u", levels[0].file,
                 levels[0].line, levels[inner].file, levels[inner].line);
    else
        snprintf(place->where, sizeof place->where, "%.95s:%u", levels[0].file, levels[0].line);
    snprintf(place->function, sizeof place->function, "%.60s %.30s()", levels[inner].file,
             levels[inner].function);
    snprintf(place->folder, sizeof place->folder, "%.*s", (int)strcspn(levels[inner].file, "/"),
             levels[inner].file);
}

static size_t find_place(struct ckf_source_site *places, size_t *count,
                         const struct ckf_source_site *wanted)
{
    for (size_t i = 0; i < *count; i++)
        if (places[i].kind == wanted->kind && places[i].order == wanted->order &&
            strcmp(places[i].where, wanted->where) == 0)
            return i;
    places[*count] = *wanted;
    return (*count)++;
}

static struct {
    const struct ckf_source_site *places;
} sorting;

/* By file, then by line, which is a number. */
static int in_source_order(const void *a, const void *b)
{
    const char *first = sorting.places[*(const size_t *)a].where;
    const char *second = sorting.places[*(const size_t *)b].where;
    while (*first != '\0' && *first == *second && *first != ':') {
        first++;
        second++;
    }
    if (*first != ':' || *second != ':')
        return (unsigned char)*first - (unsigned char)*second;
    long difference = strtol(first + 1, NULL, 10) - strtol(second + 1, NULL, 10);
    return difference != 0 ? (difference < 0 ? -1 : 1) : strcmp(first, second);
}

/* Puts the places into the order of the source, and map likewise. False without memory. */
static bool sort(struct ckf_source_site **places, size_t count, size_t *map, size_t mapped)
{
    size_t *order = calloc(count + 1, sizeof *order), *rank = calloc(count + 1, sizeof *rank);
    struct ckf_source_site *sorted = calloc(count + 1, sizeof *sorted);
    bool good = order != NULL && rank != NULL && sorted != NULL;
    for (size_t i = 0; good && i < count; i++)
        order[i] = i;
    sorting.places = *places;
    if (good)
        qsort(order, count, sizeof *order, in_source_order);
    for (size_t i = 0; good && i < count; i++) {
        sorted[i] = (*places)[order[i]];
        rank[order[i]] = i;
    }
    for (size_t i = 0; good && i < mapped; i++)
        if (map[i] != SIZE_MAX)
            map[i] = rank[map[i]];
    free(order);
    free(rank);
    if (!good) {
        free(sorted);
        return false;
    }
    free(*places);
    *places = sorted;
    return true;
}

struct ckf_source_site *ckf_explore_source_sites(const struct ckf_explore_site *sites, size_t count,
                                                 size_t *map, size_t *place_count)
{
    struct ckf_source_site *places = calloc(count + 1, sizeof *places);
    FILE *pipe = places != NULL ? ask_addr2line(sites, count) : NULL;
    char line[512];
    bool good = pipe != NULL && read_line(pipe, line, sizeof line);
    *place_count = 0;
    for (size_t i = 0; good && i < count; i++) {
        struct level levels[MAX_LEVELS];
        size_t depth = read_levels(pipe, line, sizeof line, levels);
        struct ckf_source_site found = {.kind = sites[i].kind, .order = sites[i].order};
        map[i] = SIZE_MAX;
        if (depth == 0)
            continue;
        describe(&found, levels, depth);
        map[i] = find_place(places, place_count, &found);
        struct ckf_source_site *place = &places[map[i]];
        if (place->pc_count < CKF_EXPLORE_SITE_PCS)
            place->pcs[place->pc_count++] = sites[i].pc;
    }
    if (pipe != NULL)
        pclose(pipe);
    if (good && sort(&places, *place_count, map, count))
        return places;
    free(places);
    return NULL;
}
