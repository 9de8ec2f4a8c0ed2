/* stress/soak/soak.c - long random runs of channels: billions of elements, and nothing lost.
 *
 *     ckf-stress-soak channel --elements 1e9 [--seed N] [--from ROUND] [--threads N]
 *
 * A round is a channel of random variant, capacity, element size and promises, some producers and some
 * consumers that call in random ways (try, wait, wait a little, many), and how it ends: the last
 * producer closes, or somebody closes in the middle of the traffic. Now and then a signal stops one of
 * the threads where it is for a while.
 *
 * Checked in each round: every accepted element is received once (count and checksum), each consumer
 * sees each producer's elements in the order in which they were sent, and a receive after the close
 * never says "not now".
 *
 * Each round follows from the seed and its number, as far as the kernel's schedule lets it, so a run
 * goes on where another has ended: the progress line says how.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ck_filter/ck_filter.h>

enum { MAX_ENDS = 4, MAX_BATCH = 16, WORDS = 4 };

/* Its first word says it all; the others must agree with it. */
struct element {
    uint64_t words[WORDS];
};
#define SERIAL_BITS 56
#define SERIAL_MASK ((UINT64_C(1) << SERIAL_BITS) - 1)

struct round {
    struct ckf_channel *channel;
    size_t elem_size, capacity;
    unsigned producers, consumers;
    bool single_producer, single_consumer;
    uint64_t each;        /* elements that a producer sends, unless the channel is closed */
    uint64_t close_after; /* received by all consumers, then one closes; 0: nobody does */
    uint64_t seed;
    _Atomic(uint64_t) received;
    _Atomic(unsigned) running;
};

struct end {
    struct round *round;
    unsigned number;
    uint64_t random, count, checksum;
    uint64_t last[MAX_ENDS]; /* by producer: 1 + the serial seen last */
    const char *error;       /* NULL: none */
    pthread_t thread;
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t bound)
{
    return next_random(state) % bound;
}

static uint64_t mixed(uint64_t word)
{
    uint64_t state = word;
    return next_random(&state);
}

/* --- elements --- */

static void make_element(const struct round *round, uint64_t word, unsigned char *bytes)
{
    struct element element = {{word, ~word, mixed(word), word}};
    memcpy(bytes, &element, round->elem_size);
}

static bool is_whole(const struct round *round, const struct element *element)
{
    if (round->elem_size == sizeof element->words[0])
        return true;
    uint64_t word = element->words[0];
    return element->words[1] == ~word && element->words[2] == mixed(word) &&
           element->words[3] == word;
}

/* --- producers --- */

/* Sends one or several elements, in a random way. *done: how many went. */
static enum ckf_status send_some(struct end *end, uint64_t serial, size_t count, size_t *done)
{
    struct round *round = end->round;
    unsigned char bytes[MAX_BATCH * sizeof(struct element)];
    for (size_t i = 0; i < count; i++)
        make_element(round, (uint64_t)end->number << SERIAL_BITS | (serial + i),
                     bytes + i * round->elem_size);
    enum ckf_status status;
    switch (count > 1 ? 3 : below(&end->random, 3)) {
    case 0:
        status = ckf_channel_try_send(round->channel, bytes);
        break;
    case 1:
        status = ckf_channel_send_until(round->channel, bytes, ckf_deadline_after_ns(20000), NULL);
        break;
    case 2:
        status = ckf_channel_send(round->channel, bytes);
        break;
    default:
        return ckf_channel_send_many(round->channel, bytes, count, done, CKF_FOREVER, NULL);
    }
    *done = status == CKF_OK;
    return status;
}

static void *produce(void *arg)
{
    struct end *end = arg;
    struct round *round = end->round;
    enum ckf_status status = CKF_OK;
    while (end->count < round->each && status != CKF_CLOSED) {
        uint64_t left = round->each - end->count;
        size_t count = below(&end->random, 4) == 0 ? 1 + below(&end->random, MAX_BATCH) : 1;
        size_t done = 0;
        count = count < left ? count : (size_t)left;
        status = send_some(end, end->count, count, &done);
        if (status == CKF_NO_MEMORY)
            end->error = "no memory";
        for (size_t i = 0; i < done; i++)
            end->checksum += mixed((uint64_t)end->number << SERIAL_BITS | (end->count + i));
        end->count += done;
    }
    ckf_channel_producer_done(round->channel);
    atomic_fetch_sub(&round->running, 1);
    return NULL;
}

/* --- consumers --- */

