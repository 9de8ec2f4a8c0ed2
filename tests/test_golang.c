/* tests/test_golang.c - Go's channels as an oracle: programs that a Go programmer would write, with
 * the outcomes that the Go specification gives them. A panic becomes a status, a nil channel a NULL
 * one, `default` is CKF_NOW, and `range` ends with CKF_CLOSED.
 */
#include "channel_support.h"

#include <string.h>

enum { FOR_EVER = -1 };

static struct ckf_channel *make(enum ckf_variant variant, size_t capacity)
{
    return channel_of(variant, capacity, sizeof(uint64_t));
}

/* case v := <-c */
static struct ckf_select_case receive_from(struct ckf_channel *channel, uint64_t *number)
{
    return (struct ckf_select_case){channel, CKF_RECV, number, CKF_OK};
}

/* case c <- v */
static struct ckf_select_case send_to(struct ckf_channel *channel, const uint64_t *number)
{
    return (struct ckf_select_case){channel, CKF_SEND, (void *)(uintptr_t)number, CKF_OK};
}

/* The index of the case that was taken; FOR_EVER where Go would take the default. */
static int select_now(struct ckf_select_case *cases, size_t count)
{
    size_t chosen;
    enum ckf_status status = ckf_select(cases, count, &chosen, CKF_NOW, NULL);
    return status == CKF_OK ? (int)chosen : FOR_EVER;
}

static int select_any(struct ckf_select_case *cases, size_t count)
{
    size_t chosen;
    enum ckf_status status = ckf_select(cases, count, &chosen, CKF_FOREVER, NULL);
    return status == CKF_OK ? (int)chosen : FOR_EVER;
}

/* `go` with a few arguments. */
struct goroutine {
    struct test_thread thread;
    enum ckf_variant variant;
    struct ckf_channel *in, *out, *quit;
    uint64_t number, count;
    void *more;
};

static void go(struct goroutine *g, int (*body)(void *))
{
    thread_start(&g->thread, body, g);
}

static void wait_for(struct goroutine *g)
{
    assert_int_equal(thread_join(&g->thread), 0);
}

/* ---- the rules ---- */

static void receiving_from_a_closed_channel_never_blocks_and_says_so(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = make(VARIANT(state), capacities[c]);
        assert_status(ckf_channel_close(channel), CKF_OK);
        for (int i = 0; i < 3; i++)
            assert_true(recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
        ckf_channel_destroy(channel);
    }
}

static void what_panics_in_go_is_a_status_here(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = make(VARIANT(state), capacities[c]);
        uint64_t number = 1;
        struct ckf_select_case one = send_to(channel, &number);
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_status(ckf_channel_close(channel), CKF_ALREADY);
        assert_status(send_u64(channel, 1), CKF_CLOSED);
        assert_status(try_send_u64(channel, 1), CKF_CLOSED);
        assert_int_equal(select_now(&one, 1), 0);
        assert_status(one.status, CKF_CLOSED);
        ckf_channel_destroy(channel);
    }
}

static void a_sender_blocked_when_the_channel_is_closed_would_panic(void **state)
{
    struct ckf_channel *channel = make(VARIANT(state), 0);
    struct caller sender;
    sender_asleep(&sender, channel, CALL_PLAIN, 1);
    assert_status(ckf_channel_close(channel), CKF_OK);
    assert_status(caller_join(&sender), CKF_CLOSED);
    ckf_channel_destroy(channel);
}

static void len_and_cap_tell_what_is_queued(void **state)
{
    struct ckf_channel *channel = make(VARIANT(state), 10);
    assert_int_equal(ckf_channel_capacity(channel), 10);
    for (uint64_t i = 0; i < 7; i++)
        assert_status(send_u64(channel, i), CKF_OK);
    assert_int_equal(ckf_channel_len(channel), 7);
    assert_int_equal(recv_u64(channel), 0);
    assert_int_equal(ckf_channel_len(channel), 6);
    assert_status(ckf_channel_close(channel), CKF_OK);
    assert_int_equal(ckf_channel_len(channel), 6);
    assert_int_equal(ckf_channel_capacity(channel), 10);
    ckf_channel_destroy(channel);
}

static void nil_channels_are_never_ready(void **state)
{
    struct ckf_channel *channel = make(VARIANT(state), 1);
    uint64_t number = 1;
    struct ckf_select_case cases[] = {send_to(NULL, &number), receive_from(NULL, &number),
                                      receive_from(channel, &number)};
    assert_int_equal(select_now(cases, 3), FOR_EVER);
    assert_status(send_u64(channel, 2), CKF_OK);
    assert_int_equal(select_now(cases, 3), 2);
    ckf_channel_destroy(channel);
}

static void an_empty_select_blocks_for_ever(void **state)
{
    (void)state;
    size_t chosen;
    assert_status(ckf_select(NULL, 0, &chosen, ckf_deadline_after_ns(1000000), NULL),
                  CKF_TIMED_OUT);
}

