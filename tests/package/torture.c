/* tests/package/torture.c - a program outside that torments the installed library, through its public
 * headers alone, and keeps its own books.
 *
 *     torture [SECONDS]        for each part and variant; 0.3 where nothing is said
 *
 * Map:      threads that come and go add, by key and by handle, take and remove. What was added is what
 *           was taken, removed, left or overflowed, and what total says.
 * Filter:   a generation says by its number which rules it has. Publishers compete for the next one;
 *           each verdict is what its generation says, and no thread sees generations go backwards.
 * Channel:  senders and receivers of all kinds until somebody, or several, close it. Every accepted
 *           element comes out once, in its sender's order.
 * Fork:     while map and filter are tormented by threads, children are forked. Each uses the map, the
 *           filter and an idle channel that it inherited, and what it makes itself, threads included; its
 *           books balance, and so do the parent's in the end.
 *
 * The first thing that is not so is said on standard error, and ends the program with 1.
 */
#include <ck_filter/ck_filter.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "torture.c:%d: not so: %s\n", __LINE__, #condition);                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { MOST_THREADS = 8 };

/* Each part runs its threads until this comes. */
static int64_t part_ns = 300000000, part_ends_ns;

static bool goes_on(void)
{
    return ckf_deadline_after_ns(0) < part_ends_ns;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void run_threads(void *(*body)(void *), void *args, size_t size, unsigned count)
{
    pthread_t threads[MOST_THREADS];
    for (unsigned i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], NULL, body, (char *)args + i * size) == 0);
    for (unsigned i = 0; i < count; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
}

/* --- Map ---------------------------------------------------------------------------------------- */

enum { MAP_THREADS = 4, MAP_KEYS = 24, MAP_ROUND = 3000 };

struct map_user {
    struct ckf_counter_map *map;
    uint64_t random, added, got_back;
};

static void use_key(struct map_user *user, uint64_t number)
{
    char key[16];
    const size_t len = (size_t)snprintf(key, sizeof key, "key %" PRIu64, number % MAP_KEYS);
    const uint64_t amount = 1 + number % 3;
    uint64_t value = 0;
    struct ckf_counter *counter;
    switch (next_random(&user->random) % 16) {
    case 0:
        if (ckf_counter_map_take(user->map, key, len, &value) == CKF_OK)
            user->got_back += value;
        break;
    case 1:
        if (ckf_counter_map_remove(user->map, key, len, &value) == CKF_OK)
            user->got_back += value;
        break;
    case 2:
    case 3: { /* whose key may be removed meanwhile */
        enum ckf_status status = ckf_counter_map_counter(user->map, key, len, &counter);
        MUST(status == CKF_OK || status == CKF_OVERFLOWED);
        for (unsigned i = 0; i < 20; i++)
            ckf_counter_add(counter, amount);
        ckf_counter_release(counter);
        user->added += 20 * amount;
        break;
    }
    default: {
        enum ckf_status status = ckf_counter_map_add(user->map, key, len, amount);
        MUST(status == CKF_OK || status == CKF_OVERFLOWED);
        user->added += amount;
    }
    }
}

static void *use_map(void *arg)
{
    struct map_user *user = arg;
    for (unsigned i = 0; i < MAP_ROUND; i++)
        use_key(user, next_random(&user->random));
    return NULL;
}

static bool sum_up(const void *key, size_t key_len, uint64_t value, void *sum)
{
    (void)key;
    (void)key_len;
    *(uint64_t *)sum += value;
    return true;
}

/* The removed callback's sum is written by expire and destroy, on this thread alone. */
static void sum_removed(const void *key, size_t key_len, uint64_t value, void *sum)
{
    sum_up(key, key_len, value, sum);
}

