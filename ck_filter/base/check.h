/* base/check.h - misuse and impossible states end the program with one sentence.
 *
 * CKF_REQUIRE guards the rules that a caller must keep; ckf_die reports what the operating system
 * may not do (a mutex that cannot be locked). Neither is for outcomes that a correct caller meets.
 */
#ifndef CKF_BASE_CHECK_H
#define CKF_BASE_CHECK_H

#if defined(__GNUC__)
#define CKF_LIKELY(x)   __builtin_expect(!!(x), 1)
#define CKF_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* A call, so that its caller stays small; compiled for size, and side by side with others of that kind: a thread
 * that falls asleep, or wakes, finds cold caches and pays for each line of code. */
#define CKF_COLD     __attribute__((cold, noinline))
#define CKF_NOINLINE __attribute__((noinline))
/* A matter of luck: what follows from it should not be a branch. */
#if defined(__clang__)
#define CKF_UNPREDICTABLE(x) __builtin_unpredictable(!!(x))
#else
#define CKF_UNPREDICTABLE(x) __builtin_expect_with_probability(!!(x), 1, 0.5)
#endif
/* The compiler keeps the value, instead of computing it again where it is needed. */
#define ckf_compute_once(value) __asm__("" : "+r"(value))
/* So that what it is told as a constant (a function, say) is one. */
#define CKF_ALWAYS_INLINE static inline __attribute__((always_inline))
/* A small variable of each thread's that is reached without a call. There is not much room for such. */
#define CKF_OWN_WORD static _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define CKF_LIKELY(x)           (x)
#define CKF_UNLIKELY(x)         (x)
#define CKF_UNPREDICTABLE(x)    (x)
#define ckf_compute_once(value) ((void)(value))
#define CKF_COLD
#define CKF_NOINLINE
#define CKF_ALWAYS_INLINE static inline
#define CKF_OWN_WORD      static _Thread_local
#endif

/* Prints "ck_filter: FUNCTION: RULE" to standard error and aborts. */
_Noreturn void ckf_misuse(const char *function, const char *rule);

/* Prints "ck_filter: WHAT: strerror(ERROR)" to standard error and aborts. */
_Noreturn void ckf_die(const char *what, int error);

/* The public function that contains it is named in the message. */
#define CKF_REQUIRE(condition, rule)                                                               \
    do {                                                                                           \
        if (CKF_UNLIKELY(!(condition)))                                                            \
            ckf_misuse(__func__, rule);                                                            \
    } while (0)

#endif