static void select_with_default_does_not_block(void **state)
{
    struct ckf_channel *channel = make(VARIANT(state), 1);
    uint64_t one = 1, got = 0;
    struct ckf_select_case in = send_to(channel, &one), out = receive_from(channel, &got);
    assert_int_equal(select_now(&out, 1), FOR_EVER);
    assert_int_equal(select_now(&in, 1), 0);
    assert_int_equal(select_now(&in, 1), FOR_EVER);
    assert_int_equal(select_now(&out, 1), 0);
    assert_int_equal(got, 1);
    assert_int_equal(select_now(&out, 1), FOR_EVER);
    ckf_channel_destroy(channel);
}

/* ---- synchronization: the memory model's examples ---- */

static int say_hello(void *arg)
{
    struct goroutine *g = arg;
    g->number = 42;
    ENSURE(send_u64(g->out, 0) == CKF_OK);
    return 0;
}

static void a_send_on_a_buffered_channel_publishes(void **state)
{
    struct goroutine g = {.out = make(VARIANT(state), 10)};
    go(&g, say_hello);
    assert_int_equal(recv_u64(g.out), 0);
    assert_int_equal(g.number, 42);
    wait_for(&g);
    ckf_channel_destroy(g.out);
}

static int say_hello_then_receive(void *arg)
{
    struct goroutine *g = arg;
    g->number = 42;
    ENSURE(recv_u64(g->in) == 0);
    return 0;
}

static void a_receive_on_an_unbuffered_channel_publishes_too(void **state)
{
    struct goroutine g = {.in = make(VARIANT(state), 0)};
    go(&g, say_hello_then_receive);
    assert_status(send_u64(g.in, 0), CKF_OK);
    assert_int_equal(g.number, 42);
    wait_for(&g);
    ckf_channel_destroy(g.in);
}

static int hello_and_close(void *arg)
{
    struct goroutine *g = arg;
    g->number = 42;
    ENSURE(ckf_channel_close(g->out) == CKF_OK);
    return 0;
}

static void a_close_publishes(void **state)
{
    struct goroutine g = {.out = make(VARIANT(state), 0)};
    go(&g, hello_and_close);
    assert_true(recv_u64(g.out) == NO_ELEMENT(CKF_CLOSED));
    assert_int_equal(g.number, 42);
    wait_for(&g);
    ckf_channel_destroy(g.out);
}

struct limit {
    struct ckf_channel *tokens;
    atomic_int inside, most;
};

static int work_within_limit(void *arg)
{
    struct goroutine *g = arg;
    struct limit *limit = g->more;
    for (int i = 0; i < ROUNDS(200); i++) {
        ENSURE(send_u64(limit->tokens, 1) == CKF_OK);
        int inside = atomic_fetch_add(&limit->inside, 1) + 1;
        int most = atomic_load(&limit->most);
        while (inside > most && !atomic_compare_exchange_weak(&limit->most, &most, inside))
            ;
        give_way();
        atomic_fetch_sub(&limit->inside, 1);
        ENSURE(recv_u64(limit->tokens) == 1);
    }
    return 0;
}

static void a_buffered_channel_limits_how_many_work_at_once(void **state)
{
    enum { WORKERS = 8, LIMIT = 3 };
    struct limit limit = {.tokens = make(VARIANT(state), LIMIT)};
    struct goroutine workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct goroutine){.more = &limit};
        go(&workers[i], work_within_limit);
    }
    for (int i = 0; i < WORKERS; i++)
        wait_for(&workers[i]);
    assert_in_range(atomic_load(&limit.most), 1, LIMIT);
    ckf_channel_destroy(limit.tokens);
}

/* The unbuffered send ends only when the receiver has come. */
static void an_unbuffered_send_waits_for_its_receiver(void **state)
{
    struct ckf_channel *channel = make(VARIANT(state), 0);
    struct caller sender;
    sender_asleep(&sender, channel, CALL_PLAIN, 1);
    assert_false(atomic_load(&sender.returned));
    assert_int_equal(recv_u64(channel), 1);
    assert_status(caller_join(&sender), CKF_OK);
    ckf_channel_destroy(channel);
}

/* ---- generators, filters, pipelines ---- */

/* 2, 3, 4 ... until it is told to stop by a close of its output. */
static int count_upwards(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n = 2;; n++)
        if (send_u64(g->out, n) != CKF_OK)
            return 0;
}

static int pass_if_not_divisible(void *arg)
{
    struct goroutine *g = arg;
    for (;;) {
        uint64_t n = recv_u64(g->in);
        if (n >= NO_ELEMENT(CKF_CLOSED))
            break;
        if (n % g->number != 0 && send_u64(g->out, n) != CKF_OK)
            break;
    }
    ckf_channel_close(g->in);
    return 0;
}

