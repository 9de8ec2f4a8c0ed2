/* stress/cases/channel_pairs.c - two callers, so few calls that all their schedules with two preemptions and all weak
 * reads are gone through: what longer histories of three callers mix, two by two.
 *
 * Oracle: the calls have an order.
 */
#include "channel_history.h"

#include <ck_filter/stress.h>

#define PAIR_CASE(name, case_id, case_title, how_many, ...)                                        \
    static const struct channel_scene name = {.channels = (how_many), __VA_ARGS__};                \
    CHANNEL_HISTORY_OF(name) = CHANNEL_SPECIFICATION(how_many, &name.shapes);                      \
    CKF_STRESS_CASE(name##_case) = {                                                               \
        .id = case_id,                                                                             \
        CHANNEL_HISTORY_CASE_OF(name, 2),                                                          \
        .title = case_title,                                                                       \
        .operations = {NULL, &mutex_channel, &atomic_channel},                                     \
    }
#define ONE_PLACE                                                                                  \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                .capacity = 1                                                                      \
            }                                                                                      \
        }                                                                                          \
    }

/* --- one channel --- */

PAIR_CASE(tries, "channel-pair-tries", "two tries to send, and a try to receive", 1,
          .shapes = ONE_PLACE,
          .scripts = {{CALL(TRY_SEND, 1, 0)}, {CALL(TRY_SEND, 2, 0), CALL(TRY_RECV, 0, 0)}});
PAIR_CASE(try_and_close, "channel-pair-try-close", "tries to send and to receive meet a close", 1,
          .shapes = ONE_PLACE,
          .scripts = {{CALL(TRY_SEND, 1, 0), CALL(TRY_RECV, 0, 0)},
                      {CALL(CLOSE, 0, 0), CALL(IS_CLOSED, 0, 0)}});
PAIR_CASE(receives, "channel-pair-receives", "two receives, and one element", 1,
          .shapes = ONE_PLACE, .before = {1},
          .scripts = {{CALL(RECV_WITHIN, 0, 0)}, {CALL(TRY_RECV, 0, 0)}});
PAIR_CASE(receive, "channel-pair-receive", "a receive that waits meets a send", 1,
          .shapes = ONE_PLACE, .scripts = {{CALL(RECV, 0, 0)}, {CALL(SEND, 1, 0)}});
PAIR_CASE(receive_try, "channel-pair-receive-try", "a receive that waits meets a try to send", 1,
          .shapes = ONE_PLACE,
          .scripts = {{CALL(RECV_WITHIN, 0, 0)}, {CALL(TRY_SEND, 1, 0), CALL(LEN, 0, 0)}});
PAIR_CASE(send_try, "channel-pair-send-try", "a send that waits for room meets a try to receive", 1,
          .shapes = ONE_PLACE, .before = {1},
          .scripts = {{CALL(SEND, 2, 0)}, {CALL(TRY_RECV, 0, 0)}});
PAIR_CASE(send_and_close, "channel-pair-send-close", "a send that waits for room meets a close", 1,
          .shapes = ONE_PLACE, .before = {1}, .scripts = {{CALL(SEND, 2, 0)}, {CALL(CLOSE, 0, 0)}});
PAIR_CASE(receive_and_close, "channel-pair-receive-close", "a receive that waits meets a close", 1,
          .shapes = ONE_PLACE, .scripts = {{CALL(RECV, 0, 0)}, {CALL(CLOSE, 0, 0)}});
PAIR_CASE(deadlines, "channel-pair-deadlines", "a send and a receive until their deadlines", 1,
          .shapes = ONE_PLACE, .before = {1},
          .scripts = {{CALL(SEND_WITHIN, 2, 0)}, {CALL(RECV_WITHIN, 0, 0)}});
PAIR_CASE(closes, "channel-pair-closes", "two closes", 1, .shapes = ONE_PLACE,
          .scripts = {{CALL(CLOSE, 0, 0)}, {CALL(CLOSE, 0, 0), CALL(IS_CLOSED, 0, 0)}});
PAIR_CASE(batches, "channel-pair-batches", "a batch sent meets a batch received", 1,
          .shapes = {{{.capacity = 2}}},
          .scripts = {{CALL(SEND_MANY, 1, 0)}, {CALL(RECV_MANY, 0, 0)}});
PAIR_CASE(batch_sent, "channel-pair-batch-sent", "a batch sent meets a try to receive", 1,
          .shapes = {{{.capacity = 2}}},
          .scripts = {{CALL(SEND_MANY, 1, 0)}, {CALL(TRY_RECV, 0, 0)}});
PAIR_CASE(meeting, "channel-pair-meeting", "a send and a receive without any room", 1,
          .shapes = {{{.capacity = 0}}}, .scripts = {{CALL(SEND, 1, 0)}, {CALL(RECV, 0, 0)}});

/* --- ends that are counted --- */

PAIR_CASE(producers_done, "channel-pair-producers-done", "two producers are done", 1,
          .shapes = {{{.capacity = 1, .producers = 2}}},
          .scripts = {{CALL(TRY_SEND, 1, 0), CALL(PRODUCER_DONE, 0, 0)},
                      {CALL(PRODUCER_DONE, 0, 0), CALL(IS_CLOSED, 0, 0)}});
PAIR_CASE(consumers_done, "channel-pair-consumers-done", "two consumers are done", 1,
          .shapes = {{{.capacity = 1, .consumers = 2}}},
          .scripts = {{CALL(CONSUMER_DONE, 0, 0)},
                      {CALL(CONSUMER_DONE, 0, 0), CALL(TRY_SEND, 1, 0)}});

/* --- selects --- */

PAIR_CASE(select_try, "channel-pair-select-try", "a select that does not wait meets a try to send",
          2, .shapes = {{{.capacity = 1}, {.capacity = 1}}},
          .scripts = {{CALL(SELECT, 0, 0)}, {CALL(TRY_SEND, 1, 1)}});
PAIR_CASE(select_send, "channel-pair-select-send", "a select that waits meets a send", 2,
          .shapes = {{{.capacity = 1}, {.capacity = 1}}},
          .scripts = {{SELECT_THAT_WAITS(0, 0)}, {CALL(SEND, 1, 1)}});
PAIR_CASE(select_close, "channel-pair-select-close", "a select that waits meets a close", 2,
          .shapes = {{{.capacity = 1}, {.capacity = 1}}},
          .scripts = {{SELECT_THAT_WAITS(0, 0)}, {CALL(CLOSE, 0, 1)}});
