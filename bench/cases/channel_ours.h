/* cases/channel_ours.h - ck_filter's channels as the bench's workloads see them.
 *
 * In a header, so that each workload's loop has the calls inlined.
 */
#ifndef CKF_BENCH_CHANNEL_OURS_H
#define CKF_BENCH_CHANNEL_OURS_H

#include <ck_filter/channel.h>

static inline void *our_create(size_t capacity, size_t elem_size, enum ckf_variant variant,
                               unsigned flags)
{
    struct ckf_channel *channel;
    struct ckf_channel_options options = {
        .variant = variant, .capacity = capacity, .elem_size = elem_size, .flags = flags};
    return ckf_channel_create(&channel, &options) == CKF_OK ? channel : NULL;
}

static inline void *our_create_atomic(size_t capacity)
{
    return our_create(capacity, sizeof(uint64_t), CKF_VARIANT_ATOMIC, 0);
}

static inline void *our_create_mutex(size_t capacity)
{
    return our_create(capacity, sizeof(uint64_t), CKF_VARIANT_MUTEX, 0);
}

static inline void our_destroy(void *channel)
{
    ckf_channel_destroy(channel);
}

static inline bool our_send(void *channel, uint64_t value)
{
    return ckf_channel_send(channel, &value) == CKF_OK;
}

static inline bool our_recv(void *channel, uint64_t *value)
{
    return ckf_channel_recv(channel, value) == CKF_OK;
}

static inline void our_close(void *channel)
{
    ckf_channel_close(channel);
}

#endif
