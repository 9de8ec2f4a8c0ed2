/* tests/test_channel_stress.c - promises of the channel that only contention can break: exactly
 * once, one order, truthful CKF_AGAIN, close and destroy among calls in flight, wake-ups that nobody
 * steals, and progress past a stopped thread.
 */
#include "channel_support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <ck_filter/context.h>

static void fill(struct ckf_channel *channel)
{
    for (uint64_t i = 0; i < ckf_channel_capacity(channel); i++)
        assert_status(try_send_u64(channel, i), CKF_OK);
}

/* ---- exactly once, in order ---- */

enum { ENDS = 3, MOST_EACH = 2000, BATCH = 5 };

/* Producers number their elements; consumers tick them off and look at the order. */
struct traffic {
    struct ckf_channel *channel;
    size_t elem_size;
    unsigned each;       /* elements a producer */
    int kind;            /* an enum call_kind, or MIXED */
    int64_t patience_ns; /* of one call: CKF_FOREVER, or a short time after which it retries */
    bool until_closed;   /* producers stop when somebody closes */
    atomic_uint accepted, received;
    atomic_uchar seen[ENDS][MOST_EACH];
};

enum { MIXED = CALL_KINDS };

struct actor {
    struct traffic *traffic;
    unsigned number;
    uint32_t seed;
    pthread_mutex_t lock; /* of context, which the canceller uses too */
    struct ckf_context *context;
    struct test_thread thread;
};

static enum call_kind kind_of(struct actor *me)
{
    return me->traffic->kind == MIXED ? random_u32(&me->seed) % CALL_KINDS
                                      : (enum call_kind)me->traffic->kind;
}

static int64_t deadline_of(const struct traffic *traffic)
{
    return traffic->patience_ns == CKF_FOREVER ? CKF_FOREVER
                                               : ckf_deadline_after_ns(traffic->patience_ns);
}

static bool may_be_repeated(enum ckf_status status)
{
    return status == CKF_AGAIN || status == CKF_TIMED_OUT || status == CKF_CANCELED;
}

/* Sends the elements from first on; *done tells how many. */
static enum ckf_status send_some(struct actor *me, unsigned first, unsigned *done)
{
    struct traffic *traffic = me->traffic;
    enum call_kind kind = kind_of(me);
    static _Thread_local unsigned char elems[BATCH * MAX_ELEM];
    unsigned count = kind == CALL_MANY ? BATCH : 1;
    if (count > traffic->each - first)
        count = traffic->each - first;
    for (unsigned i = 0; i < count; i++)
        elem_fill(elems + i * traffic->elem_size, traffic->elem_size,
                  (uint64_t)me->number << 16 | (first + i));
    enum ckf_status status;
    if (kind == CALL_MANY) {
        size_t moved;
        status = ckf_channel_send_many(traffic->channel, elems, count, &moved, deadline_of(traffic),
                                       me->context);
        *done = (unsigned)moved;
    } else {
        status = send_by(kind, traffic->channel, elems, deadline_of(traffic), me->context);
        *done = status == CKF_OK;
    }
    return status;
}

static int produce(void *arg)
{
    struct actor *me = arg;
    struct traffic *traffic = me->traffic;
    for (unsigned sent = 0; sent < traffic->each;) {
        unsigned done = 0;
        enum ckf_status status = send_some(me, sent, &done);
        if (status == CKF_CLOSED && traffic->until_closed)
            return 0;
        ENSURE(status == CKF_OK || (may_be_repeated(status) && done == 0));
        ENSURE((status == CKF_OK) == (done > 0));
        if (status == CKF_AGAIN)
            give_way();
        sent += done;
        atomic_fetch_add(&traffic->accepted, done);
    }
    if (!traffic->until_closed)
        ckf_channel_producer_done(traffic->channel);
    return 0;
}

static enum ckf_status receive_some(struct actor *me, unsigned char *elems, size_t *count)
{
    struct traffic *traffic = me->traffic;
    enum call_kind kind = kind_of(me);
    if (kind == CALL_MANY)
        return ckf_channel_recv_many(traffic->channel, elems, BATCH, count, deadline_of(traffic),
                                     me->context);
    enum ckf_status status =
        recv_by(kind, traffic->channel, elems, deadline_of(traffic), me->context);
    *count = status == CKF_OK;
    return status;
}

static int consume(void *arg)
{
    struct actor *me = arg;
    struct traffic *traffic = me->traffic;
    static _Thread_local unsigned char elems[BATCH * MAX_ELEM];
    int64_t last[ENDS] = {-1, -1, -1};
    for (;;) {
        size_t count = 99;
        enum ckf_status status = receive_some(me, elems, &count);
        ENSURE(status == CKF_OK || status == CKF_CLOSED || may_be_repeated(status));
        ENSURE((status == CKF_OK) == (count > 0));
        if (status == CKF_CLOSED)
            return 0;
        if (status == CKF_AGAIN)
            give_way();
        for (size_t i = 0; i < count; i++) {
            uint64_t number;
            ENSURE(elem_read(elems + i * traffic->elem_size, traffic->elem_size, &number));
            unsigned producer = (unsigned)(number >> 16), sequence = number & 0xffff;
            ENSURE(producer < ENDS && sequence < traffic->each);
            ENSURE(atomic_fetch_add(&traffic->seen[producer][sequence], 1) == 0);
            ENSURE(last[producer] < (int64_t)sequence);
            last[producer] = sequence;
        }
        atomic_fetch_add(&traffic->received, (unsigned)count);
    }
}

static struct traffic *traffic_on(struct ckf_channel *channel, size_t elem_size, int kind,
                                  unsigned each)
{
    struct traffic *traffic = calloc(1, sizeof *traffic);
    assert_non_null(traffic);
    traffic->channel = channel;
    traffic->elem_size = elem_size;
    traffic->each = ROUNDS(each);
    traffic->kind = kind;
    traffic->patience_ns = CKF_FOREVER;
    return traffic;
}

/* The first producers of the actors, then consumers. */
static void actors_start(struct actor *actors, unsigned producers, unsigned consumers,
                         struct traffic *traffic)
{
    for (unsigned i = 0; i < producers + consumers; i++) {
        actors[i].traffic = traffic;
        actors[i].number = i < producers ? i : i - producers;
        actors[i].seed = i + 1;
        thread_start(&actors[i].thread, i < producers ? produce : consume, &actors[i]);
    }
}

static void actors_join(struct actor *actors, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(thread_join(&actors[i].thread), 0);
}

static void traffic_end(struct traffic *traffic)
{
    assert_int_equal(atomic_load(&traffic->received), atomic_load(&traffic->accepted));
    assert_int_equal(ckf_channel_len(traffic->channel), 0);
    ckf_channel_destroy(traffic->channel);
    free(traffic);
}

static struct ckf_channel *counted(enum ckf_variant variant, size_t capacity, size_t elem_size,
                                   unsigned producers, unsigned flags)
{
    return channel_with((struct ckf_channel_options){.variant = variant,
                                                     .capacity = capacity,
                                                     .elem_size = elem_size,
                                                     .producers = producers,
                                                     .flags = flags});
}

