/* harness/json.h - writing JSON as it comes, with commas, indentation and escapes in their places. */
#ifndef CKF_STRESS_JSON_H
#define CKF_STRESS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ckf_stress_json {
    FILE *out;
    int depth;
    bool empty; /* nothing stands yet in the object or array that is open */
};

void ckf_stress_json_begin(struct ckf_stress_json *json, FILE *out);
/* Ends the text with a newline; false if something could not be written. */
bool ckf_stress_json_end(struct ckf_stress_json *json);

/* `key` is NULL within arrays and for the outermost value. */
void ckf_stress_json_open_object(struct ckf_stress_json *json, const char *key);
void ckf_stress_json_close_object(struct ckf_stress_json *json);
void ckf_stress_json_open_array(struct ckf_stress_json *json, const char *key);
void ckf_stress_json_close_array(struct ckf_stress_json *json);

/* NULL is written as null. Bytes that are no UTF-8 become U+FFFD. */
void ckf_stress_json_string(struct ckf_stress_json *json, const char *key, const char *value);
void ckf_stress_json_unsigned(struct ckf_stress_json *json, const char *key, uint64_t value);
/* What is no finite number is written as null. */
void ckf_stress_json_double(struct ckf_stress_json *json, const char *key, double value);
void ckf_stress_json_bool(struct ckf_stress_json *json, const char *key, bool value);
/* A value that is JSON already. */
void ckf_stress_json_raw(struct ckf_stress_json *json, const char *key, const char *text);
void ckf_stress_json_null(struct ckf_stress_json *json, const char *key);

/* Writes text with the characters escaped that must be in a JSON string, without the quotes. */
void ckf_stress_json_escape(FILE *out, const char *text);

/* The length of the UTF-8 character that text starts with; 0 if it is none. */
unsigned ckf_stress_utf8_length(const char *text);

#endif
