/* explore/abi.c - the calls that compilers make under -fsanitize=thread, in their places.
 *
 * Names and signatures are those of compiler-rt's and GCC's libtsan. The hooks of plain accesses
 * run before the access, so the program still does it itself; those of atomics do it. Nothing is
 * checked while the engine itself runs (initialisers, code between executions).
 */
#include "engine.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define ABI __attribute__((visibility("default")))

static inline bool watching(void)
{
    return EXPECT(ckf_explore_engine.running != NULL);
}

static inline void plain(uintptr_t address, size_t size, unsigned kind, uintptr_t pc)
{
    if (!watching())
        return;
    ckf_explore_engine.running->pc = pc;
    if (UNLIKELY(ckf_explore_engine.tracing))
        ckf_explore_trace_plain(address, size, kind, pc);
    ckf_explore_shadow_access(address, size, kind);
}

#define PLAIN(size)                                                                                \
    ABI void __tsan_read##size(void *address)                                                      \
    {                                                                                              \
        plain((uintptr_t)address, size, ACCESS_READ, CALLER);                                      \
    }                                                                                              \
    ABI void __tsan_write##size(void *address)                                                     \
    {                                                                                              \
        plain((uintptr_t)address, size, ACCESS_WRITE, CALLER);                                     \
    }                                                                                              \
    ABI void __tsan_unaligned_read##size(void *address)                                            \
    {                                                                                              \
        plain((uintptr_t)address, size, ACCESS_READ, CALLER);                                      \
    }                                                                                              \
    ABI void __tsan_unaligned_write##size(void *address)                                           \
    {                                                                                              \
        plain((uintptr_t)address, size, ACCESS_WRITE, CALLER);                                     \
    }                                                                                              \
    ABI void __tsan_read_write##size(void *address)                                                \
    {                                                                                              \
        plain((uintptr_t)address, size, ACCESS_WRITE, CALLER);                                     \
    }                                                                                              \
    ABI void __tsan_unaligned_read_write##size(void *address)                                      \
    {                                                                                              \
        plain((uintptr_t)address, size, ACCESS_WRITE, CALLER);                                     \
    }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

ABI void __tsan_read_range(void *address, size_t size)
{
    plain((uintptr_t)address, size, ACCESS_READ, CALLER);
}

ABI void __tsan_write_range(void *address, size_t size)
{
    plain((uintptr_t)address, size, ACCESS_WRITE, CALLER);
}

ABI void __tsan_vptr_update(void **address, void *value)
{
    (void)value;
    plain((uintptr_t)address, sizeof *address, ACCESS_WRITE, CALLER);
}

ABI void __tsan_vptr_read(void **address)
{
    plain((uintptr_t)address, sizeof *address, ACCESS_READ, CALLER);
}

/* Volatile accesses are taken for what kernels and Concurrency Kit use them as: relaxed atomics. But
 * the program makes the access itself, so it always meets the newest value. */
static void volatile_access(uintptr_t address, unsigned size, unsigned kind, uintptr_t pc)
{
    if (!watching())
        return;
    ckf_explore_point(OP_VOLATILE, address, size, 0, pc);
    struct ckf_granule *granule = ckf_explore_shadow_access(address, size, kind | ACCESS_ATOMIC);
    if (granule == NULL || ckf_explore_engine.solo)
        return;
    ckf_explore_volatile(granule, address, size, kind, pc);
}

#define VOLATILE(size)                                                                             \
    ABI void __tsan_volatile_read##size(void *address)                                             \
    {                                                                                              \
        volatile_access((uintptr_t)address, size, ACCESS_READ, CALLER);                            \
    }                                                                                              \
    ABI void __tsan_volatile_write##size(void *address)                                            \
    {                                                                                              \
        volatile_access((uintptr_t)address, size, ACCESS_WRITE, CALLER);                           \
    }                                                                                              \
    ABI void __tsan_unaligned_volatile_read##size(void *address)                                   \
    {                                                                                              \
        volatile_access((uintptr_t)address, size, ACCESS_READ, CALLER);                            \
    }                                                                                              \
    ABI void __tsan_unaligned_volatile_write##size(void *address)                                  \
    {                                                                                              \
        volatile_access((uintptr_t)address, size, ACCESS_WRITE, CALLER);                           \
    }

