/* tests/channel_support.h - what the tests of channels and selects share.
 *
 * Elements carry a number in every byte, so that a torn or misplaced one shows. Each way of sending
 * or receiving has the same face (send_by, recv_by), so that one test covers them all; a caller
 * makes such a call in a thread of its own. Bodies of threads report by ENSURE, since cmocka's
 * assertions belong to the main thread.
 */
#ifndef CKF_TESTS_CHANNEL_SUPPORT_H
#define CKF_TESTS_CHANNEL_SUPPORT_H

#include "support.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>

#include <ck_filter/channel.h>
#include <ck_filter/select.h>

#if defined(__has_feature)
#define BUILT_WITH(sanitizer) __has_feature(sanitizer)
#else
#define BUILT_WITH(sanitizer) 0
#endif
#if defined(__SANITIZE_THREAD__) || BUILT_WITH(thread_sanitizer)
/* It delivers signals when a thread calls into it, and knows no threads in forked children. */
#define THREAD_SANITIZED 1
#else
#define THREAD_SANITIZED 0
#endif
#if THREAD_SANITIZED || defined(__SANITIZE_ADDRESS__) || BUILT_WITH(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Rounds of a repeated race: fewer where each costs more. */
#define ROUNDS(n) (SANITIZED ? ((n) + 7) / 8 : (n))

enum { MAX_ELEM = 4096 };

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* In the body of a thread: says what went wrong and ends the body with a result other than 0. */
#define ENSURE(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

#define assert_status(call, expected) assert_status_is(call, expected, #call, __FILE__, __LINE__)
void assert_status_is(enum ckf_status status, enum ckf_status expected, const char *call,
                      const char *file, int line);

enum { CAPACITIES = 6, ELEM_SIZES = 5 };
/* 0, 1, 2, 3, 64 and CKF_UNBOUNDED. */
extern const size_t capacities[CAPACITIES];
/* 1, 4, 8, 24 and 4096. */
extern const size_t elem_sizes[ELEM_SIZES];

/* As BOTH_VARIANTS, for tests in which one thread at a time sends in each channel, and one receives: a third
 * time for the ATOMIC variant, which is promised that. */
#define BOTH_VARIANTS_AND_PROMISED(test)                                                           \
    BOTH_VARIANTS(test),                                                                           \
    {                                                                                              \
#test " [promised]", test, promise_single_ends, promise_nothing,                           \
            (void *)(uintptr_t)&atomic_variant                                                     \
    }
extern unsigned promised_flags; /* of all channels that the test makes */
int promise_single_ends(void **state);
int promise_nothing(void **state);

/* Never fails: a test that cannot have its channel ends. */
struct ckf_channel *channel_of(enum ckf_variant variant, size_t capacity, size_t elem_size);
struct ckf_channel *channel_with(struct ckf_channel_options options);

/* Writes number (its low byte alone into an element of 1 byte) and fills the rest from it. */
void elem_fill(void *elem, size_t elem_size, uint64_t number);
bool elem_holds(const void *elem, size_t elem_size, uint64_t number);
/* The number of a whole element, as far as it fits; false for a torn one. */
bool elem_read(const void *elem, size_t elem_size, uint64_t *number);

/* An element of 8 bytes in one word. */
enum ckf_status try_send_u64(struct ckf_channel *channel, uint64_t number);
enum ckf_status send_u64(struct ckf_channel *channel, uint64_t number);
/* The number received; UINT64_MAX - status for any status but CKF_OK. */
uint64_t recv_u64(struct ckf_channel *channel);
uint64_t try_recv_u64(struct ckf_channel *channel);
#define NO_ELEMENT(status) (UINT64_MAX - (uint64_t)(status))

/* Every way to make one send or receive. PLAIN and TRY take neither deadline nor context, TRY does
 * not wait. */
enum call_kind { CALL_PLAIN, CALL_TRY, CALL_UNTIL, CALL_MANY, CALL_SELECT, CALL_KINDS };
enum { WAITING_KINDS = 4, TIMED_KINDS = 3 };
extern const enum call_kind waiting_kinds[WAITING_KINDS], timed_kinds[TIMED_KINDS];

enum ckf_status send_by(enum call_kind kind, struct ckf_channel *channel, const void *elem,
                        int64_t deadline_ns, struct ckf_context *context);
enum ckf_status recv_by(enum call_kind kind, struct ckf_channel *channel, void *elem,
                        int64_t deadline_ns, struct ckf_context *context);

/* One such call in a thread. */
struct caller {
    struct test_thread thread;
    struct ckf_channel *channel;
    enum ckf_direction direction;
    enum call_kind kind;
    int64_t deadline_ns;
    struct ckf_context *context;
    enum ckf_status status; /* read after caller_join */
    atomic_bool returned;
    alignas(max_align_t) unsigned char elem[MAX_ELEM];
};

/* Starts it with no deadline and no context; elem is set (sends) or zeroed (receives) before. */
void caller_start(struct caller *caller, struct ckf_channel *channel, enum ckf_direction direction,
                  enum call_kind kind);
void caller_start_until(struct caller *caller, struct ckf_channel *channel,
                        enum ckf_direction direction, enum call_kind kind, int64_t deadline_ns,
                        struct ckf_context *context);
/* The same for a u64 element, and returns once the caller sleeps. */
void sender_asleep(struct caller *caller, struct ckf_channel *channel, enum call_kind kind,
                   uint64_t number);
void receiver_asleep(struct caller *caller, struct ckf_channel *channel, enum call_kind kind);
enum ckf_status caller_join(struct caller *caller);
uint64_t caller_number(const struct caller *caller);

/* Keeps the processor busy for some ns without giving it away. */
void spin_ns(int64_t ns);

/* Misuse ends the process, so it happens in a child: a fresh copy of the test program that runs one
 * scenario alone. */
struct scenario {
    const char *name;
    void (*run)(enum ckf_variant variant);
};
/* To be called first in main: runs the scenario that this process was started for, if any. */
void run_scenario_if_asked(int argc, char **argv, const struct scenario *scenarios, size_t count);
/* Fails unless the scenario aborts with a message of the library that names the function. */
void assert_aborts(const char *scenario, enum ckf_variant variant, const char *function);
/* Fails unless the scenario ends by itself, with status 0. */
void assert_survives(const char *scenario, enum ckf_variant variant);

#endif