static void run_traffic(enum ckf_variant variant, size_t capacity, size_t elem_size, int kind,
                        int64_t patience_ns, unsigned each)
{
    struct actor actors[2 * ENDS] = {0};
    struct traffic *traffic =
        traffic_on(counted(variant, capacity, elem_size, ENDS, 0), elem_size, kind, each);
    traffic->patience_ns = patience_ns;
    actors_start(actors, ENDS, ENDS, traffic);
    actors_join(actors, 2 * ENDS);
    assert_int_equal(atomic_load(&traffic->accepted), ENDS * traffic->each);
    traffic_end(traffic);
}

static void every_element_arrives_once_and_in_its_producers_order(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 1; e < ELEM_SIZES; e++)
            run_traffic(VARIANT(state), capacities[c], elem_sizes[e], CALL_PLAIN, CKF_FOREVER,
                        elem_sizes[e] > 1000 ? 200 : 800);
}

static void every_way_to_call_may_be_mixed(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 2; e < 4; e++)
            run_traffic(VARIANT(state), capacities[c], elem_sizes[e], MIXED, CKF_FOREVER, 500);
}

static void calls_that_time_out_lose_and_double_nothing(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++)
            run_traffic(VARIANT(state), capacities[c], k == 0 ? 24 : 8, (int)timed_kinds[k], 15000,
                        250);
}

static void try_calls_alone_move_everything(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (int e = 2; e < 4; e++)
            run_traffic(VARIANT(state), capacities[c], elem_sizes[e], CALL_TRY, CKF_FOREVER, 500);
}

static int cancel_at_random(void *arg)
{
    struct actor *actors = arg;
    struct traffic *traffic = actors[0].traffic;
    uint32_t seed = 77;
    while (atomic_load(&traffic->received) < ENDS * traffic->each) {
        struct actor *victim = &actors[random_u32(&seed) % (2 * ENDS)];
        pthread_mutex_lock(&victim->lock);
        struct ckf_context *context = ckf_context_retain(victim->context);
        pthread_mutex_unlock(&victim->lock);
        ckf_context_cancel(context, 0);
        ckf_context_release(context);
        spin_ns(random_u32(&seed) % 20000);
    }
    return 0;
}

/* One call with a fresh context each time, so that cancel meets every moment of a call. */
static int with_fresh_context(struct actor *me)
{
    struct ckf_context *fresh, *old;
    ENSURE(ckf_context_create(&fresh, NULL, CKF_FOREVER) == CKF_OK);
    pthread_mutex_lock(&me->lock);
    old = me->context;
    me->context = fresh;
    pthread_mutex_unlock(&me->lock);
    ckf_context_release(old);
    return 0;
}

static int produce_canceled(void *arg)
{
    struct actor *me = arg;
    for (unsigned sent = 0; sent < me->traffic->each;) {
        unsigned done = 0;
        enum ckf_status status = send_some(me, sent, &done);
        ENSURE(status == CKF_OK || status == CKF_CANCELED);
        ENSURE((status == CKF_OK) == (done > 0));
        sent += done;
        atomic_fetch_add(&me->traffic->accepted, done);
        if (status == CKF_CANCELED)
            ENSURE(with_fresh_context(me) == 0);
    }
    return 0;
}

static int consume_canceled(void *arg)
{
    struct actor *me = arg;
    struct traffic *traffic = me->traffic;
    unsigned char elems[BATCH * 24];
    for (;;) {
        size_t count = 99;
        enum ckf_status status = receive_some(me, elems, &count);
        if (status == CKF_CLOSED)
            return 0;
        ENSURE(status == CKF_OK || status == CKF_CANCELED);
        if (status == CKF_CANCELED)
            ENSURE(with_fresh_context(me) == 0);
        for (size_t i = 0; i < count; i++) {
            uint64_t number;
            ENSURE(elem_read(elems + i * traffic->elem_size, traffic->elem_size, &number));
            ENSURE(atomic_fetch_add(&traffic->seen[number >> 16][number & 0xffff], 1) == 0);
        }
        atomic_fetch_add(&traffic->received, (unsigned)count);
    }
}

static void calls_that_are_canceled_lose_and_double_nothing(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 24);
            struct traffic *traffic = traffic_on(channel, 24, (int)timed_kinds[k], 300);
            struct actor actors[2 * ENDS] = {0};
            struct test_thread canceller;
            for (unsigned i = 0; i < 2 * ENDS; i++) {
                actors[i].traffic = traffic;
                actors[i].number = i % ENDS;
                actors[i].seed = i + 1;
                pthread_mutex_init(&actors[i].lock, NULL);
                assert_status(ckf_context_create(&actors[i].context, NULL, CKF_FOREVER), CKF_OK);
            }
            for (unsigned i = 0; i < 2 * ENDS; i++)
                thread_start(&actors[i].thread, i < ENDS ? produce_canceled : consume_canceled,
                             &actors[i]);
            thread_start(&canceller, cancel_at_random, actors);
            actors_join(actors, ENDS);
            assert_status(ckf_channel_close(channel), CKF_OK);
            actors_join(actors + ENDS, ENDS);
            thread_join(&canceller);
            for (unsigned i = 0; i < 2 * ENDS; i++) {
                ckf_context_release(actors[i].context);
                pthread_mutex_destroy(&actors[i].lock);
            }
            traffic_end(traffic);
        }
}

static void single_ends_as_promised_keep_order(void **state)
{
    const struct {
        unsigned flags, producers, consumers;
    } shapes[] = {{CKF_CHANNEL_SINGLE_PRODUCER, 1, ENDS},
                  {CKF_CHANNEL_SINGLE_CONSUMER, ENDS, 1},
                  {CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER, 1, 1}};
    for (int c = 0; c < CAPACITIES; c++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++)
            for (int kind = CALL_PLAIN; kind <= MIXED; kind += MIXED) {
                struct actor actors[2 * ENDS] = {0};
                struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 24,
                                                      shapes[s].producers, shapes[s].flags);
                struct traffic *traffic = traffic_on(channel, 24, kind, 600);
                actors_start(actors, shapes[s].producers, shapes[s].consumers, traffic);
                actors_join(actors, shapes[s].producers + shapes[s].consumers);
                assert_int_equal(atomic_load(&traffic->accepted),
                                 shapes[s].producers * traffic->each);
                traffic_end(traffic);
            }
}

struct bytes {
    struct ckf_channel *channel;
    unsigned count;
};

static int send_bytes(void *arg)
{
    struct bytes *bytes = arg;
    for (unsigned i = 0; i < bytes->count; i++) {
        unsigned char byte = (unsigned char)i;
        ENSURE(ckf_channel_send(bytes->channel, &byte) == CKF_OK);
    }
    return ckf_channel_close(bytes->channel);
}

