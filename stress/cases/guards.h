/* stress/cases/guards.h - what the cases of guards around the collections ask: the library's answers are
 * programs over its public interface, in the cases themselves. */
#ifndef STRESS_CASES_GUARDS_H
#define STRESS_CASES_GUARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A candidate that sees the same traffic as the rules in force, and is compared with them. */
enum canary_answer { CANARY_AGREES, CANARY_DIFFERS, CANARY_CANNOT_TELL };
struct canary_operations {
    void *(*create)(void);
    void (*destroy)(void *canary);
    /* Gives both the same new rules: the word is denied, or it is not. */
    void (*reconfigure)(void *canary, bool denied);
    enum canary_answer (*compare)(void *canary);
};
extern const struct canary_operations racy_canary;

/* Requests of tenants 0 and 1, in two parts; the second is done by whichever thread comes. */
struct tenant_operations {
    void *(*create)(void);
    void (*destroy)(void *server);
    void (*begin)(void *server, unsigned tenant);
    /* The second part of the oldest request. Each is about a record that its tenant, and no other,
     * denies: false if it was let pass. */
    bool (*finish)(void *server);
};
extern const struct tenant_operations racy_tenants;

/* A log of what a filter dropped. */
struct audit_operations {
    void *(*create)(size_t lines);
    void (*destroy)(void *log);
    void (*drop)(void *log, uint64_t record);
    bool (*take)(void *log); /* the log's writer: a line, if there is one */
    uint64_t (*lost)(void *log);
};
extern const struct audit_operations racy_audit;

#endif
