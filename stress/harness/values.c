/* harness/values.c - reads texts strictly: a value with anything around it is none. */
#include "harness/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool ckf_stress_parse_duration(const char *text, int64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    double number = strtod(text, &end);
    if (strspn(text, "0123456789.") != (size_t)(end - text))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].name) == 0 && number * units[i].ns >= 1 &&
            number * units[i].ns < 9e18) {
            *ns = (int64_t)(number * units[i].ns);
            return true;
        }
    return false;
}

bool ckf_stress_parse_number(const char *text, uint64_t *number)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    char *end;
    errno = 0;
    *number = strtoull(text, &end, base);
    return *end == '\0' && errno == 0;
}

bool ckf_stress_parse_names(const char *text, const char *const *names, size_t count, bool *chosen)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        bool known = false;
        for (size_t i = 0; i < count; i++)
            if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0)
                known = chosen[i] = true;
        if (!known)
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}