static void elements_of_one_byte_keep_their_order(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct bytes bytes = {channel_of(VARIANT(state), capacities[c], 1), ROUNDS(3000)};
        struct test_thread sender;
        unsigned char byte = 0;
        thread_start(&sender, send_bytes, &bytes);
        unsigned received = 0;
        for (; ckf_channel_recv(bytes.channel, &byte) == CKF_OK; received++)
            assert_int_equal(byte, received & 0xff);
        assert_int_equal(received, bytes.count);
        assert_int_equal(thread_join(&sender), CKF_OK);
        ckf_channel_destroy(bytes.channel);
    }
}

/* ---- one order for all: a history is checked against it ---- */

enum { HISTORY_EACH = 60, HISTORY = ENDS * HISTORY_EACH, MISSES = 256 };

/* Moments of a logical clock around the call that sent an element and the one that received it. */
struct span {
    uint64_t start, end;
};

struct history {
    struct ckf_channel *channel;
    size_t elem_size;
    atomic_uint_fast64_t clock;
    atomic_uint received;
    struct span sent[HISTORY], got[HISTORY];
    struct span missed[ENDS][MISSES]; /* try_recv that answered CKF_AGAIN */
    unsigned misses[ENDS];
};

struct historian {
    struct history *history;
    unsigned number;
    uint32_t seed;
    struct test_thread thread;
};

static int send_for_history(void *arg)
{
    struct historian *me = arg;
    struct history *history = me->history;
    for (unsigned i = 0; i < HISTORY_EACH; i++) {
        unsigned char elem[24];
        unsigned number = me->number * HISTORY_EACH + i;
        struct span *span = &history->sent[number];
        elem_fill(elem, history->elem_size, number);
        enum call_kind kind = random_u32(&me->seed) % 2 ? CALL_PLAIN : CALL_SELECT;
        span->start = atomic_fetch_add(&history->clock, 1);
        ENSURE(send_by(kind, history->channel, elem, CKF_FOREVER, NULL) == CKF_OK);
        span->end = atomic_fetch_add(&history->clock, 1);
        if (random_u32(&me->seed) % 8 == 0)
            give_way();
    }
    return 0;
}

static int receive_for_history(void *arg)
{
    struct historian *me = arg;
    struct history *history = me->history;
    while (atomic_load(&history->received) < HISTORY) {
        unsigned char elem[24];
        uint64_t number;
        struct span span;
        /* a short wait, so that nobody waits for ever for the last one */
        enum call_kind kind = random_u32(&me->seed) % 2 ? CALL_TRY : CALL_UNTIL;
        span.start = atomic_fetch_add(&history->clock, 1);
        enum ckf_status status =
            recv_by(kind, history->channel, elem, ckf_deadline_after_ns(50000), NULL);
        span.end = atomic_fetch_add(&history->clock, 1);
        if (status == CKF_OK) {
            ENSURE(elem_read(elem, history->elem_size, &number) && number < HISTORY);
            history->got[number] = span;
            atomic_fetch_add(&history->received, 1);
        } else if (status == CKF_AGAIN) {
            if (history->misses[me->number] < MISSES)
                history->missed[me->number][history->misses[me->number]++] = span;
            give_way();
        } else {
            ENSURE(status == CKF_TIMED_OUT);
        }
    }
    return 0;
}

static void assert_history_is_fifo(const struct history *history)
{
    for (unsigned a = 0; a < HISTORY; a++)
        for (unsigned b = 0; b < HISTORY; b++)
            if (history->sent[a].end < history->sent[b].start &&
                history->got[b].end < history->got[a].start)
                fail_msg("%u was sent before %u and received after it", a, b);
}

/* Rendezvous excepted: a sender that waits has not been accepted. */
static void assert_misses_are_true(const struct history *history)
{
    for (unsigned m = 0; m < ENDS; m++)
        for (unsigned i = 0; i < history->misses[m]; i++)
            for (unsigned a = 0; a < HISTORY; a++)
                if (history->sent[a].end < history->missed[m][i].start &&
                    history->missed[m][i].end < history->got[a].start)
                    fail_msg("a try_recv answered CKF_AGAIN while element %u lay there", a);
}

static void all_producers_and_consumers_see_one_order(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 2; e < 4; e++)
            for (int round = 0; round < ROUNDS(16); round++) {
                struct history *history = calloc(1, sizeof *history);
                struct historian people[2 * ENDS];
                assert_non_null(history);
                history->elem_size = elem_sizes[e];
                history->channel = channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
                for (unsigned i = 0; i < 2 * ENDS; i++) {
                    people[i] =
                        (struct historian){history, i % ENDS, i + 1 + 100 * (unsigned)round, {0}};
                    thread_start(&people[i].thread,
                                 i < ENDS ? send_for_history : receive_for_history, &people[i]);
                }
                for (int i = 0; i < 2 * ENDS; i++)
                    assert_int_equal(thread_join(&people[i].thread), 0);
                assert_history_is_fifo(history);
                if (capacities[c] > 0)
                    assert_misses_are_true(history);
                ckf_channel_destroy(history->channel);
                free(history);
            }
}

/* ---- CKF_AGAIN is truthful ---- */

/* Each actor puts one element in and takes one out. With as many actors as the capacity there is
 * always room for an actor that has nothing in, and an element for one that has. */
struct juggler {
    struct ckf_channel *channel;
    enum call_kind kind;
    struct test_thread thread;
};

static int juggle(void *arg)
{
    struct juggler *me = arg;
    for (int i = 0; i < ROUNDS(4000); i++) {
        unsigned char elem[MAX_ELEM] = {0};
        ENSURE(send_by(me->kind, me->channel, elem, CKF_NOW, NULL) == CKF_OK);
        ENSURE(recv_by(me->kind, me->channel, elem, CKF_NOW, NULL) == CKF_OK);
    }
    return 0;
}

static void again_is_answered_only_when_it_is_true(void **state)
{
    static const enum call_kind kinds[] = {CALL_TRY, CALL_UNTIL, CALL_MANY, CALL_SELECT};
    for (int c = 1; c < CAPACITIES; c++)
        for (int e = 2; e < 4; e++)
            for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                unsigned jugglers = capacities[c] < 4 ? (unsigned)capacities[c] : 4;
                struct juggler actors[4];
                struct ckf_channel *channel =
                    channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
                for (unsigned i = 0; i < jugglers; i++) {
                    actors[i].channel = channel;
                    actors[i].kind = kinds[k];
                    thread_start(&actors[i].thread, juggle, &actors[i]);
                }
                for (unsigned i = 0; i < jugglers; i++)
                    assert_int_equal(thread_join(&actors[i].thread), 0);
                assert_int_equal(ckf_channel_len(channel), 0);
                ckf_channel_destroy(channel);
            }
}