static void torment_map(enum ckf_variant variant, size_t max_keys)
{
    struct ckf_counter_map *map;
    uint64_t removed = 0;
    const struct ckf_counter_map_options options = {.name = "torture",
                                                    .variant = variant,
                                                    .max_keys = max_keys,
                                                    .removed = sum_removed,
                                                    .removed_arg = &removed};
    struct map_user users[MAP_THREADS] = {{0}};
    MUST(ckf_counter_map_create(&map, &options) == CKF_OK);
    for (unsigned i = 0; i < MAP_THREADS; i++)
        users[i] = (struct map_user){.map = map, .random = i + 1};
    while (goes_on()) { /* with new threads each time: counts must outlive theirs */
        uint64_t added = 0, back = removed, live = 0;
        run_threads(use_map, users, sizeof *users, MAP_THREADS);
        for (unsigned i = 0; i < MAP_THREADS; i++) {
            added += users[i].added;
            back += users[i].got_back;
        }
        MUST(ckf_counter_map_for_each(map, sum_up, &live) == CKF_OK);
        MUST(back + live + ckf_counter_map_overflow(map) == added);
        MUST(ckf_counter_map_total(map) == added);
        MUST(max_keys == 0 || ckf_counter_map_len(map) <= max_keys);
        ckf_counter_map_expire(map, 1);
    }
    ckf_counter_map_destroy(map);
}

/* --- Filter ------------------------------------------------------------------------------------- */

enum { FILTER_USERS = 3, PUBLISHERS = 2, RULES = 6, RECORDS = 8 };

/* Generation g drops "word i" by rule i + 1 where bit i of its scrambled number is set. */
static bool drops(uint64_t generation, unsigned word)
{
    return generation > 1 && (generation * UINT64_C(0x9e3779b97f4a7c15) >> (40 + word) & 1) != 0;
}

struct filter_user {
    struct ckf_filter *filter;
    uint64_t random, evaluated, dropped;
    uint64_t hits[RULES];
};

static void publish_next(struct ckf_filter *filter, struct ckf_ruleset *rules, uint64_t current)
{
    for (unsigned i = 0; i < RULES; i++) {
        char word[16];
        struct ckf_rule rule = {.id = i + 1, .match = CKF_MATCH_EXACT, .action = CKF_ACTION_DROP};
        rule.pattern = word;
        rule.pattern_len = (size_t)snprintf(word, sizeof word, "word %u", i);
        if (drops(current + 1, i))
            MUST(ckf_ruleset_add(rules, &rule) == CKF_OK);
    }
    uint64_t generation = 0;
    enum ckf_status status = ckf_filter_publish(filter, rules, current, &generation);
    MUST(status == CKF_OK || status == CKF_STALE || status == CKF_BUSY);
    MUST(status != CKF_OK || generation == current + 1);
    MUST(status != CKF_STALE || generation > current);
}

static void *publish_all_the_time(void *arg)
{
    struct filter_user *user = arg;
    while (goes_on()) {
        struct ckf_ruleset *rules;
        MUST(ckf_ruleset_create(&rules) == CKF_OK);
        publish_next(user->filter, rules, ckf_filter_generation(user->filter));
        ckf_ruleset_destroy(rules); /* may be gone as soon as publish has returned */
    }
    return NULL;
}

static void judge(struct filter_user *user, const struct ckf_verdict *verdict, unsigned word)
{
    bool dropped = word < RULES && drops(verdict->generation, word);
    MUST(verdict->action == (dropped ? CKF_ACTION_DROP : CKF_ACTION_PASS));
    MUST(verdict->reason == (dropped ? CKF_REASON_RULE : CKF_REASON_DEFAULT));
    user->evaluated++;
    user->dropped += dropped;
    if (dropped) {
        MUST(verdict->rule_id == word + 1);
        user->hits[word]++;
    }
}

