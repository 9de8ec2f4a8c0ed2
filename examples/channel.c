/* examples/channel.c - a channel: several producers, several consumers, and a close that loses
 * nothing.
 *
 * Producers are counted: when the last one says that it is done, the channel closes itself, and
 * every consumer leaves its loop once the channel is drained. Nobody has to know who is the last.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <ck_filter/channel.h>

enum { PRODUCERS = 3, CONSUMERS = 2, JOBS = 1000 };

static atomic_uint_fast64_t received, sum;

static void check(enum ckf_status status, const char *what)
{
    if (status == CKF_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ckf_status_name(status));
    exit(1);
}

static void *produce(void *arg)
{
    struct ckf_channel *jobs = arg;
    for (uint64_t job = 1; job <= JOBS; job++)
        check(ckf_channel_send(jobs, &job), "ckf_channel_send");
    ckf_channel_producer_done(jobs);
    return NULL;
}

static void *consume(void *arg)
{
    struct ckf_channel *jobs = arg;
    uint64_t job;
    while (ckf_channel_recv(jobs, &job) == CKF_OK) {
        atomic_fetch_add(&received, 1);
        atomic_fetch_add(&sum, job);
    }
    return NULL; /* closed and drained */
}

int main(void)
{
    struct ckf_channel *jobs;
    struct ckf_channel_options options = {
        .name = "jobs", .capacity = 16, .elem_size = sizeof(uint64_t), .producers = PRODUCERS};
    pthread_t threads[PRODUCERS + CONSUMERS];
    check(ckf_channel_create(&jobs, &options), "ckf_channel_create");
    for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
        if (pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, jobs) != 0)
            return 1;
    for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
        pthread_join(threads[i], NULL);

    /* A late send is an outcome, not a crash: the element is still the caller's. */
    uint64_t late = 7;
    enum ckf_status status = ckf_channel_try_send(jobs, &late);
    printf("received %" PRIuFAST64 " jobs; a late send: %s\n", atomic_load(&received),
           ckf_status_name(status));
    ckf_channel_destroy(jobs);
    bool all = atomic_load(&received) == PRODUCERS * JOBS &&
               atomic_load(&sum) == (uint64_t)PRODUCERS * JOBS * (JOBS + 1) / 2;
    return all && status == CKF_CLOSED ? 0 : 1;
}
