/* base/poison.h - memory that nobody may touch for now. In builds with AddressSanitizer a touch is
 * reported; in others these do nothing. */
#ifndef CKF_BASE_POISON_H
#define CKF_BASE_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CKF_CAN_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define CKF_CAN_POISON 1
#endif

#ifdef CKF_CAN_POISON
#include <sanitizer/asan_interface.h>
#endif

static inline void ckf_poison(void *memory, size_t size)
{
#ifdef CKF_CAN_POISON
    ASAN_POISON_MEMORY_REGION(memory, size);
#else
    (void)memory, (void)size;
#endif
}

static inline void ckf_unpoison(void *memory, size_t size)
{
#ifdef CKF_CAN_POISON
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
#else
    (void)memory, (void)size;
#endif
}

#endif
