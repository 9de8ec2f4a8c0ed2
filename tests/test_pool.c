/* tests/test_pool.c - objects that are handed out, reset, bounded and freed; both variants. */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ck_filter/pool.h>

#include "misuse.h"

/* A pooled object that knows in which state it is. */
struct item {
    int value;
    atomic_int users;
    void *held;
};

enum { INITIAL = 77 };

struct counts {
    atomic_int resets, discards;
};

static void reset_item(void *object, void *arg)
{
    struct item *item = object;
    struct counts *counts = arg;
    atomic_fetch_add(&counts->resets, 1);
    if (item->held != NULL)
        free(item->held);
    item->held = NULL;
    item->value = INITIAL;
}

static void discard_item(void *object, void *arg)
{
    struct counts *counts = arg;
    assert_int_equal(((struct item *)object)->value, INITIAL);
    atomic_fetch_add(&counts->discards, 1);
}

static struct ckf_pool *make(void **state, struct counts *counts, size_t max_idle)
{
    struct ckf_pool *pool = NULL;
    const struct ckf_pool_options options = {
        .name = "items",
        .variant = VARIANT(state),
        .size = sizeof(struct item),
        .reset = reset_item,
        .discard = discard_item,
        .arg = counts,
        .max_idle = max_idle,
    };
    assert_int_equal(ckf_pool_create(&pool, &options), CKF_OK);
    return pool;
}

static struct item *get(struct ckf_pool *pool)
{
    struct item *item = ckf_pool_get(pool);
    assert_non_null(item);
    assert_int_equal(item->value, INITIAL);
    assert_null(item->held);
    return item;
}

static void objects_come_as_reset_left_them(void **state)
{
    struct counts counts = {0};
    struct ckf_pool *pool = make(state, &counts, 4);
    struct item *first = get(pool);
    assert_int_equal((uintptr_t)first % _Alignof(max_align_t), 0);
    assert_int_equal(counts.resets, 1);
    first->value = 1;
    first->held = malloc(10);
    ckf_pool_put(pool, first);
    assert_int_equal(counts.resets, 2);
    struct item *second = get(pool);
    assert_ptr_equal(second, first);
    assert_int_equal(counts.resets, 2);
    ckf_pool_put(pool, second);
    ckf_pool_destroy(pool);
    assert_int_equal(counts.resets, 3);
    assert_int_equal(counts.discards, 1);
}

static void objects_without_reset_come_zeroed(void **state)
{
    struct ckf_pool *pool = NULL;
    const struct ckf_pool_options options = {.variant = VARIANT(state), .size = 100};
    const char zeros[100] = {0};
    assert_int_equal(ckf_pool_create(&pool, &options), CKF_OK);
    for (int round = 0; round < 3; round++) {
        char *object = ckf_pool_get(pool);
        assert_memory_equal(object, zeros, 100);
        memset(object, 'x', 100);
        ckf_pool_put(pool, object);
    }
    ckf_pool_destroy(pool);
}

enum { MOST = 200 };

static void what_exceeds_the_bound_is_discarded(void **state)
{
    static const size_t bounds[] = {1, 2, 15, 16, 17, 48, 49, 130, 199, 1000};
    size_t before = live_allocations();
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct counts counts = {0};
        struct ckf_pool *pool = make(state, &counts, bounds[i]);
        struct item *items[MOST];
        int kept = bounds[i] < MOST ? (int)bounds[i] : MOST;
        for (int round = 0; round < 2; round++) {
            for (int j = 0; j < MOST; j++)
                items[j] = get(pool);
            for (int j = 0; j < MOST; j++)
                ckf_pool_put(pool, items[j]);
        }
        assert_int_equal(counts.discards, 2 * (MOST - kept));
        ckf_pool_destroy(pool);
        assert_int_equal(counts.discards, 2 * MOST - kept);
        assert_int_equal(live_allocations(), before);
    }
}

static void a_bound_beyond_reason_costs_no_memory(void **state)
{
    struct counts counts = {0};
    struct ckf_pool *pool = make(state, &counts, SIZE_MAX);
    ckf_pool_put(pool, get(pool));
    ckf_pool_destroy(pool);
}

static void the_default_bound_keeps_some(void **state)
{
    struct counts counts = {0};
    struct ckf_pool *pool = make(state, &counts, 0);
    struct item *items[MOST];
    for (int i = 0; i < MOST; i++)
        items[i] = get(pool);
    for (int i = 0; i < MOST; i++)
        ckf_pool_put(pool, items[i]);
    assert_int_equal(counts.discards, 0);
    ckf_pool_destroy(pool);
    assert_int_equal(counts.discards, MOST);
}