static void primes_come_out_of_a_sieve(void **state)
{
    enum { PRIMES = 20 };
    static const uint64_t expected[PRIMES] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29,
                                              31, 37, 41, 43, 47, 53, 59, 61, 67, 71};
    for (size_t capacity = 0; capacity < 3; capacity += 2) {
        struct goroutine source = {.out = make(VARIANT(state), capacity)}, filters[PRIMES];
        struct ckf_channel *last = source.out;
        go(&source, count_upwards);
        for (int i = 0; i < PRIMES; i++) {
            uint64_t prime = recv_u64(last);
            assert_int_equal(prime, expected[i]);
            filters[i] = (struct goroutine){
                .in = last, .out = make(VARIANT(state), capacity), .number = prime};
            go(&filters[i], pass_if_not_divisible);
            last = filters[i].out;
        }
        ckf_channel_close(last);
        for (int i = PRIMES - 1; i >= 0; i--)
            wait_for(&filters[i]);
        wait_for(&source);
        ckf_channel_destroy(source.out);
        for (int i = 0; i < PRIMES; i++)
            ckf_channel_destroy(filters[i].out);
    }
}

static int count_to(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n = 0; n < g->count; n++)
        ENSURE(send_u64(g->out, g->number + n) == CKF_OK);
    ENSURE(ckf_channel_close(g->out) == CKF_OK);
    return 0;
}

static void range_ends_when_the_channel_is_closed_and_drained(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct goroutine source = {.out = make(VARIANT(state), capacities[c]), .count = 300};
        uint64_t expected = 0;
        go(&source, count_to);
        for (uint64_t n; (n = recv_u64(source.out)) != NO_ELEMENT(CKF_CLOSED); expected++)
            assert_int_equal(n, expected);
        assert_int_equal(expected, source.count);
        wait_for(&source);
        ckf_channel_destroy(source.out);
    }
}

static int square(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n; (n = recv_u64(g->in)) != NO_ELEMENT(CKF_CLOSED);)
        ENSURE(send_u64(g->out, n * n) == CKF_OK);
    ckf_channel_producer_done(g->out);
    return 0;
}

static void a_pipeline_squares_in_order(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *numbers = make(VARIANT(state), capacities[c]);
        struct ckf_channel *squares = channel_with((struct ckf_channel_options){
            .variant = VARIANT(state), .capacity = capacities[c], .elem_size = 8, .producers = 1});
        struct goroutine source = {.out = numbers, .count = 100};
        struct goroutine stage = {.in = numbers, .out = squares};
        go(&source, count_to);
        go(&stage, square);
        for (uint64_t n = 0; n < 100; n++)
            assert_int_equal(recv_u64(squares), n * n);
        assert_true(recv_u64(squares) == NO_ELEMENT(CKF_CLOSED));
        wait_for(&source);
        wait_for(&stage);
        ckf_channel_destroy(numbers);
        ckf_channel_destroy(squares);
    }
}

/* Every stage adds one; the element has to pass all of them. */
static int add_one(void *arg)
{
    struct goroutine *g = arg;
    uint64_t n = recv_u64(g->in);
    ENSURE(n < NO_ELEMENT(CKF_CLOSED));
    ENSURE(send_u64(g->out, n + 1) == CKF_OK);
    return 0;
}

static void a_daisy_chain_passes_the_word_on(void **state)
{
    enum { LINKS = 50 };
    struct ckf_channel *channels[LINKS + 1];
    struct goroutine links[LINKS];
    for (int i = 0; i <= LINKS; i++)
        channels[i] = make(VARIANT(state), 0);
    for (int i = 0; i < LINKS; i++) {
        links[i] = (struct goroutine){.in = channels[i + 1], .out = channels[i]};
        go(&links[i], add_one);
    }
    assert_status(send_u64(channels[LINKS], 1), CKF_OK);
    assert_int_equal(recv_u64(channels[0]), 1 + LINKS);
    for (int i = 0; i < LINKS; i++)
        wait_for(&links[i]);
    for (int i = 0; i <= LINKS; i++)
        ckf_channel_destroy(channels[i]);
}

static int fibonacci(void *arg)
{
    struct goroutine *g = arg;
    uint64_t a = 0, b = 1, unused;
    for (;;) {
        struct ckf_select_case cases[] = {send_to(g->out, &a), receive_from(g->quit, &unused)};
        if (select_any(cases, 2) == 1)
            return 0;
        uint64_t next = a + b;
        a = b;
        b = next;
    }
}

static void a_generator_stops_when_it_is_told_to_quit(void **state)
{
    struct goroutine g = {.out = make(VARIANT(state), 0), .quit = make(VARIANT(state), 0)};
    static const uint64_t expected[] = {0, 1, 1, 2, 3, 5, 8, 13, 21, 34};
    go(&g, fibonacci);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(recv_u64(g.out), expected[i]);
    assert_status(send_u64(g.quit, 0), CKF_OK);
    wait_for(&g);
    ckf_channel_destroy(g.out);
    ckf_channel_destroy(g.quit);
}