VOLATILE(1)
VOLATILE(2)
VOLATILE(4)
VOLATILE(8)
VOLATILE(16)

ABI void __tsan_init(void)
{
}

ABI void __tsan_acquire(void *address)
{
    (void)address;
}

ABI void __tsan_release(void *address)
{
    (void)address;
}

ABI void __tsan_func_entry(void *caller)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    if (self == NULL)
        return;
    if (EXPECT(self->depth < MAX_CALLS))
        self->calls[self->depth] = (uintptr_t)caller;
    self->depth++;
}

ABI void __tsan_func_exit(void)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    if (self != NULL && self->depth > 0)
        self->depth--;
}

/* Atomics. Outside of executions they are plain accesses: one thread exists. */

#define RMW(bits, type, name, what)                                                                \
    ABI type __tsan_atomic##bits##_##name(volatile type *address, type value, int order)           \
    {                                                                                              \
        if (!watching())                                                                           \
            return (type)ckf_explore_native_rmw((uintptr_t)address, bits / 8, what, value);        \
        return (type)ckf_explore_atomic_rmw((uintptr_t)address, bits / 8, what, value, order & 7,  \
                                            CALLER);                                               \
    }

#define CAS(bits, type, name, weak)                                                                \
    ABI int __tsan_atomic##bits##_compare_exchange_##name(volatile type *address, type *expected,  \
                                                          type desired, int success, int failure)  \
    {                                                                                              \
        uint64_t found = *expected;                                                                \
        bool done =                                                                                \
            cas((uintptr_t)address, bits / 8, &found, desired, success, failure, weak, CALLER);    \
        ckf_explore_overwrite((uintptr_t)expected);                                                \
        *expected = (type)found;                                                                   \
        return done;                                                                               \
    }

static inline bool cas(uintptr_t address, unsigned size, uint64_t *expected, uint64_t desired,
                       int success, int failure, bool weak, uintptr_t pc)
{
    if (watching())
        return ckf_explore_atomic_cas(address, size, expected, desired, success & 7, failure & 7,
                                      weak, pc);
    uint64_t found = ckf_explore_native_load(address, size);
    bool equal = found == *expected;
    if (equal)
        ckf_explore_native_rmw(address, size, RMW_EXCHANGE, desired);
    *expected = found;
    return equal;
}

#define ATOMIC(bits, type)                                                                         \
    ABI type __tsan_atomic##bits##_load(const volatile type *address, int order)                   \
    {                                                                                              \
        if (!watching())                                                                           \
            return *address;                                                                       \
        return (type)ckf_explore_atomic_load((uintptr_t)address, bits / 8, order & 7, CALLER);     \
    }                                                                                              \
    ABI void __tsan_atomic##bits##_store(volatile type *address, type value, int order)            \
    {                                                                                              \
        if (!watching())                                                                           \
            *address = value;                                                                      \
        else                                                                                       \
            ckf_explore_atomic_store((uintptr_t)address, bits / 8, value, order & 7, CALLER);      \
    }                                                                                              \
    RMW(bits, type, exchange, RMW_EXCHANGE)                                                        \
    RMW(bits, type, fetch_add, RMW_ADD)                                                            \
    RMW(bits, type, fetch_sub, RMW_SUB)                                                            \
    RMW(bits, type, fetch_and, RMW_AND)                                                            \
    RMW(bits, type, fetch_or, RMW_OR)                                                              \
    RMW(bits, type, fetch_xor, RMW_XOR)                                                            \
    RMW(bits, type, fetch_nand, RMW_NAND)                                                          \
    CAS(bits, type, strong, false)                                                                 \
    CAS(bits, type, weak, true)                                                                    \
    ABI type __tsan_atomic##bits##_compare_exchange_val(volatile type *address, type expected,     \
                                                        type desired, int success, int failure)    \
    {                                                                                              \
        uint64_t found = expected;                                                                 \
        cas((uintptr_t)address, bits / 8, &found, desired, success, failure, false, CALLER);       \
        return (type)found;                                                                        \
    }

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 uint128;

