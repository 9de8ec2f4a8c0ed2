/* tests/test_channel_waiters.c - calls that sleep in channels, as the list of waiters shows them. */
#include "channel_support.h"

#include <string.h>
#include <unistd.h>

#include <ck_filter/waiters.h>

/* The entries of one thread. */
struct listing {
    uint64_t thread_id;
    unsigned count;
    char object[16], operation[16], names[64];
    int64_t since_ns;
};

static bool note_entry(const struct ckf_waiter *waiter, void *arg)
{
    struct listing *listing = arg;
    if (waiter->thread_id != listing->thread_id)
        return true;
    listing->count++;
    listing->since_ns = waiter->since_ns;
    snprintf(listing->object, sizeof listing->object, "%s", waiter->object);
    snprintf(listing->operation, sizeof listing->operation, "%s", waiter->operation);
    size_t length = strlen(listing->names);
    snprintf(listing->names + length, sizeof listing->names - length, "%s,", waiter->name);
    return true;
}

static struct listing listing_of(const struct test_thread *thread)
{
    struct listing listing = {.thread_id = (uint64_t)thread->tid};
    assert_status(ckf_waiters_for_each(note_entry, &listing), CKF_OK);
    return listing;
}

static struct ckf_channel *named(enum ckf_variant variant, const char *name, size_t capacity)
{
    char copied[32];
    snprintf(copied, sizeof copied, "%s", name);
    struct ckf_channel *channel = channel_with((struct ckf_channel_options){
        .name = copied, .variant = variant, .capacity = capacity, .elem_size = 8});
    memset(copied, 'x', sizeof copied - 1);
    return channel;
}

static void a_sleeping_call_is_listed_until_it_ends(void **state)
{
    static const char *const sends[] = {"send", NULL, "send_until", "send_many", "select"};
    static const char *const receives[] = {"recv", NULL, "recv_until", "recv_many", "select"};
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < WAITING_KINDS; k++)
            for (int d = 0; d < 2; d++) {
                enum ckf_direction direction = (enum ckf_direction)d;
                if (direction == CKF_SEND && capacities[c] == CKF_UNBOUNDED)
                    continue;
                struct ckf_channel *channel = named(VARIANT(state), "jobs", capacities[c]);
                struct caller sleeper;
                int64_t before_ns = clock_ns();
                if (direction == CKF_SEND) {
                    for (uint64_t i = 0; i < capacities[c]; i++)
                        assert_status(try_send_u64(channel, i), CKF_OK);
                    sender_asleep(&sleeper, channel, waiting_kinds[k], 1);
                } else {
                    receiver_asleep(&sleeper, channel, waiting_kinds[k]);
                }
                struct listing listing = listing_of(&sleeper.thread);
                assert_int_equal(listing.count, 1);
                assert_string_equal(listing.object, "channel");
                assert_string_equal(listing.names, "jobs,");
                assert_string_equal(listing.operation,
                                    (direction == CKF_SEND ? sends : receives)[waiting_kinds[k]]);
                assert_true(listing.since_ns >= before_ns && listing.since_ns <= clock_ns());
                assert_status(ckf_channel_close(channel), CKF_OK);
                assert_status(caller_join(&sleeper), CKF_CLOSED);
                assert_int_equal(listing_of(&sleeper.thread).count, 0);
                ckf_channel_destroy(channel);
            }
}

static void a_channel_without_a_name_is_listed_with_an_empty_one(void **state)
{
    struct ckf_channel *channel =
        channel_with((struct ckf_channel_options){.variant = VARIANT(state), .elem_size = 8});
    struct caller sleeper;
    receiver_asleep(&sleeper, channel, CALL_PLAIN);
    assert_string_equal(listing_of(&sleeper.thread).names, ",");
    assert_status(ckf_channel_close(channel), CKF_OK);
    assert_status(caller_join(&sleeper), CKF_CLOSED);
    ckf_channel_destroy(channel);
}

struct selecting {
    struct test_thread thread;
    struct ckf_select_case cases[4];
    size_t chosen;
};

static int select_body(void *arg)
{
    struct selecting *me = arg;
    return ckf_select(me->cases, 4, &me->chosen, CKF_FOREVER, NULL);
}