static int work_until_done(void *arg)
{
    struct goroutine *g = arg;
    for (;;) {
        uint64_t n = 0;
        struct ckf_select_case cases[] = {receive_from(g->in, &n), receive_from(g->quit, &n)};
        if (select_any(cases, 2) == 1)
            return cases[1].status == CKF_CLOSED ? 0 : 1;
        g->number += n;
    }
}

static void closing_a_done_channel_tells_everybody(void **state)
{
    enum { WORKERS = 6 };
    struct ckf_channel *work = make(VARIANT(state), 0), *done = make(VARIANT(state), 0);
    struct goroutine workers[WORKERS];
    uint64_t sum = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct goroutine){.in = work, .quit = done};
        go(&workers[i], work_until_done);
    }
    for (uint64_t n = 1; n <= 200; n++)
        assert_status(send_u64(work, n), CKF_OK);
    assert_status(ckf_channel_close(done), CKF_OK);
    for (int i = 0; i < WORKERS; i++) {
        wait_for(&workers[i]);
        sum += workers[i].number;
    }
    assert_int_equal(sum, 200 * 201 / 2);
    ckf_channel_destroy(work);
    ckf_channel_destroy(done);
}

/* ---- fan-in, fan-out ---- */

/* A closed input is replaced by nil, so that it is never chosen again. */
static void fan_in_ends_when_all_inputs_are_closed(void **state)
{
    enum { INPUTS = 4 };
    struct goroutine sources[INPUTS];
    struct ckf_select_case cases[INPUTS];
    uint64_t numbers[INPUTS], next[INPUTS], received = 0;
    for (size_t i = 0; i < INPUTS; i++) {
        next[i] = i * 1000;
        sources[i] =
            (struct goroutine){.out = make(VARIANT(state), i), .number = i * 1000, .count = 100};
        cases[i] = receive_from(sources[i].out, &numbers[i]);
        go(&sources[i], count_to);
    }
    for (int open = INPUTS; open > 0;) {
        int taken = select_any(cases, INPUTS);
        assert_in_range(taken, 0, INPUTS - 1);
        if (cases[taken].status == CKF_CLOSED) {
            cases[taken].channel = NULL;
            open--;
        } else {
            assert_int_equal(numbers[taken], next[taken]++);
            received++;
        }
    }
    assert_int_equal(received, INPUTS * 100);
    for (int i = 0; i < INPUTS; i++) {
        wait_for(&sources[i]);
        ckf_channel_destroy(sources[i].out);
    }
}

static int answer_jobs(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n; (n = recv_u64(g->in)) != NO_ELEMENT(CKF_CLOSED); g->count++)
        ENSURE(send_u64(g->out, 2 * n) == CKF_OK);
    return 0;
}

static void a_worker_pool_answers_every_job(void **state)
{
    enum { WORKERS = 3, JOBS = 300 };
    struct ckf_channel *jobs = make(VARIANT(state), JOBS), *results = make(VARIANT(state), JOBS);
    struct goroutine workers[WORKERS];
    bool seen[JOBS] = {false};
    uint64_t done = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct goroutine){.in = jobs, .out = results};
        go(&workers[i], answer_jobs);
    }
    for (uint64_t n = 0; n < JOBS; n++)
        assert_status(send_u64(jobs, n), CKF_OK);
    assert_status(ckf_channel_close(jobs), CKF_OK);
    for (int i = 0; i < JOBS; i++) {
        uint64_t result = recv_u64(results);
        assert_true(result / 2 < JOBS && result % 2 == 0 && !seen[result / 2]);
        seen[result / 2] = true;
    }
    for (int i = 0; i < WORKERS; i++) {
        wait_for(&workers[i]);
        done += workers[i].count;
    }
    assert_int_equal(done, JOBS);
    ckf_channel_destroy(jobs);
    ckf_channel_destroy(results);
}

/* Requests carry the channel for their answer. */
struct request {
    uint64_t a, b;
    struct ckf_channel *reply;
};

static int serve(void *arg)
{
    struct goroutine *g = arg;
    struct request request;
    while (ckf_channel_recv(g->in, &request) == CKF_OK)
        ENSURE(send_u64(request.reply, request.a + request.b) == CKF_OK);
    return 0;
}

static int ask(void *arg)
{
    struct goroutine *g = arg;
    struct request request = {.a = g->number, .reply = make(g->variant, g->number % 2)};
    for (request.b = 0; request.b < 50; request.b++) {
        ENSURE(ckf_channel_send(g->out, &request) == CKF_OK);
        ENSURE(recv_u64(request.reply) == request.a + request.b);
    }
    ckf_channel_destroy(request.reply);
    return 0;
}

