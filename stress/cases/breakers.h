/* stress/cases/breakers.h - what the breaker cases ask of a circuit breaker, and the library's two
 * answers. */
#ifndef STRESS_CASES_BREAKERS_H
#define STRESS_CASES_BREAKERS_H

#include <stdbool.h>
#include <stdint.h>

struct breaker_counts {
    uint64_t attempts, rejected, succeeded, failed, in_progress;
};

struct breaker_operations {
    /* Opens when that many calls have failed, and is ready for one probe at once. */
    void *(*create)(unsigned min_calls);
    void (*destroy)(void *breaker);
    bool (*try_enter)(void *breaker, uint64_t *permit);
    void (*leave)(void *breaker, uint64_t permit, bool succeeded);
    bool (*is_closed)(void *breaker);
    void (*read_counts)(void *breaker, struct breaker_counts *counts);
};

extern const struct breaker_operations mutex_breaker, atomic_breaker;

/* Fails as often as it takes to open it. */
void breaker_trip(const struct breaker_operations *operations, void *breaker, unsigned min_calls);

#endif