static int knock(void *arg)
{
    struct juggler *me = arg;
    for (int i = 0; i < ROUNDS(20000); i++) {
        uint64_t number = 1;
        ENSURE(send_by(me->kind, me->channel, &number, CKF_NOW, NULL) == CKF_AGAIN);
        ENSURE(recv_by(me->kind, me->channel, &number, CKF_NOW, NULL) == CKF_AGAIN);
    }
    return 0;
}

static void calls_that_do_not_wait_never_meet(void **state)
{
    static const enum call_kind kinds[] = {CALL_TRY, CALL_UNTIL, CALL_SELECT};
    struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
    struct juggler actors[COUNT_OF(kinds)];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        actors[i].channel = channel;
        actors[i].kind = kinds[i];
        thread_start(&actors[i].thread, knock, &actors[i]);
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(thread_join(&actors[i].thread), 0);
    ckf_channel_destroy(channel);
}

/* ---- close among calls in flight ---- */

struct one_send {
    struct ckf_channel *channel;
    enum call_kind kind;
    int64_t pause_ns;
    struct test_thread thread;
};

static int send_after_pause(void *arg)
{
    struct one_send *me = arg;
    const uint64_t number = 5;
    spin_ns(me->pause_ns);
    return send_by(me->kind, me->channel, &number, CKF_FOREVER, NULL);
}

static void a_send_races_close_and_is_accepted_or_refused(void **state)
{
    const int senders = promised_flags == 0 ? 2 : 1;
    uint32_t seed = 5;
    for (int c = 1; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(400); round++) {
            struct one_send sends[2];
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            unsigned accepted = 0, received = 0;
            for (int i = 0; i < senders; i++) {
                sends[i].channel = channel;
                sends[i].kind = random_u32(&seed) % CALL_KINDS;
                sends[i].pause_ns = random_u32(&seed) % 4000;
                thread_start(&sends[i].thread, send_after_pause, &sends[i]);
            }
            spin_ns(random_u32(&seed) % 4000);
            assert_status(ckf_channel_close(channel), CKF_OK);
            for (; try_recv_u64(channel) == 5; received++)
                ;
            /* closed and drained: nothing can come after this */
            assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
            for (int i = 0; i < senders; i++) {
                int status = thread_join(&sends[i].thread);
                assert_true(status == CKF_OK || status == CKF_CLOSED ||
                            (status == CKF_AGAIN && sends[i].kind == CALL_TRY));
                accepted += status == CKF_OK;
            }
            assert_int_equal(received, accepted);
            assert_int_equal(ckf_channel_len(channel), 0);
            ckf_channel_destroy(channel);
        }
}

static void close_in_the_middle_of_traffic_loses_nothing(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(24); round++) {
            struct actor actors[2 * ENDS] = {0};
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 24);
            struct traffic *traffic = traffic_on(channel, 24, MIXED, MOST_EACH);
            traffic->each = MOST_EACH;
            traffic->until_closed = true;
            actors_start(actors, ENDS, ENDS, traffic);
            while (atomic_load(&traffic->received) < 20u * (unsigned)round)
                give_way();
            assert_status(ckf_channel_close(channel), CKF_OK);
            actors_join(actors, 2 * ENDS);
            traffic_end(traffic);
        }
}

struct closer {
    struct ckf_channel *channel;
    pthread_barrier_t *together;
    struct test_thread thread;
};

static int close_together(void *arg)
{
    struct closer *me = arg;
    pthread_barrier_wait(me->together);
    enum ckf_status status = ckf_channel_close(me->channel);
    ENSURE(ckf_channel_is_closed(me->channel));
    return status;
}

static void one_of_many_closers_is_told_that_it_closed(void **state)
{
    enum { CLOSERS = 6 };
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(40); round++) {
            struct closer closers[CLOSERS];
            struct caller waiters[2];
            pthread_barrier_t together;
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            unsigned told = 0;
            pthread_barrier_init(&together, NULL, CLOSERS);
            caller_start(&waiters[0], channel, CKF_RECV, waiting_kinds[round % WAITING_KINDS]);
            caller_start(&waiters[1], channel, CKF_RECV, CALL_SELECT);
            for (int i = 0; i < CLOSERS; i++) {
                closers[i].channel = channel;
                closers[i].together = &together;
                thread_start(&closers[i].thread, close_together, &closers[i]);
            }
            for (int i = 0; i < CLOSERS; i++) {
                int status = thread_join(&closers[i].thread);
                assert_true(status == CKF_OK || status == CKF_ALREADY);
                told += status == CKF_OK;
            }
            assert_int_equal(told, 1);
            assert_status(caller_join(&waiters[0]), CKF_CLOSED);
            assert_status(caller_join(&waiters[1]), CKF_CLOSED);
            pthread_barrier_destroy(&together);
            ckf_channel_destroy(channel);
        }
}

struct late_receiver {
    struct ckf_channel *channel;
    atomic_uint *received;
    struct test_thread thread;
};

static int receive_after_close(void *arg)
{
    struct late_receiver *me = arg;
    for (;;) {
        uint64_t number = try_recv_u64(me->channel);
        if (number == NO_ELEMENT(CKF_CLOSED))
            break;
        ENSURE(number == 7);
        atomic_fetch_add(me->received, 1);
    }
    for (int i = 0; i < 20; i++)
        ENSURE(try_recv_u64(me->channel) == NO_ELEMENT(CKF_CLOSED));
    ENSURE(recv_u64(me->channel) == NO_ELEMENT(CKF_CLOSED));
    return 0;
}

static int send_until_closed(void *arg)
{
    struct late_receiver *me = arg;
    unsigned accepted = 0;
    for (;;) {
        enum ckf_status status = try_send_u64(me->channel, 7);
        if (status == CKF_CLOSED)
            return (int)accepted;
        accepted += status == CKF_OK;
    }
}

static void after_close_a_receive_answers_at_once_and_never_again(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(24); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct late_receiver senders[2], receivers[2];
            atomic_uint received = 0;
            unsigned accepted = 0;
            for (int i = 0; i < 2; i++) {
                senders[i].channel = channel;
                thread_start(&senders[i].thread, send_until_closed, &senders[i]);
            }
            assert_status(ckf_channel_close(channel), CKF_OK);
            for (int i = 0; i < 2; i++) {
                receivers[i].channel = channel;
                receivers[i].received = &received;
                thread_start(&receivers[i].thread, receive_after_close, &receivers[i]);
            }
            for (int i = 0; i < 2; i++) {
                assert_int_equal(thread_join(&receivers[i].thread), 0);
                accepted += (unsigned)thread_join(&senders[i].thread);
            }
            assert_int_equal(atomic_load(&received), accepted);
            ckf_channel_destroy(channel);
        }
}

/* ---- counted ends ---- */

static int send_and_be_done(void *arg)
{
    struct one_send *me = arg;
    for (uint64_t i = 0; i < 20; i++)
        ENSURE(send_u64(me->channel, i) == CKF_OK);
    return ckf_channel_producer_done(me->channel) ? 100 : 0;
}

