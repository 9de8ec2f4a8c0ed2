/* examples/context.c - contexts: one cancel ends every call that waits below it.
 *
 * A request has a context; its parts have children of that. A part waits for a message that never
 * comes. Cancelling the request wakes it at once, and a hook cleans up exactly once. A second part
 * has a deadline of its own and ends first.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <ck_filter/channel.h>
#include <ck_filter/context.h>

struct part {
    struct ckf_context *context;
    struct ckf_channel *messages;
    enum ckf_status ended;
};

static void check(enum ckf_status status, const char *what)
{
    if (status == CKF_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ckf_status_name(status));
    exit(1);
}

static void *wait_for_message(void *arg)
{
    struct part *part = arg;
    part->ended = ckf_channel_recv_until(part->messages, NULL, CKF_FOREVER, part->context);
    return NULL;
}

static void clean_up(void *arg)
{
    ++*(int *)arg;
}

int main(void)
{
    struct ckf_context *request;
    struct ckf_channel *messages;
    struct part slow = {0}, hasty = {0};
    struct ckf_channel_options options = {.name = "messages"}; /* capacity 0: a rendezvous */
    pthread_t slow_thread, hasty_thread;
    int clean_ups = 0;
    check(ckf_context_create(&request, NULL, CKF_FOREVER), "ckf_context_create");
    check(ckf_channel_create(&messages, &options), "ckf_channel_create");
    check(ckf_context_on_done(request, clean_up, &clean_ups, NULL), "ckf_context_on_done");

    slow.messages = hasty.messages = messages;
    check(ckf_context_create(&slow.context, request, CKF_FOREVER), "ckf_context_create");
    check(ckf_context_create(&hasty.context, request, ckf_deadline_after_ns(20 * 1000 * 1000)),
          "ckf_context_create");
    if (pthread_create(&slow_thread, NULL, wait_for_message, &slow) != 0 ||
        pthread_create(&hasty_thread, NULL, wait_for_message, &hasty) != 0)
        return 1;

    pthread_join(hasty_thread, NULL);
    printf("the part with a deadline: %s\n", ckf_status_name(hasty.ended));
    ckf_context_cancel(request, 1);
    pthread_join(slow_thread, NULL);
    printf("the part without: %s, for reason %d; clean-ups: %d\n", ckf_status_name(slow.ended),
           ckf_context_reason(slow.context), clean_ups);

    ckf_context_release(hasty.context);
    ckf_context_release(slow.context);
    ckf_context_release(request);
    ckf_channel_destroy(messages);
    return hasty.ended == CKF_TIMED_OUT && slow.ended == CKF_CANCELED && clean_ups == 1 ? 0 : 1;
}
