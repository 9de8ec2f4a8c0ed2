/* sync/waiters.c - the list of sleeping calls.
 *
 * Roles:      sleepers, who link an entry on their own stack and unlink it; readers, who copy.
 * Invariants: an entry is in the list of the stripe that its thread's number chose, from begin to
 *             end, and its note, names included, stays readable as long, because unlinking takes
 *             the stripe's lock that a reader holds while it copies. Threads with different stripes
 *             never meet. No other lock is taken under a stripe's, no code but ours runs there.
 * Fork:       all stripes are locked around it, so the child finds them whole. The sleepers of the
 *             parent are not in the child: its lists start empty.
 */
#include "sync/waiters.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cacheline.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/probes.h"
#include "sync/per_thread.h"
#include "sync/trace.h"

enum { STRIPES = 16 };

struct ckf_waiting_stripe {
    CKF_CACHELINE_ALIGNED pthread_mutex_t lock;
    struct ckf_waiting *first; /* guarded by lock */
};

#define STRIPE                                                                                     \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }
#define FOUR_STRIPES STRIPE, STRIPE, STRIPE, STRIPE

static struct ckf_waiting_stripe stripes[STRIPES] = {FOUR_STRIPES, FOUR_STRIPES, FOUR_STRIPES,
                                                     FOUR_STRIPES};

CKF_COLD void ckf_waiting_begin(struct ckf_waiting *waiting, const struct ckf_wait_note *note)
{
    waiting->note = note;
    if (note == NULL)
        return;
    struct ckf_waiting_stripe *stripe = &stripes[ckf_thread_number() % STRIPES];
    waiting->stripe = stripe;
    waiting->since_ns = ckf_now_ns();
    waiting->thread_id = (uint64_t)gettid();
    waiting->previous = NULL;
    pthread_mutex_lock(&stripe->lock);
    waiting->next = stripe->first;
    if (waiting->next != NULL)
        waiting->next->previous = waiting;
    stripe->first = waiting;
    pthread_mutex_unlock(&stripe->lock);
    CKF_PROBE3(park, note->object, note->operation, note->name);
}

CKF_COLD void ckf_waiting_end(struct ckf_waiting *waiting)
{
    if (waiting->note == NULL)
        return;
    struct ckf_waiting_stripe *stripe = waiting->stripe;
    pthread_mutex_lock(&stripe->lock);
    if (waiting->previous != NULL)
        waiting->previous->next = waiting->next;
    else
        stripe->first = waiting->next;
    if (waiting->next != NULL)
        waiting->next->previous = waiting->previous;
    pthread_mutex_unlock(&stripe->lock);
    const struct ckf_wait_note *note = waiting->note;
    CKF_PROBE3(unpark, note->object, note->operation, waiting->since_ns);
    if (ckf_trace_is_on())
        ckf_trace_note_span(waiting->since_ns, note->object, note->operation, note->name, 0);
}

/* --- copies --- */

/* Room for copies, and behind them for the text of their names. Filling goes on without room, to
 * find out how much would have been needed. */
struct copier {
    struct ckf_waiting_copy *copies;
    char *text;
    size_t count, max_count;
    size_t text_bytes, max_text_bytes;
};

static bool everything_fitted(const struct copier *copier)
{
    return copier->count <= copier->max_count && copier->text_bytes <= copier->max_text_bytes;
}

static void copy_note(struct copier *copier, const struct ckf_waiting *waiting,
                      const struct ckf_wait_note *note)
{
    size_t index = copier->count++;
    size_t text_start = copier->text_bytes;
    size_t name_bytes = note->name == NULL ? 0 : strlen(note->name) + 1;
    copier->text_bytes += name_bytes;
    if (!everything_fitted(copier))
        return;
    if (name_bytes > 0)
        memcpy(copier->text + text_start, note->name, name_bytes);
    copier->copies[index] = (struct ckf_waiting_copy){
        .object = note->object,
        .name = name_bytes > 0 ? copier->text + text_start : NULL,
        .operation = note->operation,
        .site = note->site,
        .since_ns = waiting->since_ns,
        .thread_id = waiting->thread_id,
    };
}

static void copy_stripe(struct copier *copier, struct ckf_waiting_stripe *stripe)
{
    pthread_mutex_lock(&stripe->lock);
    for (struct ckf_waiting *waiting = stripe->first; waiting != NULL; waiting = waiting->next)
        for (const struct ckf_wait_note *note = waiting->note; note != NULL; note = note->also)
            copy_note(copier, waiting, note);
    pthread_mutex_unlock(&stripe->lock);
}

static void copy_list(struct copier *copier)
{
    copier->count = copier->text_bytes = 0;
    for (int i = 0; i < STRIPES; i++)
        copy_stripe(copier, &stripes[i]);
}

/* Room for what the last copying asked for, and somewhat more: threads come and go meanwhile. */
static bool make_room(struct copier *copier)
{
    ckf_free(copier->copies);
    copier->max_count = copier->count + copier->count / 4 + 8;
    copier->max_text_bytes = copier->text_bytes + copier->text_bytes / 4 + 256;
    size_t array_bytes = copier->max_count * sizeof *copier->copies;
    copier->copies = ckf_alloc(array_bytes + copier->max_text_bytes);
    copier->text = (char *)copier->copies + array_bytes;
    return copier->copies != NULL;
}

bool ckf_waiting_copy_all(struct ckf_waiting_copy **copies, size_t *count)
{
    struct copier copier = {0};
    do {
        if (!make_room(&copier))
            return false;
        copy_list(&copier);
    } while (!everything_fitted(&copier));
    *copies = copier.copies;
    *count = copier.count;
    return true;
}

/* --- fork --- */

static void lock_all(void)
{
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_lock(&stripes[i].lock);
}

static void unlock_all(void)
{
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_unlock(&stripes[i].lock);
}

static void forget_all(void)
{
    for (int i = 0; i < STRIPES; i++)
        stripes[i].first = NULL;
    unlock_all();
}

__attribute__((constructor)) static void survive_forks(void)
{
    pthread_atfork(lock_all, unlock_all, forget_all);
}