static void the_last_of_many_producers_closes(void **state)
{
    enum { PRODUCERS = 5 };
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(24); round++) {
            struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 8, PRODUCERS, 0);
            struct one_send producers[PRODUCERS];
            unsigned received = 0, closed = 0;
            for (int i = 0; i < PRODUCERS; i++) {
                producers[i].channel = channel;
                thread_start(&producers[i].thread, send_and_be_done, &producers[i]);
            }
            while (recv_u64(channel) != NO_ELEMENT(CKF_CLOSED))
                received++;
            for (int i = 0; i < PRODUCERS; i++) {
                int result = thread_join(&producers[i].thread);
                assert_true(result == 0 || result == 100);
                closed += result == 100;
            }
            assert_int_equal(received, PRODUCERS * 20);
            assert_int_equal(closed, 1);
            ckf_channel_destroy(channel);
        }
}

static int join_in(void *arg)
{
    struct one_send *me = arg;
    spin_ns(me->pause_ns);
    enum ckf_status status = ckf_channel_add_producer(me->channel);
    if (status == CKF_CLOSED)
        return 0;
    ENSURE(status == CKF_OK);
    /* it counts now: nobody closes before its done */
    ENSURE(!ckf_channel_is_closed(me->channel));
    ENSURE(try_send_u64(me->channel, 3) == CKF_OK);
    return ckf_channel_producer_done(me->channel) ? 100 : 50;
}

static void a_producer_joins_in_before_the_last_has_gone_or_is_refused(void **state)
{
    uint32_t seed = 9;
    for (int c = 2; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(200); round++) {
            struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 8, 1, 0);
            struct one_send newcomer = {.channel = channel, .pause_ns = random_u32(&seed) % 3000};
            thread_start(&newcomer.thread, join_in, &newcomer);
            spin_ns(random_u32(&seed) % 3000);
            bool closed_here = ckf_channel_producer_done(channel);
            int result = thread_join(&newcomer.thread);
            assert_true(result == 0 || result == 50 || result == 100);
            assert_int_equal(result == 100, !closed_here);
            assert_true(ckf_channel_is_closed(channel));
            assert_int_equal(ckf_channel_len(channel), result == 0 ? 0 : 1);
            ckf_channel_destroy(channel);
        }
}

/* ---- wake-ups are not stolen, waiters are not starved ---- */

static void a_receiver_that_times_out_takes_no_wake_up_away(void **state)
{
    uint32_t seed = 3;
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(160); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller hasty, patient;
            caller_start_until(&hasty, channel, CKF_RECV, timed_kinds[round % TIMED_KINDS],
                               ckf_deadline_after_ns(50000 + random_u32(&seed) % 60000), NULL);
            caller_start(&patient, channel, CKF_RECV, waiting_kinds[round % WAITING_KINDS]);
            spin_ns(random_u32(&seed) % 80000);
            assert_status(send_u64(channel, 5), CKF_OK);
            enum ckf_status status = caller_join(&hasty);
            if (status == CKF_OK) {
                assert_int_equal(caller_number(&hasty), 5);
                assert_status(send_u64(channel, 6), CKF_OK);
            } else {
                assert_status(status, CKF_TIMED_OUT);
            }
            assert_status(caller_join(&patient), CKF_OK);
            assert_int_equal(caller_number(&patient), status == CKF_OK ? 6 : 5);
            ckf_channel_destroy(channel);
        }
}

static void a_sender_that_times_out_takes_no_wake_up_away(void **state)
{
    uint32_t seed = 4;
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        for (int round = 0; round < ROUNDS(160); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller hasty, patient;
            uint64_t sum = 0, count = capacities[c] + 1;
            fill(channel);
            elem_fill(hasty.elem, 8, 1000);
            elem_fill(patient.elem, 8, 2000);
            caller_start_until(&hasty, channel, CKF_SEND, timed_kinds[round % TIMED_KINDS],
                               ckf_deadline_after_ns(50000 + random_u32(&seed) % 60000), NULL);
            caller_start(&patient, channel, CKF_SEND, waiting_kinds[round % WAITING_KINDS]);
            spin_ns(random_u32(&seed) % 80000);
            /* room for one of them */
            sum += recv_u64(channel);
            enum ckf_status status = caller_join(&hasty);
            if (status == CKF_OK) {
                sum += recv_u64(channel);
                count++;
            } else {
                assert_status(status, CKF_TIMED_OUT);
            }
            assert_status(caller_join(&patient), CKF_OK);
            for (uint64_t n = count - capacities[c]; n < count; n++)
                sum += try_recv_u64(channel);
            assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
            assert_int_equal(sum, capacities[c] * (capacities[c] - (capacities[c] > 0)) / 2 + 2000 +
                                      (status == CKF_OK ? 1000 : 0));
            ckf_channel_destroy(channel);
        }
}

struct late_cancel {
    struct ckf_context *context;
    int64_t pause_ns;
    struct test_thread thread;
};

static int cancel_after_pause(void *arg)
{
    struct late_cancel *me = arg;
    spin_ns(me->pause_ns);
    ckf_context_cancel(me->context, 0);
    return 0;
}

static void a_receiver_that_is_canceled_takes_no_wake_up_away(void **state)
{
    uint32_t seed = 6;
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(64); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct late_cancel cancel = {.pause_ns = random_u32(&seed) % 40000};
            struct caller hasty, patient;
            assert_status(ckf_context_create(&cancel.context, NULL, CKF_FOREVER), CKF_OK);
            caller_start_until(&hasty, channel, CKF_RECV, timed_kinds[round % TIMED_KINDS],
                               CKF_FOREVER, cancel.context);
            caller_start(&patient, channel, CKF_RECV, CALL_PLAIN);
            if (round % 4 == 0) {
                await_sleep(&hasty.thread);
                await_sleep(&patient.thread);
            }
            thread_start(&cancel.thread, cancel_after_pause, &cancel);
            spin_ns(random_u32(&seed) % 40000);
            assert_status(send_u64(channel, 5), CKF_OK);
            enum ckf_status status = caller_join(&hasty);
            if (status == CKF_OK)
                assert_status(send_u64(channel, 6), CKF_OK);
            else
                assert_status(status, CKF_CANCELED);
            assert_status(caller_join(&patient), CKF_OK);
            assert_int_equal(caller_number(&patient), status == CKF_OK ? 6 : 5);
            thread_join(&cancel.thread);
            ckf_context_release(cancel.context);
            ckf_channel_destroy(channel);
        }
}

struct greedy {
    struct ckf_channel *channel;
    enum ckf_direction direction;
    enum call_kind kind;
    unsigned wanted; /* 0: until closed */
    struct test_thread thread;
};

static int go_on(void *arg)
{
    struct greedy *me = arg;
    for (unsigned done = 0; me->wanted == 0 || done < me->wanted;) {
        uint64_t number = 1;
        enum ckf_status status = me->direction == CKF_SEND
                                     ? send_by(me->kind, me->channel, &number, CKF_FOREVER, NULL)
                                     : recv_by(me->kind, me->channel, &number, CKF_FOREVER, NULL);
        if (status == CKF_CLOSED)
            return me->wanted != 0;
        done += status == CKF_OK;
    }
    return 0;
}