static void a_select_is_listed_once_for_each_channel(void **state)
{
    struct ckf_channel *in = named(VARIANT(state), "in", 0);
    struct ckf_channel *quit = named(!VARIANT(state), "quit", 2);
    struct selecting sleeper = {.cases = {{in, CKF_RECV, NULL, CKF_OK},
                                          {quit, CKF_RECV, NULL, CKF_OK},
                                          {NULL, CKF_RECV, NULL, CKF_OK},
                                          {in, CKF_RECV, NULL, CKF_OK}}};
    thread_start(&sleeper.thread, select_body, &sleeper);
    await_sleep(&sleeper.thread);
    struct listing listing = listing_of(&sleeper.thread);
    assert_int_equal(listing.count, 2);
    assert_string_equal(listing.operation, "select");
    assert_true(strcmp(listing.names, "in,quit,") == 0 || strcmp(listing.names, "quit,in,") == 0);
    assert_status(send_u64(quit, 1), CKF_OK);
    assert_int_equal(thread_join(&sleeper.thread), CKF_OK);
    assert_int_equal(listing_of(&sleeper.thread).count, 0);
    ckf_channel_destroy(in);
    ckf_channel_destroy(quit);
}

static void a_dump_counts_a_select_once_for_channels_of_one_name(void **state)
{
    struct ckf_channel *pair[] = {named(VARIANT(state), "pair", 0),
                                  named(VARIANT(state), "pair", 2)};
    struct selecting sleeper = {
        .cases = {{pair[0], CKF_RECV, NULL, CKF_OK}, {pair[1], CKF_RECV, NULL, CKF_OK}}};
    char text[512] = "";
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    thread_start(&sleeper.thread, select_body, &sleeper);
    await_sleep(&sleeper.thread);
    assert_status(ckf_waiters_dump(ends[1], CKF_DUMP_GROUPED), CKF_OK);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    assert_int_equal(strncmp(text, "1 thread waits", strlen("1 thread waits")), 0);
    assert_status(send_u64(pair[1], 1), CKF_OK);
    assert_int_equal(thread_join(&sleeper.thread), CKF_OK);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        ckf_channel_destroy(pair[i]);
    }
}

static void a_thread_that_nobody_will_receive_from_is_a_leak(void **state)
{
    for (int c = 0; c < 2; c++) {
        struct ckf_leak_baseline *baseline;
        struct ckf_channel *channel = named(VARIANT(state), "leaky", capacities[c]);
        struct caller sleeper;
        assert_status(ckf_leak_baseline_take(&baseline), CKF_OK);
        if (capacities[c] > 0)
            assert_status(send_u64(channel, 1), CKF_OK); /* the buffer hides it this far */
        assert_status(ckf_leak_baseline_check(baseline, CKF_NOW, NULL, NULL), CKF_OK);
        sender_asleep(&sleeper, channel, CALL_PLAIN, 2);
        struct listing listing = {.thread_id = (uint64_t)sleeper.thread.tid};
        assert_status(ckf_leak_baseline_check(baseline, CKF_NOW, note_entry, &listing), CKF_BUSY);
        assert_int_equal(listing.count, 1);
        assert_string_equal(listing.names, "leaky,");
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_status(caller_join(&sleeper), CKF_CLOSED);
        assert_status(
            ckf_leak_baseline_check(baseline, ckf_deadline_after_ns(PATIENCE_NS), NULL, NULL),
            CKF_OK);
        ckf_leak_baseline_destroy(baseline);
        ckf_channel_destroy(channel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS_AND_PROMISED(a_sleeping_call_is_listed_until_it_ends),
        BOTH_VARIANTS_AND_PROMISED(a_channel_without_a_name_is_listed_with_an_empty_one),
        BOTH_VARIANTS_AND_PROMISED(a_select_is_listed_once_for_each_channel),
        BOTH_VARIANTS_AND_PROMISED(a_dump_counts_a_select_once_for_channels_of_one_name),
        BOTH_VARIANTS_AND_PROMISED(a_thread_that_nobody_will_receive_from_is_a_leak),
    };
    return cmocka_run_group_tests_name("channel_waiters", tests, NULL, NULL);
}
