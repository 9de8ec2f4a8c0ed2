/* task/leak_baseline.c - what is there now that was not there before.
 *
 * A thread is known again by its id and start time, a blocked call by its thread, object, call and
 * site. Threads that merely need a moment to end, and calls that are about to return, are no leaks:
 * the check looks again, at growing distances, until nothing is left or its time is over. The thread
 * on which reclamation callbacks run is started before the baseline, so that it belongs to it.
 */
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/threads.h"
#include "sync/parking.h"
#include "sync/reclaim.h"
#include "task/waiters.h"

/* All threads and blocked calls at one time; the leak checker's only kind of data. */
struct scene {
    struct ckf_thread_entry *threads;
    size_t thread_count;
    struct ckf_waiting_copy *waiters;
    size_t waiter_count;
};

struct ckf_leak_baseline {
    struct scene scene;
};

static void forget_scene(struct scene *scene)
{
    ckf_free(scene->threads);
    ckf_free(scene->waiters);
}

static enum ckf_status look(struct scene *scene)
{
    *scene = (struct scene){0};
    enum ckf_status status = ckf_list_threads(&scene->threads, &scene->thread_count);
    if (status == CKF_OK && !ckf_waiting_copy_all(&scene->waiters, &scene->waiter_count))
        status = CKF_NO_MEMORY;
    if (status != CKF_OK)
        forget_scene(scene);
    return status;
}

/* --- the difference of two scenes --- */

static bool has_thread(const struct scene *scene, const struct ckf_thread_entry *thread)
{
    for (size_t i = 0; i < scene->thread_count; i++)
        if (scene->threads[i].id == thread->id &&
            scene->threads[i].start_ticks == thread->start_ticks)
            return true;
    return false;
}

static bool has_waiter(const struct scene *scene, const struct ckf_waiting_copy *waiter)
{
    for (size_t i = 0; i < scene->waiter_count; i++)
        if (scene->waiters[i].thread_id == waiter->thread_id &&
            ckf_waits_alike(&scene->waiters[i], waiter))
            return true;
    return false;
}

static bool waits_somewhere(const struct scene *scene, uint64_t thread_id)
{
    for (size_t i = 0; i < scene->waiter_count; i++)
        if (scene->waiters[i].thread_id == thread_id)
            return true;
    return false;
}

static bool is_new_waiter(const struct scene *before, const struct ckf_waiting_copy *waiter)
{
    return waiter->thread_id != (uint64_t)gettid() && !has_waiter(before, waiter);
}

/* Those that wait are told as waiters. */
static bool is_new_thread(const struct scene *before, const struct scene *now,
                          const struct ckf_thread_entry *thread)
{
    return thread->id != (uint64_t)gettid() && !has_thread(before, thread) &&
           !waits_somewhere(now, thread->id);
}

static bool is_anything_new(const struct scene *before, const struct scene *now)
{
    for (size_t i = 0; i < now->waiter_count; i++)
        if (is_new_waiter(before, &now->waiters[i]))
            return true;
    for (size_t i = 0; i < now->thread_count; i++)
        if (is_new_thread(before, now, &now->threads[i]))
            return true;
    return false;
}

static bool visit_thread(const struct ckf_thread_entry *thread, ckf_waiter_visit visit, void *arg)
{
    struct ckf_waiter waiter = {
        .object = "thread",
        .name = thread->name,
        .operation = "run",
        .thread_id = thread->id,
        .since_ns = ckf_thread_start_ns(thread),
    };
    return visit(&waiter, arg);
}

static void visit_new(const struct scene *before, const struct scene *now, ckf_waiter_visit visit,
                      void *arg)
{
    for (size_t i = 0; i < now->waiter_count; i++) {
        char text[CKF_SITE_TEXT_BYTES];
        if (!is_new_waiter(before, &now->waiters[i]))
            continue;
        struct ckf_waiter waiter = ckf_waiter_from_copy(&now->waiters[i], text);
        if (!visit(&waiter, arg))
            return;
    }
    for (size_t i = 0; i < now->thread_count; i++)
        if (is_new_thread(before, now, &now->threads[i]) &&
            !visit_thread(&now->threads[i], visit, arg))
            return;
}

/* --- the door --- */

enum ckf_status ckf_leak_baseline_take(struct ckf_leak_baseline **baseline)
{
    CKF_REQUIRE(baseline != NULL, "the place for the baseline must not be NULL");
    struct ckf_leak_baseline *taken = ckf_alloc(sizeof *taken);
    if (taken == NULL)
        return CKF_NO_MEMORY;
    ckf_reclaim_start();
    enum ckf_status status = look(&taken->scene);
    if (status != CKF_OK) {
        ckf_free(taken);
        return status;
    }
    *baseline = taken;
    return CKF_OK;
}

/* Not longer than until deadline_ns. */
static void pause_for(int64_t ns, int64_t deadline_ns)
{
    struct ckf_parker nobody_fires_this;
    int64_t end = ckf_deadline_after_ns(ns);
    ckf_parker_init(&nobody_fires_this);
    ckf_park_at_once(&nobody_fires_this, end < deadline_ns ? end : deadline_ns, NULL);
}

enum ckf_status ckf_leak_baseline_check(const struct ckf_leak_baseline *baseline,
                                        int64_t deadline_ns, ckf_waiter_visit visit, void *arg)
{
    enum { FIRST_PAUSE_NS = 10000, LONGEST_PAUSE_NS = 20000000 };
    CKF_REQUIRE(baseline != NULL, "the baseline must not be NULL");
    for (int64_t pause_ns = FIRST_PAUSE_NS;; pause_ns *= 2) {
        struct scene now;
        bool is_last_look = ckf_deadline_passed(deadline_ns);
        enum ckf_status status = look(&now);
        if (status != CKF_OK)
            return status;
        bool is_clean = !is_anything_new(&baseline->scene, &now);
        if (!is_clean && is_last_look && visit != NULL)
            visit_new(&baseline->scene, &now, visit, arg);
        forget_scene(&now);
        if (is_clean || is_last_look)
            return is_clean ? CKF_OK : CKF_BUSY;
        if (pause_ns > LONGEST_PAUSE_NS)
            pause_ns = LONGEST_PAUSE_NS;
        pause_for(pause_ns, deadline_ns);
    }
}

void ckf_leak_baseline_destroy(struct ckf_leak_baseline *baseline)
{
    CKF_REQUIRE(baseline != NULL, "the baseline must not be NULL");
    forget_scene(&baseline->scene);
    ckf_free(baseline);
}