/* One modest waiter among two of its kind that barge in all the time. */
static void nobody_is_starved(enum ckf_variant variant, size_t capacity,
                              enum ckf_direction direction)
{
    struct ckf_channel *channel = channel_of(variant, capacity, 8);
    struct greedy modest = {channel, direction, CALL_PLAIN, 100, {0}};
    struct greedy greedy[] = {{channel, direction, CALL_TRY, 0, {0}},
                              {channel, direction, CALL_PLAIN, 0, {0}},
                              {channel, !direction, CALL_PLAIN, 0, {0}}};
    for (size_t i = 0; i < COUNT_OF(greedy); i++)
        thread_start(&greedy[i].thread, go_on, &greedy[i]);
    thread_start(&modest.thread, go_on, &modest);
    assert_int_equal(thread_join(&modest.thread), 0);
    assert_status(ckf_channel_close(channel), CKF_OK);
    for (size_t i = 0; i < COUNT_OF(greedy); i++)
        assert_int_equal(thread_join(&greedy[i].thread), 0);
    ckf_channel_destroy(channel);
}

static void a_waiting_receiver_is_not_starved(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        nobody_is_starved(VARIANT(state), capacities[c], CKF_RECV);
}

static void a_waiting_sender_is_not_starved(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        nobody_is_starved(VARIANT(state), capacities[c], CKF_SEND);
}

/* ---- destroy ---- */

static void destroy_waits_for_the_sender_of_what_was_received(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(200); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller sender;
            elem_fill(sender.elem, 8, 4);
            caller_start(&sender, channel, CKF_SEND, waiting_kinds[round % WAITING_KINDS]);
            assert_int_equal(recv_u64(channel), 4);
            ckf_channel_destroy(channel);
            assert_status(caller_join(&sender), CKF_OK);
        }
}

static void destroy_waits_for_the_receiver_of_what_was_sent(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(200); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller receiver;
            caller_start(&receiver, channel, CKF_RECV, waiting_kinds[round % WAITING_KINDS]);
            assert_status(send_u64(channel, 4), CKF_OK);
            while (ckf_channel_len(channel) > 0)
                give_way();
            ckf_channel_destroy(channel);
            assert_status(caller_join(&receiver), CKF_OK);
            assert_int_equal(caller_number(&receiver), 4);
        }
}

static void destroy_waits_for_senders_that_slept(void **state)
{
    enum { SENDERS = 3 };
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        for (int round = 0; round < ROUNDS(16); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller senders[SENDERS];
            fill(channel);
            for (int i = 0; i < SENDERS; i++)
                sender_asleep(&senders[i], channel, waiting_kinds[(round + i) % WAITING_KINDS], 9);
            for (uint64_t n = 0; n < capacities[c] + SENDERS; n++)
                assert_int_equal(recv_u64(channel), n < capacities[c] ? n : 9);
            ckf_channel_destroy(channel);
            for (int i = 0; i < SENDERS; i++)
                assert_status(caller_join(&senders[i]), CKF_OK);
        }
}

static int close_it(void *channel)
{
    return ckf_channel_close(channel);
}

/* A receive that answers CKF_CLOSED tells that the close has had its effect. */
static void destroy_waits_for_the_closer_that_was_noticed(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(100); round++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct test_thread closer;
            thread_start(&closer, close_it, channel);
            assert_true(recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
            ckf_channel_destroy(channel);
            assert_int_equal(thread_join(&closer), CKF_OK);
        }
}

static int be_done(void *channel)
{
    return ckf_channel_producer_done(channel) ? 100 : 0;
}

static void destroy_waits_for_the_last_producer_that_was_noticed(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int round = 0; round < ROUNDS(100); round++) {
            struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 8, 1, 0);
            struct test_thread producer;
            thread_start(&producer, be_done, channel);
            assert_true(recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
            ckf_channel_destroy(channel);
            assert_int_equal(thread_join(&producer), 100);
        }
}

static void destroy_waits_for_calls_that_close_has_ended(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        for (int k = 0; k < WAITING_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller waiters[3];
            for (int i = 0; i < 3; i++)
                receiver_asleep(&waiters[i], channel, waiting_kinds[k]);
            assert_status(ckf_channel_close(channel), CKF_OK);
            ckf_channel_destroy(channel);
            for (int i = 0; i < 3; i++)
                assert_status(caller_join(&waiters[i]), CKF_CLOSED);
            channel = channel_of(VARIANT(state), capacities[c], 8);
            fill(channel);
            for (int i = 0; i < 3; i++)
                sender_asleep(&waiters[i], channel, waiting_kinds[k], 1);
            assert_status(ckf_channel_close(channel), CKF_OK);
            ckf_channel_destroy(channel);
            for (int i = 0; i < 3; i++)
                assert_status(caller_join(&waiters[i]), CKF_CLOSED);
        }
}

/* ---- what happens before what: plain memory, so that ThreadSanitizer checks it ---- */

struct message {
    uint64_t body[4];
};

struct messages {
    struct ckf_channel *there, *back;
    unsigned count;
    struct test_thread thread;
};

static int answer_messages(void *arg)
{
    struct messages *me = arg;
    struct message *message;
    while (ckf_channel_recv(me->there, &message) == CKF_OK) {
        for (int i = 0; i < 4; i++)
            message->body[i]++;
        ENSURE(ckf_channel_send(me->back, &message) == CKF_OK);
    }
    return 0;
}

static void a_send_happens_before_its_receive(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct messages pair = {.there = channel_of(VARIANT(state), capacities[c], 0),
                                .back = channel_of(VARIANT(state), capacities[c], 0),
                                .count = ROUNDS(1000)};
        struct message memory = {{0}}, *message = &memory;
        thread_start(&pair.thread, answer_messages, &pair);
        for (uint64_t n = 0; n < pair.count; n++) {
            assert_status(ckf_channel_send(pair.there, &message), CKF_OK);
            message = NULL;
            assert_status(ckf_channel_recv(pair.back, &message), CKF_OK);
            for (int i = 0; i < 4; i++)
                assert_int_equal(message->body[i]++, 2 * n + 1);
        }
        assert_status(ckf_channel_close(pair.there), CKF_OK);
        assert_int_equal(thread_join(&pair.thread), 0);
        ckf_channel_destroy(pair.there);
        ckf_channel_destroy(pair.back);
    }
}

/* Before its k-th receive the receiver notes k in a plain slot, which the sender reads once send
 * k + capacity has returned. By then the receiver may be about to note k + capacity + 1. */
struct lending {
    struct ckf_channel *channel;
    uint64_t *slots;
    uint64_t count;
    struct test_thread thread;
};