static enum ckf_status receive_some(struct end *end, unsigned char *bytes, size_t *done)
{
    struct round *round = end->round;
    enum ckf_status status;
    switch (below(&end->random, 8)) {
    case 0:
        status = ckf_channel_try_recv(round->channel, bytes);
        break;
    case 1:
        status = ckf_channel_recv_until(round->channel, bytes, ckf_deadline_after_ns(20000), NULL);
        break;
    case 2:
    case 3:
        return ckf_channel_recv_many(round->channel, bytes, 1 + below(&end->random, MAX_BATCH),
                                     done, CKF_FOREVER, NULL);
    default:
        status = ckf_channel_recv(round->channel, bytes);
    }
    *done = status == CKF_OK;
    return status;
}

static void check_element(struct end *end, const unsigned char *bytes)
{
    struct element element = {{0}};
    memcpy(&element, bytes, end->round->elem_size);
    uint64_t word = element.words[0], serial = word & SERIAL_MASK;
    unsigned producer = (unsigned)(word >> SERIAL_BITS);
    if (producer >= end->round->producers || !is_whole(end->round, &element))
        end->error = "an element is torn";
    else if (serial < end->last[producer])
        end->error = "two elements of one producer came in the wrong order, or one came twice";
    else
        end->last[producer] = serial + 1;
    end->checksum += mixed(word);
    end->count++;
}

static void *consume(void *arg)
{
    struct end *end = arg;
    struct round *round = end->round;
    enum ckf_status status = CKF_OK;
    while (status != CKF_CLOSED) {
        unsigned char bytes[MAX_BATCH * sizeof(struct element)];
        size_t done = 0;
        bool was_closed = ckf_channel_is_closed(round->channel);
        status = receive_some(end, bytes, &done);
        for (size_t i = 0; i < done; i++)
            check_element(end, bytes + i * round->elem_size);
        if (was_closed && status != CKF_OK && status != CKF_CLOSED)
            end->error = "a receive after the close neither received nor saw it";
        uint64_t all = atomic_fetch_add(&round->received, done) + done;
        if (round->close_after != 0 && all >= round->close_after)
            ckf_channel_close(round->channel);
    }
    atomic_fetch_sub(&round->running, 1);
    return NULL;
}

/* --- stopping threads --- */

static void stand_still(int signal)
{
    int saved_errno = errno;
    (void)signal;
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    errno = saved_errno;
}