static void channels_travel_in_channels(void **state)
{
    enum { CLIENTS = 4 };
    struct ckf_channel *requests = channel_of(VARIANT(state), 0, sizeof(struct request));
    struct goroutine server = {.in = requests}, clients[CLIENTS];
    go(&server, serve);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] =
            (struct goroutine){.variant = VARIANT(state), .out = requests, .number = 100 * i + i};
        go(&clients[i], ask);
    }
    for (int i = 0; i < CLIENTS; i++)
        wait_for(&clients[i]);
    assert_status(ckf_channel_close(requests), CKF_OK);
    wait_for(&server);
    ckf_channel_destroy(requests);
}

/* ---- trees ---- */

struct tree {
    struct tree *left, *right;
    uint64_t value;
};

static void walk(const struct tree *tree, struct ckf_channel *out)
{
    if (tree == NULL)
        return;
    walk(tree->left, out);
    if (send_u64(out, tree->value) == CKF_OK)
        walk(tree->right, out);
}

static int walk_and_close(void *arg)
{
    struct goroutine *g = arg;
    walk(g->more, g->out);
    ckf_channel_close(g->out);
    return 0;
}

/* Compares two trees of whatever shape by walking both at once. */
static bool same(enum ckf_variant variant, struct tree *a, struct tree *b)
{
    struct goroutine walkers[2] = {{.more = a}, {.more = b}};
    bool equal = true;
    for (int i = 0; i < 2; i++) {
        walkers[i].out = make(variant, 0);
        go(&walkers[i], walk_and_close);
    }
    for (uint64_t x = 0; equal && x != NO_ELEMENT(CKF_CLOSED);) {
        x = recv_u64(walkers[0].out);
        equal = x == recv_u64(walkers[1].out);
    }
    for (int i = 0; i < 2; i++) {
        ckf_channel_close(walkers[i].out);
        wait_for(&walkers[i]);
        ckf_channel_destroy(walkers[i].out);
    }
    return equal;
}

static void trees_are_compared_by_walking_them(void **state)
{
    struct tree chain[5], bush[5];
    memset(chain, 0, sizeof chain);
    memset(bush, 0, sizeof bush);
    for (uint64_t i = 0; i < 5; i++) {
        chain[i].value = bush[i].value = i;
        chain[i].right = i < 4 ? &chain[i + 1] : NULL;
    }
    bush[2].left = &bush[1];
    bush[1].left = &bush[0];
    bush[2].right = &bush[4];
    bush[4].left = &bush[3];
    assert_true(same(VARIANT(state), &chain[0], &bush[2]));
    bush[3].value = 7;
    assert_false(same(VARIANT(state), &chain[0], &bush[2]));
    assert_false(same(VARIANT(state), &chain[1], &bush[2]));
}

/* ---- select ---- */

static int send_zeros_and_ones(void *arg)
{
    struct goroutine *g = arg;
    const uint64_t zero = 0, one = 1;
    for (uint64_t i = 0; i < g->count; i++) {
        struct ckf_select_case cases[] = {send_to(g->out, &zero), send_to(g->out, &one)};
        ENSURE(select_any(cases, 2) >= 0);
    }
    ENSURE(ckf_channel_close(g->out) == CKF_OK);
    return 0;
}

static void a_select_of_two_sends_makes_random_bits(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct goroutine g = {.out = make(VARIANT(state), capacities[c]), .count = 200};
        unsigned bits[2] = {0, 0};
        go(&g, send_zeros_and_ones);
        for (uint64_t n; (n = recv_u64(g.out)) != NO_ELEMENT(CKF_CLOSED);)
            bits[n]++;
        assert_int_equal(bits[0] + bits[1], g.count);
        /* all alike: 1 in 2^49 */
        assert_true(bits[0] > 40 && bits[1] > 40);
        wait_for(&g);
        ckf_channel_destroy(g.out);
    }
}

static int produce_for_ever(void *arg)
{
    struct goroutine *g = arg;
    while (send_u64(g->out, g->number) == CKF_OK)
        ;
    return 0;
}

/* A channel that is always ready does not drown the quieter ones. */
static void a_busy_channel_does_not_starve_the_others(void **state)
{
    struct goroutine busy[3];
    struct ckf_select_case cases[3];
    unsigned taken[3] = {0};
    uint64_t n;
    for (size_t i = 0; i < 3; i++) {
        busy[i] = (struct goroutine){.out = make(VARIANT(state), i), .number = i};
        cases[i] = receive_from(busy[i].out, &n);
        go(&busy[i], produce_for_ever);
    }
    for (bool all = false; !all; all = taken[0] >= 50 && taken[1] >= 50 && taken[2] >= 50) {
        int which = select_any(cases, 3);
        assert_in_range(which, 0, 2);
        assert_int_equal(n, which);
        taken[which]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_status(ckf_channel_close(busy[i].out), CKF_OK);
        wait_for(&busy[i]);
        ckf_channel_destroy(busy[i].out);
    }
}