static int return_slots(void *arg)
{
    struct lending *me = arg;
    size_t slots = ckf_channel_capacity(me->channel) + 2;
    for (uint64_t k = 0; k < me->count; k++) {
        me->slots[k % slots] = k;
        ENSURE(ckf_channel_recv(me->channel, NULL) == CKF_OK);
    }
    return 0;
}

static void the_kth_receive_happens_before_the_send_that_needs_its_room(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        uint64_t slots[66] = {0};
        struct lending lending = {
            channel_of(VARIANT(state), capacities[c], 8), slots, ROUNDS(2000), {0}};
        thread_start(&lending.thread, return_slots, &lending);
        for (uint64_t n = 0; n < lending.count; n++) {
            assert_status(send_u64(lending.channel, n), CKF_OK);
            if (n >= capacities[c]) {
                uint64_t k = n - capacities[c];
                assert_int_equal(slots[k % (capacities[c] + 2)], k);
            }
        }
        assert_int_equal(thread_join(&lending.thread), 0);
        ckf_channel_destroy(lending.channel);
    }
}

struct locked_counter {
    struct ckf_channel *lock;
    uint64_t *counter;
    struct test_thread thread;
};

static int count_under_lock(void *arg)
{
    struct locked_counter *me = arg;
    for (int i = 0; i < ROUNDS(3000); i++) {
        ENSURE(send_u64(me->lock, 0) == CKF_OK);
        ++*me->counter;
        ENSURE(ckf_channel_recv(me->lock, NULL) == CKF_OK);
    }
    return 0;
}

static void a_channel_of_one_is_a_lock(void **state)
{
    struct ckf_channel *lock = channel_of(VARIANT(state), 1, 8);
    struct locked_counter counters[ENDS];
    uint64_t counter = 0;
    for (int i = 0; i < ENDS; i++) {
        counters[i].lock = lock;
        counters[i].counter = &counter;
        thread_start(&counters[i].thread, count_under_lock, &counters[i]);
    }
    for (int i = 0; i < ENDS; i++)
        assert_int_equal(thread_join(&counters[i].thread), 0);
    assert_int_equal(counter, ENDS * ROUNDS(3000));
    ckf_channel_destroy(lock);
}

struct announcement {
    struct ckf_channel *channel;
    uint64_t text;
    enum ckf_direction direction;
    enum call_kind kind;
    struct test_thread thread;
};

static int announce(void *arg)
{
    struct announcement *me = arg;
    me->text = 42;
    return ckf_channel_close(me->channel);
}

static void close_happens_before_the_statuses_that_it_causes(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++)
            for (int sends = 0; sends < 2; sends++) {
                if (sends && (capacities[c] == CKF_UNBOUNDED || capacities[c] > 3))
                    continue;
                struct announcement news = {.channel =
                                                channel_of(VARIANT(state), capacities[c], 8)};
                uint64_t number = 1;
                enum ckf_status status;
                thread_start(&news.thread, announce, &news);
                do
                    status = sends ? send_by(kind, news.channel, &number, CKF_FOREVER, NULL)
                                   : recv_by(kind, news.channel, &number, CKF_FOREVER, NULL);
                while (status != CKF_CLOSED);
                assert_int_equal(news.text, 42);
                thread_join(&news.thread);
                ckf_channel_destroy(news.channel);
            }
}

/* ---- a thread that stops for ever in the middle of a call ---- */

/* A signal stops the victim wherever it is. A try_ call that hung would stop the test as well, so a
 * guard lets the victim go after a while and remembers that it had to. */
static atomic_bool stopped, go, late, guard_ends;
static atomic_int_fast64_t go_at_the_latest_ns;

static void stop_here(int number)
{
    (void)number;
    const struct timespec moment = {0, 10000};
    atomic_store(&stopped, true);
    while (!atomic_load(&go))
        nanosleep(&moment, NULL);
    atomic_store(&stopped, false);
}

static int guard(void *unused)
{
    (void)unused;
    while (!atomic_load(&guard_ends)) {
        const struct timespec moment = {0, 5000000};
        nanosleep(&moment, NULL);
        if (!atomic_load(&go) && clock_ns() > atomic_load(&go_at_the_latest_ns)) {
            atomic_store(&late, true);
            atomic_store(&go, true);
        }
    }
    return 0;
}

struct victim {
    struct ckf_channel *channel, *other;
    size_t elem_size;
    unsigned habit;
    atomic_bool end;
    unsigned sent, received;
    struct test_thread thread;
};

enum { TRYING, IN_BATCHES, WAITING_SHORTLY, SELECTING, WAITING_WITH_CONTEXT, HABITS };

static void note(unsigned *counter, enum ckf_status status)
{
    *counter += status == CKF_OK;
}

static void select_once(struct victim *me, void *elem)
{
    unsigned char got[24];
    struct ckf_select_case cases[] = {{me->channel, CKF_SEND, elem, CKF_OK},
                                      {me->other, CKF_RECV, got, CKF_OK},
                                      {me->channel, CKF_RECV, got, CKF_OK}};
    size_t chosen;
    if (ckf_select(cases, 3, &chosen, ckf_deadline_after_ns(2000), NULL) == CKF_OK)
        note(chosen == 0 ? &me->sent : &me->received, cases[chosen].status);
}

static int keep_calling(void *arg)
{
    struct victim *me = arg;
    struct ckf_context *context;
    ENSURE(ckf_context_create(&context, NULL, CKF_FOREVER) == CKF_OK);
    while (!atomic_load(&me->end)) {
        unsigned char elems[2 * 24];
        size_t done;
        elem_fill(elems, me->elem_size, 1);
        elem_fill(elems + me->elem_size, me->elem_size, 1);
        switch (me->habit) {
        case TRYING:
            note(&me->sent, ckf_channel_try_send(me->channel, elems));
            note(&me->received, ckf_channel_try_recv(me->channel, elems));
            break;
        case IN_BATCHES:
            if (ckf_channel_send_many(me->channel, elems, 2, &done, CKF_NOW, NULL) == CKF_OK)
                me->sent += (unsigned)done;
            if (ckf_channel_recv_many(me->channel, elems, 2, &done, CKF_NOW, NULL) == CKF_OK)
                me->received += (unsigned)done;
            break;
        case SELECTING:
            select_once(me, elems);
            break;
        default:
            note(&me->sent,
                 ckf_channel_send_until(me->channel, elems, ckf_deadline_after_ns(3000),
                                        me->habit == WAITING_WITH_CONTEXT ? context : NULL));
            note(&me->received,
                 ckf_channel_recv_until(me->channel, elems, ckf_deadline_after_ns(3000),
                                        me->habit == WAITING_WITH_CONTEXT ? context : NULL));
            break;
        }
    }
    ckf_context_release(context);
    return 0;
}

