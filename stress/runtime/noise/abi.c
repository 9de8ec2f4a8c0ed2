/* noise/abi.c - the calls that compilers make under -fsanitize=thread, as the machine's own
 * operations on real threads, with a delay before them now and then (noise.c).
 *
 * Names and signatures are those of compiler-rt's and GCC's libtsan. Hooks of plain accesses come
 * before the access, which the program makes itself. Atomic operations have exactly the order that
 * they ask for, so that what the machine may reorder it still may: GCC takes an order that is no
 * constant for seq_cst, hence the switches. 16-byte operations are compare-and-swaps of 16 bytes. */
#include "noise.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define ABI __attribute__((visibility("default")))

static inline void plain(const volatile void *address)
{
    (void)address;
    ckf_noise_before(CKF_NOISE_PLAIN);
}

static inline void atomic(void)
{
    ckf_noise_before(CKF_NOISE_ATOMIC);
}

#define PLAIN(kind, size)                                                                          \
    ABI void __tsan_##kind##size(void *address)                                                    \
    {                                                                                              \
        plain(address);                                                                            \
    }
#define PLAIN_KINDS(size)                                                                          \
    PLAIN(read, size)                                                                              \
    PLAIN(write, size)                                                                             \
    PLAIN(read_write, size)                                                                        \
    PLAIN(unaligned_read, size)                                                                    \
    PLAIN(unaligned_write, size)                                                                   \
    PLAIN(unaligned_read_write, size)                                                              \
    PLAIN(volatile_read, size)                                                                     \
    PLAIN(volatile_write, size)                                                                    \
    PLAIN(unaligned_volatile_read, size)                                                           \
    PLAIN(unaligned_volatile_write, size)

PLAIN_KINDS(1)
PLAIN_KINDS(2)
PLAIN_KINDS(4)
PLAIN_KINDS(8)
PLAIN_KINDS(16)

ABI void __tsan_read_range(void *address, size_t size)
{
    (void)size;
    plain(address);
}

ABI void __tsan_write_range(void *address, size_t size)
{
    (void)size;
    plain(address);
}

ABI void __tsan_vptr_update(void **address, void *value)
{
    (void)value;
    plain(address);
}

ABI void __tsan_vptr_read(void **address)
{
    plain(address);
}

ABI void __tsan_init(void)
{
}

ABI void __tsan_func_entry(void *caller)
{
    (void)caller;
}

ABI void __tsan_func_exit(void)
{
}

/* Annotations of the library: they tell a checker what this runtime need not know. */
ABI void __tsan_acquire(void *address)
{
    (void)address;
}

ABI void __tsan_release(void *address)
{
    (void)address;
}

/* Clang from 15 on. */
ABI void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    plain(to);
    return memcpy(to, from, size);
}

ABI void *__tsan_memmove(void *to, const void *from, size_t size)
{
    plain(to);
    return memmove(to, from, size);
}

ABI void *__tsan_memset(void *to, int byte, size_t size)
{
    plain(to);
    return memset(to, byte, size);
}

/* --- Atomics -------------------------------------------------------------------------------------- */

#define BY_ORDER(order, statement)                                                                 \
    switch ((order)&7) {                                                                           \
    case __ATOMIC_RELAXED:                                                                         \
        statement(__ATOMIC_RELAXED);                                                               \
        break;                                                                                     \
    case __ATOMIC_CONSUME:                                                                         \
    case __ATOMIC_ACQUIRE:                                                                         \
        statement(__ATOMIC_ACQUIRE);                                                               \
        break;                                                                                     \
    case __ATOMIC_RELEASE:                                                                         \
        statement(__ATOMIC_RELEASE);                                                               \
        break;                                                                                     \
    case __ATOMIC_ACQ_REL:                                                                         \
        statement(__ATOMIC_ACQ_REL);                                                               \
        break;                                                                                     \
    default:                                                                                       \
        statement(__ATOMIC_SEQ_CST);                                                               \
        break;                                                                                     \
    }

/* One order for both ends of a compare-and-swap: the weakest that is as strong as either. */
static inline int joined(int success, int failure)
{
    success &= 7;
    failure &= 7;
    if (success == __ATOMIC_SEQ_CST || failure == __ATOMIC_SEQ_CST)
        return __ATOMIC_SEQ_CST;
    if (failure == __ATOMIC_RELAXED || success == __ATOMIC_ACQUIRE || success == __ATOMIC_ACQ_REL)
        return success;
    return success == __ATOMIC_RELEASE ? __ATOMIC_ACQ_REL : __ATOMIC_ACQUIRE;
}

/* A load has no release and a store no acquire, whatever a broken program asks for. */
#define LOAD_ORDER(order)                                                                          \
    ((order) == __ATOMIC_RELEASE   ? __ATOMIC_RELAXED                                              \
     : (order) == __ATOMIC_ACQ_REL ? __ATOMIC_ACQUIRE                                              \
                                   : (order))
#define STORE_ORDER(order)                                                                         \
    ((order) == __ATOMIC_ACQUIRE   ? __ATOMIC_RELAXED                                              \
     : (order) == __ATOMIC_ACQ_REL ? __ATOMIC_RELEASE                                              \
                                   : (order))

#define LOAD(order)  result = __atomic_load_n(address, LOAD_ORDER(order))
#define STORE(order) __atomic_store_n(address, value, STORE_ORDER(order))
#define CAS_STRONG(order)                                                                          \
    done = __atomic_compare_exchange_n(address, expected, desired, false, order, LOAD_ORDER(order))