static void *evaluate_all_the_time(void *arg)
{
    struct filter_user *user = arg;
    uint64_t latest = 0;
    while (goes_on()) {
        char texts[RECORDS][16];
        struct ckf_record records[RECORDS];
        struct ckf_verdict verdicts[RECORDS];
        unsigned words[RECORDS];
        for (unsigned i = 0; i < RECORDS; i++) {
            words[i] =
                (unsigned)(next_random(&user->random) % (RULES + 2)); /* two without a rule */
            records[i].len = (size_t)snprintf(texts[i], sizeof texts[i], "word %u", words[i]);
            records[i].data = texts[i];
        }
        ckf_filter_evaluate_many(user->filter, records, verdicts, RECORDS);
        for (unsigned i = 0; i < RECORDS; i++) {
            MUST(verdicts[i].generation == verdicts[0].generation);
            judge(user, &verdicts[i], words[i]);
        }
        MUST(verdicts[0].generation >= latest);
        verdicts[1] = ckf_filter_evaluate(user->filter, records[1]);
        MUST(verdicts[1].generation >= verdicts[0].generation);
        latest = verdicts[1].generation;
        judge(user, &verdicts[1], words[1]);
    }
    return NULL;
}

static void *use_filter(void *arg)
{
    struct filter_user *user = arg;
    return user->random <= PUBLISHERS ? publish_all_the_time(arg) : evaluate_all_the_time(arg);
}

static bool compare_hits(uint32_t rule_id, uint64_t hits, void *arg)
{
    uint64_t *expected = arg;
    MUST(rule_id >= 1 && rule_id <= RULES);
    MUST(hits == expected[rule_id - 1]);
    expected[rule_id - 1] = 0;
    return true;
}

static void torment_filter(enum ckf_variant variant)
{
    enum { USERS = PUBLISHERS + FILTER_USERS };
    const struct ckf_filter_options options = {.name = "torture", .variant = variant};
    struct filter_user users[USERS];
    struct ckf_filter *filter;
    struct ckf_filter_stats stats;
    uint64_t evaluated = 0, dropped = 0, hits[RULES] = {0};
    MUST(ckf_filter_create(&filter, &options) == CKF_OK);
    for (unsigned i = 0; i < USERS; i++)
        users[i] = (struct filter_user){.filter = filter, .random = i + 1};
    run_threads(use_filter, users, sizeof *users, USERS);
    for (unsigned i = 0; i < USERS; i++) {
        evaluated += users[i].evaluated;
        dropped += users[i].dropped;
        for (unsigned j = 0; j < RULES; j++)
            hits[j] += users[i].hits[j];
    }
    ckf_filter_read_stats(filter, &stats);
    MUST(stats.generation > 1);
    MUST(stats.evaluated == evaluated && stats.dropped == dropped);
    MUST(stats.passed == evaluated - dropped);
    MUST(ckf_filter_for_each_rule(filter, compare_hits, hits) == CKF_OK);
    for (unsigned j = 0; j < RULES; j++)
        MUST(hits[j] == 0);
    ckf_filter_destroy(filter);
}

/* --- Channel ------------------------------------------------------------------------------------ */

enum { SENDERS = 2, RECEIVERS = 2, CHANNEL_ROUND = 4000, BATCH = 5, SENDER_SHIFT = 32 };

struct traffic {
    struct ckf_channel *channel;
    _Atomic(uint64_t) accepted[SENDERS];
    _Atomic(uint8_t) times[SENDERS][CHANNEL_ROUND]; /* that each element was received */
    uint64_t
        close_at; /* a sender's element before which it closes; not at all if it is too large */
};

struct channel_user {
    struct traffic *traffic;
    unsigned number; /* senders first */
    uint64_t random;
};