/* Empties and fills the channel by try_ calls; only what the victim may hold is missing. */
static void work_past_it(struct victim *victim, unsigned *sent, unsigned *received)
{
    unsigned char elem[24];
    size_t capacity = ckf_channel_capacity(victim->channel);
    unsigned room = capacity == CKF_UNBOUNDED ? 100 : (unsigned)capacity;
    unsigned holds = victim->elem_size > 8 ? 1 : 0, in = 0, out = 0;
    while (ckf_channel_try_recv(victim->channel, elem) == CKF_OK)
        ++*received;
    elem_fill(elem, victim->elem_size, 1);
    while (in < 2 * room && ckf_channel_try_send(victim->channel, elem) == CKF_OK)
        in++;
    while (ckf_channel_try_recv(victim->channel, elem) == CKF_OK)
        out++;
    *sent += in;
    *received += out;
    if (atomic_load(&late))
        return; /* counted below */
    if (in + holds < room)
        fail_msg("habit %u: %u of %u places taken past a stopped thread", victim->habit, in, room);
    /* it may have been waiting for elements, and was given them */
    if (out + 2 < in)
        fail_msg("habit %u: %u of %u elements received past a stopped thread", victim->habit, out,
                 in);
}

/* Closes past it; the receives that follow end at once, whatever it holds. */
static void close_past_it(struct victim *victim, unsigned *sent, unsigned *received)
{
    enum ckf_status status;
    (void)sent;
    assert_status(ckf_channel_close(victim->channel), CKF_OK);
    while ((status = ckf_channel_try_recv(victim->channel, NULL)) == CKF_OK)
        ++*received;
    assert_status(status, CKF_CLOSED);
    assert_status(ckf_channel_recv(victim->channel, NULL), CKF_CLOSED);
}

static void stop_and(void (*act)(struct victim *victim, unsigned *sent, unsigned *received),
                     struct victim *victim, unsigned *sent, unsigned *received)
{
    atomic_store(&go_at_the_latest_ns, clock_ns() + PATIENCE_NS / 6);
    atomic_store(&go, false);
    assert_int_equal(pthread_kill(victim->thread.handle, SIGUSR2), 0);
    AWAIT(atomic_load(&stopped) || atomic_load(&late));
    act(victim, sent, received);
    atomic_store(&go, true);
    AWAIT(!atomic_load(&stopped));
}

static void run_victim(enum ckf_variant variant, size_t capacity, size_t elem_size, unsigned habit)
{
    struct victim victim = {.channel = channel_of(variant, capacity, elem_size),
                            .other = channel_of(variant, 0, elem_size),
                            .elem_size = elem_size,
                            .habit = habit};
    unsigned sent = 0, received = 0;
    uint32_t seed = habit + 1;
    thread_start(&victim.thread, keep_calling, &victim);
    for (int round = 0; round < ROUNDS(16); round++) {
        spin_ns(random_u32(&seed) % 30000);
        stop_and(work_past_it, &victim, &sent, &received);
    }
    stop_and(close_past_it, &victim, &sent, &received);
    atomic_store(&victim.end, true);
    assert_int_equal(thread_join(&victim.thread), 0);
    assert_int_equal(sent + victim.sent, received + victim.received);
    ckf_channel_destroy(victim.channel);
    ckf_channel_destroy(victim.other);
    if (atomic_load(&late))
        fail_msg("capacity %zu, %zu bytes, habit %u: try_ calls waited for a stopped thread",
                 capacity, elem_size, habit);
}

static void a_stopped_thread_does_not_stop_the_others(void **state)
{
    (void)state; /* a promise of the ATOMIC variant alone */
    if (THREAD_SANITIZED)
        skip(); /* no signal would stop it in the middle */
    struct sigaction action = {.sa_handler = stop_here}, previous;
    struct test_thread guardian;
    sigaction(SIGUSR2, &action, &previous);
    atomic_store(&go, true);
    atomic_store(&late, false);
    atomic_store(&guard_ends, false);
    thread_start(&guardian, guard, NULL);
    for (int c = 2; c < CAPACITIES; c++)
        for (int e = 2; e < 4; e++)
            for (unsigned habit = 0; habit < HABITS; habit++)
                run_victim(CKF_VARIANT_ATOMIC, capacities[c], elem_sizes[e], habit);
    atomic_store(&guard_ends, true);
    thread_join(&guardian);
    sigaction(SIGUSR2, &previous, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(every_element_arrives_once_and_in_its_producers_order),
        BOTH_VARIANTS(every_way_to_call_may_be_mixed),
        BOTH_VARIANTS(calls_that_time_out_lose_and_double_nothing),
        BOTH_VARIANTS(try_calls_alone_move_everything),
        BOTH_VARIANTS(calls_that_are_canceled_lose_and_double_nothing),
        BOTH_VARIANTS(single_ends_as_promised_keep_order),
        BOTH_VARIANTS(elements_of_one_byte_keep_their_order),
        BOTH_VARIANTS(all_producers_and_consumers_see_one_order),
        BOTH_VARIANTS(again_is_answered_only_when_it_is_true),
        BOTH_VARIANTS(calls_that_do_not_wait_never_meet),
        BOTH_VARIANTS_AND_PROMISED(a_send_races_close_and_is_accepted_or_refused),
        BOTH_VARIANTS(close_in_the_middle_of_traffic_loses_nothing),
        BOTH_VARIANTS(one_of_many_closers_is_told_that_it_closed),
        BOTH_VARIANTS(after_close_a_receive_answers_at_once_and_never_again),
        BOTH_VARIANTS(the_last_of_many_producers_closes),
        BOTH_VARIANTS(a_producer_joins_in_before_the_last_has_gone_or_is_refused),
        BOTH_VARIANTS(a_receiver_that_times_out_takes_no_wake_up_away),
        BOTH_VARIANTS(a_sender_that_times_out_takes_no_wake_up_away),
        BOTH_VARIANTS(a_receiver_that_is_canceled_takes_no_wake_up_away),
        BOTH_VARIANTS(a_waiting_receiver_is_not_starved),
        BOTH_VARIANTS(a_waiting_sender_is_not_starved),
        BOTH_VARIANTS_AND_PROMISED(destroy_waits_for_the_sender_of_what_was_received),
        BOTH_VARIANTS_AND_PROMISED(destroy_waits_for_the_receiver_of_what_was_sent),
        BOTH_VARIANTS(destroy_waits_for_senders_that_slept),
        BOTH_VARIANTS(destroy_waits_for_the_closer_that_was_noticed),
        BOTH_VARIANTS(destroy_waits_for_the_last_producer_that_was_noticed),
        BOTH_VARIANTS(destroy_waits_for_calls_that_close_has_ended),
        BOTH_VARIANTS_AND_PROMISED(a_send_happens_before_its_receive),
        BOTH_VARIANTS_AND_PROMISED(the_kth_receive_happens_before_the_send_that_needs_its_room),
        BOTH_VARIANTS(a_channel_of_one_is_a_lock),
        BOTH_VARIANTS(close_happens_before_the_statuses_that_it_causes),
        cmocka_unit_test(a_stopped_thread_does_not_stop_the_others),
    };
    return cmocka_run_group_tests_name("channel_stress", tests, NULL, NULL);
}
