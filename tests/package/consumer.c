/* tests/package/consumer.c - a program outside: built against the installed library alone. */
#include <ck_filter/ck_filter.h>

#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "consumer.c:%d: not so: %s\n", __LINE__, #condition);                  \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int use_a_channel(enum ckf_variant variant)
{
    struct ckf_channel_options options = {0};
    struct ckf_channel *channel;
    struct ckf_select_case one;
    int sent = 7, received = 0;
    size_t chosen = 9;
    options.variant = variant;
    options.capacity = 1;
    options.elem_size = sizeof sent;
    CHECK(ckf_channel_create(&channel, &options) == CKF_OK);
    CHECK(ckf_channel_send(channel, &sent) == CKF_OK);
    CHECK(ckf_channel_try_send(channel, &sent) == CKF_AGAIN);
    one.channel = channel;
    one.direction = CKF_RECV;
    one.elem = &received;
    CHECK(ckf_select(&one, 1, &chosen, CKF_FOREVER, NULL) == CKF_OK);
    CHECK(chosen == 0 && one.status == CKF_OK && received == 7);
    CHECK(ckf_channel_close(channel) == CKF_OK);
    CHECK(ckf_channel_recv_until(channel, &received, ckf_deadline_after_ns(1000), NULL) ==
          CKF_CLOSED);
    ckf_channel_destroy(channel);
    return 0;
}

int main(void)
{
    struct ckf_channel *defaults;
    struct ckf_context *context;
    CHECK(CKF_SEND == 0 && CKF_RECV == 1);
    CHECK(CKF_VARIANT_ATOMIC == 0 && CKF_VARIANT_MUTEX == 1);
    CHECK(CKF_CLOSED == EPIPE && CKF_AGAIN == EAGAIN && CKF_FOREVER == INT64_MAX && CKF_NOW == 0);
    CHECK(strcmp(ckf_status_name(CKF_CLOSED), "CKF_CLOSED") == 0);
    CHECK(ckf_channel_create(&defaults, NULL) == CKF_OK);
    CHECK(ckf_channel_capacity(defaults) == 0);
    ckf_channel_destroy(defaults);
    CHECK(ckf_context_create(&context, NULL, CKF_FOREVER) == CKF_OK);
    ckf_context_cancel(context, 3);
    CHECK(ckf_context_status(context) == CKF_CANCELED && ckf_context_reason(context) == 3);
    ckf_context_release(context);
    if (use_a_channel(CKF_VARIANT_ATOMIC) != 0 || use_a_channel(CKF_VARIANT_MUTEX) != 0)
        return 1;
    puts("consumer is content");
    return 0;
}