static inline struct ckf_pair pair(uint128 value)
{
    return (struct ckf_pair){(uint64_t)value, (uint64_t)(value >> 64)};
}

static inline uint128 whole(struct ckf_pair value)
{
    return (uint128)value.high << 64 | value.low;
}

ABI uint128 __tsan_atomic128_load(const volatile uint128 *address, int order)
{
    if (!watching())
        return *address;
    return whole(ckf_explore_atomic_load_pair((uintptr_t)address, order & 7, CALLER));
}

ABI void __tsan_atomic128_store(volatile uint128 *address, uint128 value, int order)
{
    if (!watching())
        *address = value;
    else
        ckf_explore_atomic_store_pair((uintptr_t)address, pair(value), order & 7, CALLER);
}

static bool cas_pair(volatile uint128 *address, uint128 *expected, uint128 desired, int success,
                     int failure, uintptr_t pc)
{
    if (!watching()) {
        uint128 found = *address;
        bool equal = found == *expected;
        if (equal)
            *address = desired;
        *expected = found;
        return equal;
    }
    struct ckf_pair found = pair(*expected);
    bool equal = ckf_explore_atomic_cas_pair((uintptr_t)address, &found, pair(desired), success & 7,
                                             failure & 7, pc);
    ckf_explore_overwrite((uintptr_t)expected);
    ckf_explore_overwrite((uintptr_t)expected + 8);
    *expected = whole(found);
    return equal;
}

ABI int __tsan_atomic128_compare_exchange_strong(volatile uint128 *address, uint128 *expected,
                                                 uint128 desired, int success, int failure)
{
    return cas_pair(address, expected, desired, success, failure, CALLER);
}

ABI int __tsan_atomic128_compare_exchange_weak(volatile uint128 *address, uint128 *expected,
                                               uint128 desired, int success, int failure)
{
    return cas_pair(address, expected, desired, success, failure, CALLER);
}

ABI uint128 __tsan_atomic128_compare_exchange_val(volatile uint128 *address, uint128 expected,
                                                  uint128 desired, int success, int failure)
{
    cas_pair(address, &expected, desired, success, failure, CALLER);
    return expected;
}

/* Only one thread runs until the next point, so a read-modify-write is a load and a CAS that
 * succeeds: the first attempt stops at a point, the later ones see what has changed meanwhile. */
#define RMW128(name, expression)                                                                   \
    ABI uint128 __tsan_atomic128_##name(volatile uint128 *address, uint128 value, int order)       \
    {                                                                                              \
        uint128 old = *address;                                                                    \
        while (!cas_pair(address, &old, (expression), order, order, CALLER))                       \
            ;                                                                                      \
        return old;                                                                                \
    }

RMW128(exchange, value)
RMW128(fetch_add, old + value)
RMW128(fetch_sub, old - value)
RMW128(fetch_and, old &value)
RMW128(fetch_or, old | value)
RMW128(fetch_xor, old ^ value)
RMW128(fetch_nand, ~(old &value))
#endif

ABI void __tsan_atomic_thread_fence(int order)
{
    if (watching())
        ckf_explore_atomic_fence(order & 7, CALLER);
}

ABI void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

void *__real_memcpy(void *, const void *, size_t);
void *__real_memmove(void *, const void *, size_t);
void *__real_memset(void *, int, size_t);

/* Clang from 15 on. */
ABI void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    plain((uintptr_t)from, size, ACCESS_READ, CALLER);
    plain((uintptr_t)to, size, ACCESS_WRITE, CALLER);
    return __real_memcpy(to, from, size);
}

ABI void *__tsan_memmove(void *to, const void *from, size_t size)
{
    plain((uintptr_t)from, size, ACCESS_READ, CALLER);
    plain((uintptr_t)to, size, ACCESS_WRITE, CALLER);
    return __real_memmove(to, from, size);
}

ABI void *__tsan_memset(void *to, int byte, size_t size)
{
    plain((uintptr_t)to, size, ACCESS_WRITE, CALLER);
    return __real_memset(to, byte, size);
}
