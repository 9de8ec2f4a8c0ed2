/* explore/trace.h - what happened in one execution, for people. */
#ifndef CKF_EXPLORE_TRACE_H
#define CKF_EXPLORE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* With true, the next traces also show plain accesses to the word that the execution that has just
 * ended failed on (a race, a use after free); with false, they do not. */
void ckf_explore_trace_this_address(bool also_plain);

/* Prints the events of the last execution that ran with options.trace, one column a thread, and then
 * how it ended: what each thread was doing, with its call sites. `outcome` heads it. */
void ckf_explore_trace_print(FILE *out, const char *outcome);
/* The same as members of a JSON object, on one line: "message", "threads" and how each ended, and
 * "trace", the events, each with what it was ordered after. docs/stress-json.md describes them. */
void ckf_explore_trace_print_json(FILE *out);

/* Where an address of code comes from: "channel/ring.c:88" in the library, "case.c:88" elsewhere. */
struct ckf_place {
    char function[64], file[96];
    unsigned line;
    bool library;
};
/* "channel/ring.c" for a path of the library's; NULL for others. */
const char *ckf_explore_in_library(const char *path);
/* Asks addr2line about many addresses at once; unknown ones get "?" and line 0. Addresses are of
 * calls: the place is that of the call, not of the instruction behind it. */
void ckf_explore_find_places(const uintptr_t *addresses, size_t count, struct ckf_place *places);

#endif