/* Sends up to `most` elements from `*next` on; CKF_OK if any went. */
static enum ckf_status send_some(struct channel_user *user, uint64_t *next, uint64_t most)
{
    struct ckf_channel *channel = user->traffic->channel;
    uint64_t batch[BATCH];
    size_t done = 1, chosen;
    enum ckf_status status = CKF_OK;
    for (uint64_t i = 0; i < BATCH; i++)
        batch[i] = (uint64_t)user->number << SENDER_SHIFT | (*next + i);
    struct ckf_select_case only = {.channel = channel, .direction = CKF_SEND, .elem = batch};
    switch (next_random(&user->random) % 5) {
    case 0:
        status = ckf_channel_try_send(channel, batch);
        break;
    case 1:
        status = ckf_channel_send_until(
            channel, batch, ckf_deadline_after_ns((int64_t)(next_random(&user->random) % 20000)),
            NULL);
        break;
    case 2:
        status = ckf_channel_send_many(channel, batch, most < BATCH ? most : BATCH, &done,
                                       CKF_FOREVER, NULL);
        break;
    case 3:
        status = ckf_select(&only, 1, &chosen, CKF_FOREVER, NULL);
        if (status == CKF_OK)
            status = only.status;
        break;
    default:
        status = ckf_channel_send(channel, batch);
    }
    if (status == CKF_OK)
        *next += done;
    return status;
}

static void send_all(struct channel_user *user)
{
    struct traffic *traffic = user->traffic;
    uint64_t next = 0;
    enum ckf_status status = CKF_OK;
    while (next < CHANNEL_ROUND && status != CKF_CLOSED) {
        if (next >= traffic->close_at)
            ckf_channel_close(traffic->channel);
        status = send_some(user, &next, CHANNEL_ROUND - next);
        MUST(status == CKF_OK || status == CKF_AGAIN || status == CKF_TIMED_OUT ||
             status == CKF_CLOSED);
    }
    atomic_store(&traffic->accepted[user->number], next);
    ckf_channel_producer_done(traffic->channel);
}

static enum ckf_status receive_some(struct channel_user *user, uint64_t *batch, size_t *done)
{
    struct ckf_channel *channel = user->traffic->channel;
    struct ckf_select_case only = {.channel = channel, .direction = CKF_RECV, .elem = batch};
    size_t chosen;
    *done = 1;
    switch (next_random(&user->random) % 5) {
    case 0:
        return ckf_channel_try_recv(channel, batch);
    case 1:
        return ckf_channel_recv_until(
            channel, batch, ckf_deadline_after_ns((int64_t)(next_random(&user->random) % 20000)),
            NULL);
    case 2:
        return ckf_channel_recv_many(channel, batch, BATCH, done, CKF_FOREVER, NULL);
    case 3: {
        enum ckf_status status = ckf_select(&only, 1, &chosen, CKF_FOREVER, NULL);
        return status == CKF_OK ? only.status : status;
    }
    default:
        return ckf_channel_recv(channel, batch);
    }
}

static void receive_all(struct channel_user *user)
{
    struct traffic *traffic = user->traffic;
    uint64_t seen[SENDERS] = {0}; /* 1 + the latest */
    for (;;) {
        uint64_t batch[BATCH];
        size_t done;
        enum ckf_status status = receive_some(user, batch, &done);
        if (status == CKF_CLOSED)
            return;
        if (status == CKF_AGAIN || status == CKF_TIMED_OUT)
            continue;
        MUST(status == CKF_OK && done >= 1 && done <= BATCH);
        for (size_t i = 0; i < done; i++) {
            uint64_t sender = batch[i] >> SENDER_SHIFT;
            uint64_t serial = batch[i] & ((UINT64_C(1) << SENDER_SHIFT) - 1);
            MUST(sender < SENDERS && serial < CHANNEL_ROUND);
            MUST(serial + 1 > seen[sender]);
            seen[sender] = serial + 1;
            MUST(atomic_fetch_add(&traffic->times[sender][serial], 1) == 0);
        }
    }
}

static void *use_channel(void *arg)
{
    struct channel_user *user = arg;
    if (user->number < SENDERS)
        send_all(user);
    else
        receive_all(user);
    return NULL;
}