/* Stops threads where they are, one after another, until all have ended. They stay joinable. */
static void disturb(struct round *round, struct end *ends, unsigned count, uint64_t *random)
{
    while (atomic_load(&round->running) == count) {
        pthread_kill(ends[below(random, count)].thread, SIGUSR1);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

/* --- rounds --- */

static const size_t capacities[] = {0, 1, 2, 3, 7, 64, 1000, CKF_UNBOUNDED};

static bool start_round(struct round *round, uint64_t seed, uint64_t number, unsigned threads)
{
    uint64_t random = seed + number * UINT64_C(0x632be59bd9b4e019);
    *round = (struct round){.seed = next_random(&random)};
    round->capacity = capacities[below(&random, sizeof capacities / sizeof *capacities)];
    round->elem_size = below(&random, 4) == 0 ? sizeof(struct element) : sizeof(uint64_t);
    round->producers = 1 + (unsigned)below(&random, threads);
    round->consumers = 1 + (unsigned)below(&random, threads);
    round->single_producer = round->producers == 1 && below(&random, 2) == 0;
    round->single_consumer = round->consumers == 1 && below(&random, 2) == 0;
    /* sleeping and waking cost much more than moving */
    round->each = (round->capacity < 64 ? 20000 : 400000) / round->producers;
    if (below(&random, 3) == 0)
        round->close_after = 1 + below(&random, round->each * round->producers);
    struct ckf_channel_options options = {
        .name = "soak",
        .variant = below(&random, 4) == 0 ? CKF_VARIANT_MUTEX : CKF_VARIANT_ATOMIC,
        .capacity = round->capacity,
        .elem_size = round->elem_size,
        .producers = round->producers,
        .flags = (round->single_producer ? CKF_CHANNEL_SINGLE_PRODUCER : 0) |
                 (round->single_consumer ? CKF_CHANNEL_SINGLE_CONSUMER : 0)};
    return ckf_channel_create(&round->channel, &options) == CKF_OK;
}

static const char *judge(const struct end *ends, const struct round *round)
{
    uint64_t sent = 0, received = 0, sent_sum = 0, received_sum = 0;
    for (unsigned i = 0; i < round->producers + round->consumers; i++) {
        if (ends[i].error != NULL)
            return ends[i].error;
        *(i < round->producers ? &sent : &received) += ends[i].count;
        *(i < round->producers ? &sent_sum : &received_sum) += ends[i].checksum;
    }
    if (received != sent)
        return received < sent ? "accepted elements were not received" : "elements came twice";
    return received_sum != sent_sum ? "the checksums differ" : NULL;
}

/* Returns how many elements were moved; *error: what went wrong, or NULL. */
static uint64_t run_round(struct round *round, const char **error)
{
    struct end ends[2 * MAX_ENDS] = {{0}};
    unsigned count = round->producers + round->consumers;
    uint64_t random = round->seed;
    atomic_store(&round->running, count);
    for (unsigned i = 0; i < count; i++) {
        bool sends = i < round->producers;
        ends[i].round = round;
        ends[i].number = sends ? i : i - round->producers;
        ends[i].random = round->seed + i + 1;
        if (pthread_create(&ends[i].thread, NULL, sends ? produce : consume, &ends[i]) != 0) {
            perror("ckf-stress-soak: no thread");
            exit(2);
        }
    }
    if (below(&random, 2) == 0)
        disturb(round, ends, count, &random);
    for (unsigned i = 0; i < count; i++)
        pthread_join(ends[i].thread, NULL);
    ckf_channel_destroy(round->channel);
    *error = judge(ends, round);
    return atomic_load(&round->received);
}

/* --- the command --- */

struct settings {
    double elements;
    uint64_t seed, from;
    unsigned threads;
};

static bool parse(struct settings *settings, int argc, char **argv)
{
    *settings = (struct settings){.elements = 1e7, .seed = 1, .threads = 3};
    if (argc < 2 || strcmp(argv[1], "channel") != 0 || argc % 2 != 0)
        return false;
    for (int i = 2; i < argc; i += 2) {
        char *end;
        double number = strtod(argv[i + 1], &end);
        if (*end != '\0' || !(number >= 0))
            return false;
        if (strcmp(argv[i], "--elements") == 0)
            settings->elements = number;
        else if (strcmp(argv[i], "--seed") == 0)
            settings->seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--from") == 0)
            settings->from = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--threads") == 0 && number >= 1 && number <= MAX_ENDS)
            settings->threads = (unsigned)number;
        else
            return false;
    }
    return true;
}

static void say_how_far(const struct settings *settings, uint64_t round, double moved)
{
    printf("%.4g of %.4g elements; goes on with: ckf-stress-soak channel --seed %" PRIu64
           " --from %" PRIu64 " --elements %.4g\n",
           moved, settings->elements, settings->seed, round, settings->elements - moved);
    fflush(stdout);
}

/* Elements by kind of channel. */
enum { RENDEZVOUS, BOUNDED, UNBOUNDED, KINDS };

static unsigned kind_of(const struct round *round)
{
    if (round->capacity == 0)
        return RENDEZVOUS;
    return round->capacity == CKF_UNBOUNDED ? UNBOUNDED : BOUNDED;
}

static int soak(const struct settings *settings)
{
    double moved = 0, by_kind[KINDS] = {0};
    time_t said = time(NULL);
    uint64_t number = settings->from;
    for (; moved < settings->elements; number++) {
        struct round round;
        const char *error;
        if (!start_round(&round, settings->seed, number, settings->threads)) {
            fprintf(stderr, "ckf-stress-soak: no memory for a channel\n");
            return 2;
        }
        double now = (double)run_round(&round, &error);
        moved += now;
        by_kind[kind_of(&round)] += now;
        if (error != NULL) {
            printf("[  FAILED  ] round %" PRIu64 " of seed %" PRIu64 ": %s\n", number,
                   settings->seed, error);
            return 1;
        }
        if (time(NULL) - said >= 10) {
            said = time(NULL);
            say_how_far(settings, number + 1, moved);
        }
    }
    printf("[       OK ] %.4g elements in %" PRIu64 " rounds: each was received once, in order\n"
           "             (%.4g by rendezvous, %.4g bounded, %.4g unbounded)\n",
           moved, number - settings->from, by_kind[RENDEZVOUS], by_kind[BOUNDED],
           by_kind[UNBOUNDED]);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings;
    if (!parse(&settings, argc, argv)) {
        fprintf(stderr, "usage: ckf-stress-soak channel [--elements N] [--seed N] [--from ROUND] "
                        "[--threads 1..4]\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = stand_still, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    return soak(&settings);
}