#define CAS_WEAK(order)                                                                            \
    done = __atomic_compare_exchange_n(address, expected, desired, true, order, LOAD_ORDER(order))

#define RMW(bits, type, name, builtin)                                                             \
    ABI type __tsan_atomic##bits##_##name(volatile type *address, type value, int order)           \
    {                                                                                              \
        type result;                                                                               \
        atomic();                                                                                  \
        BY_ORDER(order, builtin)                                                                   \
        return result;                                                                             \
    }
#define EXCHANGE(order)   result = __atomic_exchange_n(address, value, order)
#define FETCH_ADD(order)  result = __atomic_fetch_add(address, value, order)
#define FETCH_SUB(order)  result = __atomic_fetch_sub(address, value, order)
#define FETCH_AND(order)  result = __atomic_fetch_and(address, value, order)
#define FETCH_OR(order)   result = __atomic_fetch_or(address, value, order)
#define FETCH_XOR(order)  result = __atomic_fetch_xor(address, value, order)
#define FETCH_NAND(order) result = __atomic_fetch_nand(address, value, order)

#define CAS(bits, type, name, builtin)                                                             \
    ABI int __tsan_atomic##bits##_compare_exchange_##name(volatile type *address, type *expected,  \
                                                          type desired, int success, int failure)  \
    {                                                                                              \
        bool done;                                                                                 \
        atomic();                                                                                  \
        BY_ORDER(joined(success, failure), builtin)                                                \
        return done;                                                                               \
    }

#define ATOMIC(bits, type)                                                                         \
    ABI type __tsan_atomic##bits##_load(const volatile type *address, int order)                   \
    {                                                                                              \
        type result;                                                                               \
        atomic();                                                                                  \
        BY_ORDER(order, LOAD)                                                                      \
        return result;                                                                             \
    }                                                                                              \
    ABI void __tsan_atomic##bits##_store(volatile type *address, type value, int order)            \
    {                                                                                              \
        atomic();                                                                                  \
        BY_ORDER(order, STORE)                                                                     \
    }                                                                                              \
    RMW(bits, type, exchange, EXCHANGE)                                                            \
    RMW(bits, type, fetch_add, FETCH_ADD)                                                          \
    RMW(bits, type, fetch_sub, FETCH_SUB)                                                          \
    RMW(bits, type, fetch_and, FETCH_AND)                                                          \
    RMW(bits, type, fetch_or, FETCH_OR)                                                            \
    RMW(bits, type, fetch_xor, FETCH_XOR)                                                          \
    RMW(bits, type, fetch_nand, FETCH_NAND)                                                        \
    CAS(bits, type, strong, CAS_STRONG)                                                            \
    CAS(bits, type, weak, CAS_WEAK)                                                                \
    ABI type __tsan_atomic##bits##_compare_exchange_val(volatile type *address, type compared,     \
                                                        type desired, int success, int failure)    \
    {                                                                                              \
        type found = compared, *expected = &found;                                                 \
        bool done;                                                                                 \
        atomic();                                                                                  \
        BY_ORDER(joined(success, failure), CAS_STRONG)                                             \
        (void)done;                                                                                \
        return found;                                                                              \
    }

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
__extension__ typedef unsigned __int128 uint128;

/* A full barrier, as the instruction is one on x86. A load writes back what it found. */
static inline uint128 swap_if(volatile uint128 *address, uint128 expected, uint128 desired)
{
    return __sync_val_compare_and_swap(address, expected, desired);
}

ABI uint128 __tsan_atomic128_load(const volatile uint128 *address, int order)
{
    (void)order;
    atomic();
    return swap_if((volatile uint128 *)(uintptr_t)address, 0, 0);
}

ABI uint128 __tsan_atomic128_compare_exchange_val(volatile uint128 *address, uint128 expected,
                                                  uint128 desired, int success, int failure)
{
    (void)success;
    (void)failure;
    atomic();
    return swap_if(address, expected, desired);
}

ABI int __tsan_atomic128_compare_exchange_strong(volatile uint128 *address, uint128 *expected,
                                                 uint128 desired, int success, int failure)
{
    uint128 compared = *expected;
    *expected = __tsan_atomic128_compare_exchange_val(address, compared, desired, success, failure);
    return *expected == compared;
}

ABI int __tsan_atomic128_compare_exchange_weak(volatile uint128 *address, uint128 *expected,
                                               uint128 desired, int success, int failure)
{
    return __tsan_atomic128_compare_exchange_strong(address, expected, desired, success, failure);
}

#define RMW128(name, expression)                                                                   \
    ABI uint128 __tsan_atomic128_##name(volatile uint128 *address, uint128 value, int order)       \
    {                                                                                              \
        (void)order;                                                                               \
        atomic();                                                                                  \
        uint128 old = swap_if(address, 0, 0);                                                      \
        for (uint128 found; (found = swap_if(address, old, (expression))) != old; old = found)     \
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

ABI void __tsan_atomic128_store(volatile uint128 *address, uint128 value, int order)
{
    (void)__tsan_atomic128_exchange(address, value, order);
}
#endif

#define FENCE(order) __atomic_thread_fence(order)

ABI void __tsan_atomic_thread_fence(int order)
{
    atomic();
    BY_ORDER(order, FENCE)
}

ABI void __tsan_atomic_signal_fence(int order)
{
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