static void torment_one_channel(enum ckf_variant variant, size_t capacity, uint64_t seed)
{
    static struct traffic traffic;
    struct channel_user users[SENDERS + RECEIVERS];
    const struct ckf_channel_options options = {.name = "torture",
                                                .variant = variant,
                                                .capacity = capacity,
                                                .elem_size = sizeof(uint64_t),
                                                .producers = SENDERS};
    memset(&traffic, 0, sizeof traffic);
    MUST(ckf_channel_create(&traffic.channel, &options) == CKF_OK);
    traffic.close_at = next_random(&seed) % (2 * CHANNEL_ROUND); /* a storm: each sender closes */
    for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
        users[i] = (struct channel_user){&traffic, i, next_random(&seed)};
    run_threads(use_channel, users, sizeof *users, SENDERS + RECEIVERS);
    MUST(ckf_channel_is_closed(traffic.channel) && ckf_channel_len(traffic.channel) == 0);
    MUST(ckf_channel_close(traffic.channel) == CKF_ALREADY);
    for (unsigned i = 0; i < SENDERS; i++)
        for (uint64_t j = 0; j < CHANNEL_ROUND; j++)
            MUST(traffic.times[i][j] == (j < traffic.accepted[i]));
    ckf_channel_destroy(traffic.channel);
}

static void torment_channels(enum ckf_variant variant)
{
    static const size_t capacities[] = {0, 1, 3, 64, CKF_UNBOUNDED};
    for (uint64_t round = 0; round < 5 || goes_on(); round++)
        torment_one_channel(variant, capacities[round % 5], 1 + round);
}

/* --- Fork --------------------------------------------------------------------------------------- */

enum { FORK_ADDERS = 2, FORK_USERS = FORK_ADDERS + PUBLISHERS + 1, CHILD_SECONDS = 30 };

struct inherited {
    struct ckf_counter_map *map; /* threads only add to it */
    struct ckf_filter *filter;
    struct ckf_channel *idle; /* holds one element, and no thread is in it */
};

struct fork_user {
    struct inherited *inherited;
    struct filter_user filter;
    unsigned number;
    uint64_t added;
};

static void add_to(struct ckf_counter_map *map, uint64_t number)
{
    char key[24];
    const size_t len = (size_t)snprintf(key, sizeof key, "key %" PRIu64, number);
    ckf_counter_map_add(map, key, len, 1);
}

static void *use_what_forks_meet(void *arg)
{
    struct fork_user *user = arg;
    if (user->number >= FORK_ADDERS)
        return use_filter(&user->filter);
    for (; goes_on(); user->added++)
        add_to(user->inherited->map, user->added % (user->added % 64 == 0 ? 100000 : 100));
    return NULL;
}

static void use_inherited_map(struct ckf_counter_map *map)
{
    uint64_t before = ckf_counter_map_total(map), live = 0;
    for (uint64_t i = 0; i < 200; i++)
        add_to(map, i);
    MUST(ckf_counter_map_for_each(map, sum_up, &live) == CKF_OK);
    MUST(live + ckf_counter_map_overflow(map) == before + 200);
    MUST(ckf_counter_map_total(map) == before + 200);
}

static void use_inherited_filter(struct ckf_filter *filter)
{
    struct filter_user user = {.filter = filter};
    struct ckf_filter_stats before, after;
    ckf_filter_read_stats(filter, &before);
    MUST(before.evaluated == before.passed + before.dropped);
    for (unsigned round = 0; round < 3; round++) {
        struct ckf_ruleset *rules;
        MUST(ckf_ruleset_create(&rules) == CKF_OK);
        publish_next(filter, rules, ckf_filter_generation(filter));
        ckf_ruleset_destroy(rules);
        struct ckf_verdict verdict = ckf_filter_evaluate(filter, (struct ckf_record){"word 2", 6});
        MUST(verdict.generation == before.generation + round + 1);
        judge(&user, &verdict, 2);
    }
    ckf_filter_read_stats(filter, &after);
    MUST(after.evaluated == before.evaluated + 3);
    MUST(after.dropped == before.dropped + user.dropped);
}

static void *pass_on(void *arg)
{
    struct ckf_channel *const *ends = arg;
    uint64_t element;
    MUST(ckf_channel_recv(ends[0], &element) == CKF_OK);
    MUST(ckf_channel_send(ends[1], &element) == CKF_OK);
    return NULL;
}