static void bad_options_are_refused(void **state)
{
    struct ckf_pool *pool = NULL;
    struct ckf_pool_options options = {.variant = VARIANT(state), .size = 0};
    assert_int_equal(ckf_pool_create(&pool, &options), CKF_INVALID);
    assert_int_equal(ckf_pool_create(&pool, NULL), CKF_INVALID);
    options.size = SIZE_MAX;
    assert_int_equal(ckf_pool_create(&pool, &options), CKF_INVALID);
    options.size = 8;
    options.reserved[3] = 1;
    assert_int_equal(ckf_pool_create(&pool, &options), CKF_INVALID);
    options.reserved[3] = 0;
    options.variant = (enum ckf_variant)2;
    assert_int_equal(ckf_pool_create(&pool, &options), CKF_INVALID);
    assert_null(pool);
}

/* --- threads --- */

struct exchange {
    struct ckf_pool *pool;
    struct item *items[MOST];
};

static int put_all(void *arg)
{
    struct exchange *exchange = arg;
    for (int i = 0; i < MOST; i++)
        ckf_pool_put(exchange->pool, exchange->items[i]);
    return 0;
}

static void objects_put_by_an_exited_thread_are_used_again(void **state)
{
    struct counts counts = {0};
    struct exchange exchange = {.pool = make(state, &counts, MOST)};
    for (int round = 0; round < 3; round++) {
        struct test_thread thread;
        for (int i = 0; i < MOST; i++)
            exchange.items[i] = get(exchange.pool);
        thread_start(&thread, put_all, &exchange);
        thread_join(&thread);
    }
    ckf_pool_destroy(exchange.pool);
    assert_int_equal(counts.discards, MOST); /* as many as were ever made */
}

enum { USERS = 4, ROUNDS = 2000, HELD = 20 };

static int use(void *arg)
{
    struct ckf_pool *pool = arg;
    struct item *held[HELD];
    for (int round = 0; round < ROUNDS; round++) {
        int count = 1 + round % HELD;
        for (int i = 0; i < count; i++) {
            held[i] = get(pool);
            assert_int_equal(atomic_fetch_add(&held[i]->users, 1), 0);
            held[i]->value = round;
        }
        for (int i = 0; i < count; i++) {
            assert_int_equal(held[i]->value, round);
            assert_int_equal(atomic_fetch_sub(&held[i]->users, 1), 1);
            ckf_pool_put(pool, held[i]);
        }
    }
    return 0;
}

static void an_object_has_one_user_at_a_time(void **state)
{
    static const size_t bounds[] = {1, 3, 17, 40, 1000};
    size_t before = live_allocations();
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct counts counts = {0};
        struct ckf_pool *pool = make(state, &counts, bounds[i]);
        struct test_thread users[USERS];
        for (int j = 0; j < USERS; j++)
            thread_start(&users[j], use, pool);
        for (int j = 0; j < USERS; j++)
            thread_join(&users[j]);
        ckf_pool_destroy(pool);
        assert_int_equal(live_allocations(), before);
    }
}

/* --- failures --- */

static void without_memory_nothing_is_lost(void **state)
{
    struct counts counts = {0};
    size_t before = live_allocations();
    struct ckf_pool *pool = NULL;
    const struct ckf_pool_options options = {.name = "items",
                                             .variant = VARIANT(state),
                                             .size = sizeof(struct item),
                                             .reset = reset_item,
                                             .discard = discard_item,
                                             .arg = &counts,
                                             .max_idle = 40};
    unsigned nth = 0;
    for (;;) {
        fail_allocation(++nth);
        if (ckf_pool_create(&pool, &options) != CKF_NO_MEMORY)
            break;
        assert_null(pool);
        assert_int_equal(live_allocations(), before);
    }
    assert_int_equal(nth, VARIANT(state) == CKF_VARIANT_ATOMIC ? 4 : 3);
    fail_allocation(1);
    assert_null(ckf_pool_get(pool));
    struct item *items[40];
    for (int i = 0; i < 40; i++)
        items[i] = get(pool);
    fail_allocation(1); /* a put that cannot find room discards at the worst */
    for (int i = 0; i < 40; i++)
        ckf_pool_put(pool, items[i]);
    fail_allocation(0);
    ckf_pool_destroy(pool);
    assert_int_equal(counts.discards, 40);
    assert_int_equal(live_allocations(), before);
}

