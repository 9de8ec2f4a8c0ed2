/* tests/test_channel_wrap.c - channels whose indices begin just below a wrap: of 64 bits, of 32 bits,
 * and of their signs.
 */
#include "channel_support.h"

#include <string.h>

#include "channel/core.h"

enum { LAPS_ACROSS = 700, ENDS = 2, EACH = 1500 };

static const uint64_t wraps[] = {0, UINT64_C(1) << 63, UINT64_C(1) << 32, UINT64_C(1) << 31};
static const uint64_t distances[] = {1, 4, 8, 64, 1024, 3000};
static const size_t sizes[] = {8, 24};

static struct ckf_channel *channel_near(enum ckf_variant variant, size_t capacity, size_t elem_size,
                                        uint64_t start)
{
    const struct ckf_channel_options options = {
        .variant = variant, .capacity = capacity, .elem_size = elem_size, .flags = promised_flags};
    struct ckf_channel *channel = NULL;
    assert_status(ckf_channel_create_at(&channel, &options, start), CKF_OK);
    return channel;
}

/* Fills and empties it until the wrap lies behind. */
static void pass_the_wrap(struct ckf_channel *channel, size_t elem_size)
{
    size_t capacity = ckf_channel_capacity(channel);
    uint64_t room = capacity == CKF_UNBOUNDED ? 9 : capacity, sent = 0, received = 0;
    unsigned char elem[24];
    while (received < LAPS_ACROSS * (room < 5 ? room : 5)) {
        for (; sent - received < room; sent++) {
            elem_fill(elem, elem_size, sent);
            assert_status(ckf_channel_try_send(channel, elem), CKF_OK);
            assert_int_equal(ckf_channel_len(channel), sent + 1 - received);
        }
        if (capacity != CKF_UNBOUNDED)
            assert_status(ckf_channel_try_send(channel, elem), CKF_AGAIN);
        for (uint64_t n = received % 3 == 0 ? room : room / 2 + 1; n > 0; n--, received++) {
            assert_status(ckf_channel_try_recv(channel, elem), CKF_OK);
            assert_true(elem_holds(elem, elem_size, received));
        }
    }
    for (; received < sent; received++) {
        assert_status(ckf_channel_try_recv(channel, elem), CKF_OK);
        assert_true(elem_holds(elem, elem_size, received));
    }
    assert_status(ckf_channel_try_recv(channel, elem), CKF_AGAIN);
}

enum { STARTS = COUNT_OF(wraps) * COUNT_OF(distances) };

static uint64_t start_number(size_t i)
{
    return wraps[i / COUNT_OF(distances)] - distances[i % COUNT_OF(distances)];
}

static void capacity_and_order_hold_across_the_wrap(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++)
            for (size_t i = 0; i < STARTS; i++) {
                struct ckf_channel *channel =
                    channel_near(VARIANT(state), capacities[c], sizes[s], start_number(i));
                pass_the_wrap(channel, sizes[s]);
                ckf_channel_destroy(channel);
            }
}

static void close_is_seen_at_every_distance_from_the_wrap(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (uint64_t before = 0; before < 12; before++) {
            struct ckf_channel *channel =
                channel_near(VARIANT(state), capacities[c], 8, UINT64_C(0) - 24);
            uint64_t left = capacities[c] < 3 ? capacities[c] : 3;
            for (uint64_t i = 0; i < before; i++) {
                assert_status(try_send_u64(channel, i), CKF_OK);
                assert_int_equal(try_recv_u64(channel), i);
            }
            for (uint64_t i = 0; i < left; i++)
                assert_status(try_send_u64(channel, i), CKF_OK);
            assert_status(ckf_channel_close(channel), CKF_OK);
            assert_status(try_send_u64(channel, 9), CKF_CLOSED);
            for (uint64_t i = 0; i < left; i++)
                assert_int_equal(try_recv_u64(channel), i);
            assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
            ckf_channel_destroy(channel);
        }
}

struct crossing {
    struct ckf_channel *channel;
    size_t elem_size;
    unsigned number;
    atomic_uchar *seen; /* [ENDS][EACH] */
    struct test_thread thread;
};

static int send_across(void *arg)
{
    struct crossing *me = arg;
    for (uint64_t i = 0; i < ROUNDS(EACH); i++) {
        unsigned char elem[24];
        elem_fill(elem, me->elem_size, (uint64_t)me->number << 16 | i);
        ENSURE(ckf_channel_send(me->channel, elem) == CKF_OK);
    }
    return 0;
}

static int receive_across(void *arg)
{
    struct crossing *me = arg;
    int64_t last[ENDS] = {-1, -1};
    unsigned char elem[24];
    while (ckf_channel_recv(me->channel, elem) == CKF_OK) {
        uint64_t number;
        ENSURE(elem_read(elem, me->elem_size, &number));
        unsigned sender = (unsigned)(number >> 16), i = number & 0xffff;
        ENSURE(sender < ENDS && i < EACH);
        ENSURE(atomic_fetch_add(&me->seen[sender * EACH + i], 1) == 0);
        ENSURE(last[sender] < (int64_t)i);
        last[sender] = i;
    }
    return 0;
}

static void traffic_crosses_the_wrap(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++)
            for (size_t w = 0; w < COUNT_OF(wraps); w++) {
                struct crossing people[2 * ENDS];
                atomic_uchar *seen = calloc(ENDS * EACH, sizeof *seen);
                struct ckf_channel *channel =
                    channel_near(VARIANT(state), capacities[c], sizes[s], wraps[w] - 1024);
                assert_non_null(seen);
                for (unsigned i = 0; i < 2 * ENDS; i++) {
                    people[i] = (struct crossing){channel, sizes[s], i % ENDS, seen, {0}};
                    thread_start(&people[i].thread, i < ENDS ? send_across : receive_across,
                                 &people[i]);
                }
                for (int i = 0; i < ENDS; i++)
                    assert_int_equal(thread_join(&people[i].thread), 0);
                assert_status(ckf_channel_close(channel), CKF_OK);
                for (int i = ENDS; i < 2 * ENDS; i++)
                    assert_int_equal(thread_join(&people[i].thread), 0);
                for (unsigned n = 0; n < ENDS * EACH; n++)
                    assert_int_equal(atomic_load(&seen[n]), n % EACH < ROUNDS(EACH));
                ckf_channel_destroy(channel);
                free(seen);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS_AND_PROMISED(capacity_and_order_hold_across_the_wrap),
        BOTH_VARIANTS_AND_PROMISED(close_is_seen_at_every_distance_from_the_wrap),
        BOTH_VARIANTS(traffic_crosses_the_wrap),
    };
    return cmocka_run_group_tests_name("channel_wrap", tests, NULL, NULL);
}