static int send_or_receive(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t i = 0; i < g->count; i++) {
        uint64_t n = 99;
        struct ckf_select_case cases[] = {send_to(g->out, &g->number), receive_from(g->out, &n)};
        int taken = select_any(cases, 2);
        ENSURE(taken >= 0 && cases[taken].status == CKF_OK);
        /* without a buffer nobody can receive his own */
        ENSURE(taken == 0 || ckf_channel_capacity(g->out) > 0 || n != g->number);
    }
    return 0;
}

static void goroutines_that_send_and_receive_on_one_channel_serve_each_other(void **state)
{
    for (size_t capacity = 0; capacity <= 10; capacity += 5) {
        struct ckf_channel *channel = make(VARIANT(state), capacity);
        struct goroutine pair[2];
        uint64_t left = 0;
        for (unsigned i = 0; i < 2; i++) {
            pair[i] = (struct goroutine){.out = channel, .number = i, .count = ROUNDS(2000)};
            go(&pair[i], send_or_receive);
        }
        for (int i = 0; i < 2; i++)
            wait_for(&pair[i]);
        while (try_recv_u64(channel) != NO_ELEMENT(CKF_AGAIN))
            left++;
        assert_true(left <= capacity);
        ckf_channel_destroy(channel);
    }
}

struct scatter {
    struct ckf_channel *channels[4];
    atomic_uint received;
};

static int send_by_select(void *arg)
{
    struct goroutine *g = arg;
    struct scatter *scatter = g->more;
    for (uint64_t n = 0; n < g->count; n++) {
        struct ckf_select_case cases[4];
        for (int i = 0; i < 4; i++)
            cases[i] = send_to(scatter->channels[i], &n);
        ENSURE(select_any(cases, 4) >= 0);
    }
    for (int i = 0; i < 4; i++)
        ENSURE(ckf_channel_close(scatter->channels[i]) == CKF_OK);
    return 0;
}

static int collect(void *arg)
{
    struct goroutine *g = arg;
    struct scatter *scatter = g->more;
    int64_t last = -1;
    for (uint64_t n; (n = recv_u64(g->in)) != NO_ELEMENT(CKF_CLOSED); last = (int64_t)n) {
        ENSURE((int64_t)n > last);
        atomic_fetch_add(&scatter->received, 1);
    }
    return 0;
}

/* Only one of the four sends happens in each select. */
static void a_select_sends_once(void **state)
{
    struct scatter scatter = {.received = 0};
    struct goroutine sender = {.more = &scatter, .count = ROUNDS(3000)}, collectors[4];
    for (size_t i = 0; i < 4; i++) {
        scatter.channels[i] = make(VARIANT(state), i % 2);
        collectors[i] = (struct goroutine){.in = scatter.channels[i], .more = &scatter};
        go(&collectors[i], collect);
    }
    go(&sender, send_by_select);
    wait_for(&sender);
    for (int i = 0; i < 4; i++) {
        wait_for(&collectors[i]);
        ckf_channel_destroy(scatter.channels[i]);
    }
    assert_int_equal(atomic_load(&scatter.received), sender.count);
}

/* An element is there, or it has gone to the other receiver and the channel is closed: the receive
 * that does not wait may fail to get it, but never for want of an element. */
static int receive_or_see_the_close(void *arg)
{
    struct goroutine *g = arg;
    uint64_t n = 0;
    struct ckf_select_case one = receive_from(g->in, &n);
    ENSURE(select_now(&one, 1) == 0);
    ENSURE(one.status == CKF_CLOSED || n == 1);
    return 0;
}

static void a_receive_with_default_finds_the_element_or_the_close(void **state)
{
    for (int round = 0; round < ROUNDS(400); round++) {
        struct goroutine g = {.in = make(VARIANT(state), 1)};
        assert_status(send_u64(g.in, 1), CKF_OK);
        go(&g, receive_or_see_the_close);
        assert_status(ckf_channel_close(g.in), CKF_OK);
        recv_u64(g.in);
        wait_for(&g);
        ckf_channel_destroy(g.in);
    }
}

/* At any moment one of the two channels has an element, so the default is not an option. */
static int receive_from_either(void *arg)
{
    struct goroutine *g = arg;
    uint64_t n = 0;
    struct ckf_select_case cases[] = {receive_from(g->in, &n), receive_from(g->out, &n)};
    ENSURE(select_now(cases, 2) >= 0);
    return 0;
}

