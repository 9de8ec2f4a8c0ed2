/* text.c - reads the headers under /usr/include into one piece of memory: text that people wrote, and
 * that is there wherever this was compiled.
 */
#include "targets/text.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cases/map_roles.h"

enum { MAX_BYTES = 320 << 20, OPEN_FOLDERS = 32 };

static char *data;
static size_t len;

static int append(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)place;
    size_t path_len = strlen(path);
    if (type != FTW_F || path_len < 2 || strcmp(path + path_len - 2, ".h") != 0 ||
        len + (size_t)status->st_size + 1 > MAX_BYTES)
        return 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    len += fread(data + len, 1, (size_t)status->st_size, file);
    data[len++] = '\n';
    fclose(file);
    return 0;
}

/* Where the word that begins at or after `from` ends; the end of the text if there is none. */
static size_t word_end(size_t from)
{
    while (from < len && !table_in_word(data[from]))
        from++;
    while (from < len && table_in_word(data[from]))
        from++;
    return from;
}

static bool repeat(void)
{
    size_t more = len < MAX_BYTES - len ? len : MAX_BYTES - len;
    memcpy(data + len, data, more);
    len += more;
    return more > 0;
}

const struct text *text_of_words(size_t words)
{
    static struct text text;
    if (text.words == words)
        return &text;
    data = malloc(MAX_BYTES);
    if (data == NULL || nftw("/usr/include", append, OPEN_FOLDERS, FTW_PHYS) != 0 || len == 0)
        return &text;
    size_t at = 0;
    for (size_t count = 0; count < words; count++) {
        while (word_end(at) == len)
            if (!repeat())
                return &text;
        at = word_end(at);
    }
    text = (struct text){.data = data, .len = at, .words = words};
    return &text;
}
