/* harness/values.h - what the values of options mean, on the command lines of both engines. */
#ifndef CKF_STRESS_VALUES_H
#define CKF_STRESS_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "60s", "3m", "500ms", "1.5h" or "10us"; false if it is no duration above 0. */
bool ckf_stress_parse_duration(const char *text, int64_t *ns);

/* Decimal, or hexadecimal after 0x; nothing around it. */
bool ckf_stress_parse_number(const char *text, uint64_t *number);

/* Sets chosen[i] for each of the names in a comma-separated list. */
bool ckf_stress_parse_names(const char *text, const char *const *names, size_t count, bool *chosen);

#endif