static void the_default_is_not_taken_while_an_element_moves_between_channels(void **state)
{
    for (int round = 0; round < ROUNDS(400); round++) {
        struct goroutine g = {.in = make(VARIANT(state), 1), .out = make(VARIANT(state), 1)};
        bool forwards = round % 2 == 0;
        struct ckf_channel *from = forwards ? g.in : g.out, *to = forwards ? g.out : g.in;
        assert_status(send_u64(from, 1), CKF_OK);
        go(&g, receive_from_either);
        assert_status(send_u64(to, 1), CKF_OK);
        try_recv_u64(from);
        wait_for(&g);
        ckf_channel_destroy(g.in);
        ckf_channel_destroy(g.out);
    }
}

static void a_timeout_is_one_more_case(void **state)
{
    struct ckf_channel *silent = make(VARIANT(state), 0);
    uint64_t n;
    struct ckf_select_case one = receive_from(silent, &n);
    size_t chosen;
    int64_t deadline_ns = ckf_deadline_after_ns(2000000);
    assert_status(ckf_select(&one, 1, &chosen, deadline_ns, NULL), CKF_TIMED_OUT);
    assert_true(clock_ns() >= deadline_ns);
    ckf_channel_destroy(silent);
}

/* for { select { case <-ctx.Done(): return ctx.Err(); case n := <-in: ... } } */
static int work_until_canceled(void *arg)
{
    struct goroutine *g = arg;
    enum ckf_status status;
    do {
        uint64_t n = 0;
        struct ckf_select_case in = receive_from(g->in, &n);
        size_t chosen;
        status = ckf_select(&in, 1, &chosen, CKF_FOREVER, g->more);
        g->number += n;
    } while (status == CKF_OK);
    return (int)status;
}

static void a_context_ends_a_worker_by_cancel_or_by_time(void **state)
{
    for (int by_time = 0; by_time < 2; by_time++) {
        struct goroutine g = {.in = make(VARIANT(state), 0)};
        struct ckf_context *context;
        int64_t deadline_ns = by_time ? ckf_deadline_after_ns(2000000) : CKF_FOREVER;
        assert_status(ckf_context_create(&context, NULL, deadline_ns), CKF_OK);
        g.more = context;
        go(&g, work_until_canceled);
        if (!by_time) {
            for (uint64_t n = 1; n <= 4; n++)
                assert_status(send_u64(g.in, n), CKF_OK);
            ckf_context_cancel(context, 0);
        }
        assert_int_equal(thread_join(&g.thread), by_time ? CKF_TIMED_OUT : CKF_CANCELED);
        assert_int_equal(g.number, by_time ? 0 : 1 + 2 + 3 + 4);
        ckf_context_release(context);
        ckf_channel_destroy(g.in);
    }
}

/* ---- goroutines that come and go ---- */

static int ping(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n = 0; n < g->count; n++) {
        ENSURE(recv_u64(g->in) == n);
        ENSURE(send_u64(g->out, n) == CKF_OK);
    }
    return 0;
}

static void ping_pong_keeps_in_step(void **state)
{
    for (size_t capacity = 0; capacity < 2; capacity++) {
        struct goroutine g = {.in = make(VARIANT(state), capacity),
                              .out = make(VARIANT(state), capacity),
                              .count = ROUNDS(1500)};
        go(&g, ping);
        for (uint64_t n = 0; n < g.count; n++) {
            assert_status(send_u64(g.in, n), CKF_OK);
            assert_int_equal(recv_u64(g.out), n);
        }
        wait_for(&g);
        ckf_channel_destroy(g.in);
        ckf_channel_destroy(g.out);
    }
}

static int pass_the_token(void *arg)
{
    struct goroutine *g = arg;
    for (;;) {
        uint64_t token = recv_u64(g->in);
        if (token == NO_ELEMENT(CKF_CLOSED) || token == 0) {
            ENSURE(ckf_channel_close(g->out) == CKF_OK);
            return 0;
        }
        g->count++;
        ENSURE(send_u64(g->out, token - 1) == CKF_OK);
    }
}

static void a_token_runs_round_a_ring(void **state)
{
    enum { RING = 16 };
    struct ckf_channel *channels[RING];
    struct goroutine members[RING];
    uint64_t passed = 0;
    for (int i = 0; i < RING; i++)
        channels[i] = make(VARIANT(state), i == 0);
    for (int i = 0; i < RING; i++) {
        members[i] = (struct goroutine){.in = channels[i], .out = channels[(i + 1) % RING]};
        go(&members[i], pass_the_token);
    }
    assert_status(send_u64(channels[0], ROUNDS(1000)), CKF_OK);
    for (int i = 0; i < RING; i++) {
        wait_for(&members[i]);
        passed += members[i].count;
    }
    assert_int_equal(passed, ROUNDS(1000));
    for (int i = 0; i < RING; i++)
        ckf_channel_destroy(channels[i]);
}

static int producer(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n = 0; n < g->count; n++)
        ENSURE(send_u64(g->out, n) == CKF_OK);
    ckf_channel_producer_done(g->out);
    return 0;
}

