/* stress/cases/tests.h - what the cases about tests ask of a test helper, and the library's answer. */
#ifndef STRESS_CASES_TESTS_H
#define STRESS_CASES_TESTS_H

#include <stdbool.h>
#include <stdint.h>

/* What a worker knows of the helper that started it. */
struct helper;
bool helper_says_stop(struct helper *helper);

typedef void (*tested_body)(struct helper *helper, void *arg);

struct test_operations {
    /* Runs the body on another thread, for about as long. What is returned goes to join_left_over. */
    void *(*run_with_patience)(tested_body body, void *arg, int64_t ns);
    void (*join_left_over)(void *left_over);
    /* What is there before a test, and whether anything more is there afterwards. */
    void *(*take_baseline)(void);
    bool (*finds_leak)(void *baseline, int64_t deadline_ns);
    void (*drop_baseline)(void *baseline);
};

extern const struct test_operations mutex_helper, atomic_helper;

/* Threads of the code under test say so, for helpers that count them. */
void thread_begins(void);
void thread_ends(void);
int threads_now(void);

#endif