static void put_twice(void *arg)
{
    struct item *item = ckf_pool_get(arg);
    ckf_pool_put(arg, item);
    ckf_pool_put(arg, item);
}

static void put_elsewhere(void *arg)
{
    struct ckf_pool **pools = arg;
    ckf_pool_put(pools[1], ckf_pool_get(pools[0]));
}

static void put_nothing(void *arg)
{
    ckf_pool_put(arg, NULL);
}

static void get_from_nothing(void *arg)
{
    ckf_pool_get(arg);
}

static void destroy_early(void *arg)
{
    if (ckf_pool_get(arg) != NULL)
        ckf_pool_destroy(arg);
}

static void misuse_aborts_with_a_sentence(void **state)
{
    struct counts counts = {0};
    struct ckf_pool *pools[2] = {make(state, &counts, 4), make(state, &counts, 4)};
    assert_true(aborts_in("ckf_pool_put", put_twice, pools[0]));
    assert_true(aborts_in("ckf_pool_put", put_elsewhere, pools));
    assert_true(aborts_in("ckf_pool_put", put_nothing, pools[0]));
    assert_true(aborts_in("ckf_pool_get", get_from_nothing, NULL));
    assert_true(aborts_in("ckf_pool_destroy", destroy_early, pools[0]));
    ckf_pool_destroy(pools[0]);
    ckf_pool_destroy(pools[1]);
}

struct traffic {
    struct ckf_pool *pool;
    _Atomic(bool) stop;
};

static int get_and_put_until_told(void *arg)
{
    struct traffic *traffic = arg;
    while (!atomic_load(&traffic->stop)) {
        void *first = ckf_pool_get(traffic->pool), *second = ckf_pool_get(traffic->pool);
        ckf_pool_put(traffic->pool, first);
        ckf_pool_put(traffic->pool, second);
    }
    return 0;
}

/* Of what rests in it, and of what is new. */
static int use_in_child(struct ckf_pool *pool)
{
    enum { OBJECTS = 20 };
    struct item *items[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        items[i] = ckf_pool_get(pool);
        if (items[i] == NULL || items[i]->value != INITIAL)
            return 1;
        items[i]->value = i;
    }
    for (int i = 0; i < OBJECTS; i++)
        ckf_pool_put(pool, items[i]);
    return 0;
}

static void fork_and_use(struct ckf_pool *pool, bool beside_threads)
{
    pid_t child = fork();
    if (child == 0)
        _exit(beside_threads && !CAN_WORK_AFTER_ALLOCATING_FORK ? 0 : use_in_child(pool));
    assert_child_succeeds(child);
}

static void a_forked_child_may_use_its_pool(void **state)
{
    struct counts counts = {0};
    struct ckf_pool *pool = make(state, &counts, 8);
    ckf_pool_put(pool, ckf_pool_get(pool));
    fork_and_use(pool, false);
    ckf_pool_destroy(pool);
}

static void a_child_forked_amid_traffic_may_use_its_lock_free_pool(void **state)
{
    enum { THREADS = 2, FORKS = 20 };
    struct counts counts = {0};
    struct traffic traffic = {.pool = make(state, &counts, 8)};
    struct test_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], get_and_put_until_told, &traffic);
    for (int i = 0; i < FORKS; i++)
        fork_and_use(traffic.pool, true);
    atomic_store(&traffic.stop, true);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    ckf_pool_destroy(traffic.pool);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        /* first: they fork, which ThreadSanitizer wants done while there is one thread */
        BOTH_VARIANTS(misuse_aborts_with_a_sentence),
        BOTH_VARIANTS(a_forked_child_may_use_its_pool),
        BOTH_VARIANTS(objects_come_as_reset_left_them),
        BOTH_VARIANTS(objects_without_reset_come_zeroed),
        BOTH_VARIANTS(what_exceeds_the_bound_is_discarded),
        BOTH_VARIANTS(a_bound_beyond_reason_costs_no_memory),
        BOTH_VARIANTS(the_default_bound_keeps_some),
        BOTH_VARIANTS(bad_options_are_refused),
        BOTH_VARIANTS(objects_put_by_an_exited_thread_are_used_again),
        BOTH_VARIANTS(an_object_has_one_user_at_a_time),
        BOTH_VARIANTS(without_memory_nothing_is_lost),
        {"a_child_forked_amid_traffic_may_use_its_lock_free_pool",
         a_child_forked_amid_traffic_may_use_its_lock_free_pool, NULL, NULL,
         (void *)(uintptr_t)&atomic_variant},
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