static int consumer(void *arg)
{
    struct goroutine *g = arg;
    for (uint64_t n; (n = recv_u64(g->in)) != NO_ELEMENT(CKF_CLOSED);)
        g->number += n;
    return 0;
}

static void producers_and_consumers_agree_on_the_sum(void **state)
{
    enum { EACH_END = 4 };
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel =
            channel_with((struct ckf_channel_options){.variant = VARIANT(state),
                                                      .capacity = capacities[c],
                                                      .elem_size = 8,
                                                      .producers = EACH_END});
        struct goroutine producers[EACH_END], consumers[EACH_END];
        uint64_t sum = 0, count = ROUNDS(1000);
        for (int i = 0; i < EACH_END; i++) {
            producers[i] = (struct goroutine){.out = channel, .count = count};
            consumers[i] = (struct goroutine){.in = channel};
            go(&consumers[i], consumer);
            go(&producers[i], producer);
        }
        for (int i = 0; i < EACH_END; i++) {
            wait_for(&producers[i]);
            wait_for(&consumers[i]);
            sum += consumers[i].number;
        }
        assert_int_equal(sum, EACH_END * (count * (count - 1) / 2));
        ckf_channel_destroy(channel);
    }
}

static int signal_done(void *arg)
{
    struct goroutine *g = arg;
    g->number = 7;
    return send_u64(g->out, g->count);
}

static void a_channel_counts_goroutines_home(void **state)
{
    enum { MANY = 40 };
    struct ckf_channel *home = make(VARIANT(state), 0);
    struct goroutine many[MANY];
    bool back[MANY] = {false};
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = (struct goroutine){.out = home, .count = i};
        go(&many[i], signal_done);
    }
    for (int i = 0; i < MANY; i++) {
        uint64_t who = recv_u64(home);
        assert_true(who < MANY && !back[who]);
        assert_int_equal(many[who].number, 7);
        back[who] = true;
    }
    for (int i = 0; i < MANY; i++)
        wait_for(&many[i]);
    ckf_channel_destroy(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(receiving_from_a_closed_channel_never_blocks_and_says_so),
        BOTH_VARIANTS(what_panics_in_go_is_a_status_here),
        BOTH_VARIANTS(a_sender_blocked_when_the_channel_is_closed_would_panic),
        BOTH_VARIANTS(len_and_cap_tell_what_is_queued),
        BOTH_VARIANTS(nil_channels_are_never_ready),
        cmocka_unit_test(an_empty_select_blocks_for_ever),
        BOTH_VARIANTS(select_with_default_does_not_block),
        BOTH_VARIANTS(a_send_on_a_buffered_channel_publishes),
        BOTH_VARIANTS(a_receive_on_an_unbuffered_channel_publishes_too),
        BOTH_VARIANTS(a_close_publishes),
        BOTH_VARIANTS(a_buffered_channel_limits_how_many_work_at_once),
        BOTH_VARIANTS(an_unbuffered_send_waits_for_its_receiver),
        BOTH_VARIANTS(primes_come_out_of_a_sieve),
        BOTH_VARIANTS(range_ends_when_the_channel_is_closed_and_drained),
        BOTH_VARIANTS(a_pipeline_squares_in_order),
        BOTH_VARIANTS(a_daisy_chain_passes_the_word_on),
        BOTH_VARIANTS(a_generator_stops_when_it_is_told_to_quit),
        BOTH_VARIANTS(closing_a_done_channel_tells_everybody),
        BOTH_VARIANTS(fan_in_ends_when_all_inputs_are_closed),
        BOTH_VARIANTS(a_worker_pool_answers_every_job),
        BOTH_VARIANTS(channels_travel_in_channels),
        BOTH_VARIANTS(trees_are_compared_by_walking_them),
        BOTH_VARIANTS(a_select_of_two_sends_makes_random_bits),
        BOTH_VARIANTS(a_busy_channel_does_not_starve_the_others),
        BOTH_VARIANTS(goroutines_that_send_and_receive_on_one_channel_serve_each_other),
        BOTH_VARIANTS(a_select_sends_once),
        BOTH_VARIANTS(a_receive_with_default_finds_the_element_or_the_close),
        BOTH_VARIANTS(the_default_is_not_taken_while_an_element_moves_between_channels),
        BOTH_VARIANTS(a_timeout_is_one_more_case),
        BOTH_VARIANTS(a_context_ends_a_worker_by_cancel_or_by_time),
        BOTH_VARIANTS(ping_pong_keeps_in_step),
        BOTH_VARIANTS(a_token_runs_round_a_ring),
        BOTH_VARIANTS(producers_and_consumers_agree_on_the_sum),
        BOTH_VARIANTS(a_channel_counts_goroutines_home),
    };
    return cmocka_run_group_tests_name("golang", tests, NULL, NULL);
}