/* An element goes through the inherited channel to a thread of the child's, and back by a new one. */
static void use_channels(struct ckf_channel *idle)
{
    const struct ckf_channel_options options = {.name = "torture", .elem_size = sizeof(uint64_t)};
    struct ckf_channel *ends[2] = {idle};
    uint64_t element = 0;
    MUST(ckf_channel_try_recv(idle, &element) == CKF_OK && element == 7);
    MUST(ckf_channel_create(&ends[1], &options) == CKF_OK);
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, pass_on, ends) == 0);
    element = 8;
    MUST(ckf_channel_send(idle, &element) == CKF_OK);
    MUST(ckf_channel_recv(ends[1], &element) == CKF_OK && element == 8);
    MUST(pthread_join(thread, NULL) == 0);
    ckf_channel_destroy(ends[1]);
    MUST(ckf_channel_close(idle) == CKF_OK);
}

static void fork_once(const struct inherited *inherited)
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS);
        use_inherited_map(inherited->map);
        use_inherited_filter(inherited->filter);
        use_channels(inherited->idle);
        _exit(0);
    }
    int status = -1;
    MUST(waitpid(child, &status, 0) == child);
    MUST(status == 0);
}

static void torment_forks(enum ckf_variant variant)
{
    const struct ckf_counter_map_options map_options = {.name = "torture", .variant = variant};
    const struct ckf_filter_options filter_options = {.name = "torture", .variant = variant};
    const struct ckf_channel_options channel_options = {
        .name = "torture", .variant = variant, .capacity = 1, .elem_size = sizeof(uint64_t)};
    struct inherited inherited;
    struct fork_user users[FORK_USERS];
    pthread_t threads[FORK_USERS];
    uint64_t element = 7, added = 0, live = 0;
    MUST(ckf_counter_map_create(&inherited.map, &map_options) == CKF_OK);
    MUST(ckf_filter_create(&inherited.filter, &filter_options) == CKF_OK);
    MUST(ckf_channel_create(&inherited.idle, &channel_options) == CKF_OK);
    MUST(ckf_channel_send(inherited.idle, &element) == CKF_OK);
    for (unsigned i = 0; i < FORK_USERS; i++) {
        users[i] = (struct fork_user){.inherited = &inherited, .number = i};
        users[i].filter =
            (struct filter_user){.filter = inherited.filter, .random = i - FORK_ADDERS + 1};
        MUST(pthread_create(&threads[i], NULL, use_what_forks_meet, &users[i]) == 0);
    }
    do
        fork_once(&inherited);
    while (goes_on());
    for (unsigned i = 0; i < FORK_USERS; i++) {
        MUST(pthread_join(threads[i], NULL) == 0);
        added += users[i].added;
    }
    MUST(ckf_counter_map_for_each(inherited.map, sum_up, &live) == CKF_OK);
    MUST(live == added && ckf_counter_map_total(inherited.map) == added);
    MUST(ckf_channel_try_recv(inherited.idle, &element) == CKF_OK && element == 7);
    ckf_counter_map_destroy(inherited.map);
    ckf_filter_destroy(inherited.filter);
    ckf_channel_destroy(inherited.idle);
}

/* --- All of it ---------------------------------------------------------------------------------- */

static void begin_part(void)
{
    part_ends_ns = ckf_deadline_after_ns(part_ns);
}

int main(int argc, char **argv)
{
    static const enum ckf_variant variants[] = {CKF_VARIANT_ATOMIC, CKF_VARIANT_MUTEX};
    if (argc > 1)
        part_ns = (int64_t)(atof(argv[1]) * 1e9);
    for (int i = 0; i < 2; i++) {
        begin_part();
        torment_map(variants[i], 0);
        begin_part();
        torment_map(variants[i], MAP_KEYS / 2);
        begin_part();
        torment_filter(variants[i]);
        begin_part();
        torment_channels(variants[i]);
        begin_part();
        torment_forks(variants[i]);
    }
    puts("torture is content");
    return 0;
}
