/* channel/batches.c - a ring of lines for each of the first threads.
 *
 * Roles:      the thread that holds a number fills its lines, and takes back those of its oldest batches.
 *             Receivers read them, maybe too late: then what they read does not count.
 * Invariants: the `used` lines from `oldest` up to `next` belong to batches that may not have been received yet. A
 *             batch begins with the line in whose note its end stands; lines that it left out to lie in
 *             one piece belong to it.
 *             Lines stay where they are as long as the channel is there.
 * Teardown:   alone.
 */
#include "channel/batches.h"

#include <stdalign.h>
#include <stdbool.h>

#include "base/cacheline.h"
#include "base/check.h"
#include "base/effort.h"
#include "base/memory.h"
#include "channel/spares.h"
#include "sync/per_thread.h"

enum { LINE = 8 }; /* words */

/* Lines beyond those that the elements fill, so that a batch can be written while all others wait; and no
 * more than that many, whatever the capacity is: who has no line left sends one by one. */
enum { MORE_LINES = CKF_SIZE(8, 1), MOST_LINES = 512 };

/* Of the batch that begins at a line. */
struct note {
    uint64_t end;
    size_t lines;
};

/* Of one thread. */
struct lines {
    size_t oldest, next; /* places */
    size_t used;
    size_t reserved; /* what the last reservation would take */
    uint64_t head;   /* as seen last */
    struct note *notes;
    alignas(64) _Atomic(uint64_t) words[];
};

struct ckf_batches {
    size_t count;                        /* constant: lines a thread */
    uint64_t start;                      /* constant */
    struct lines *own[CKF_SPARE_OWNERS]; /* of the thread that has the number; NULL: none yet */
};

struct ckf_batches *ckf_batches_create(size_t elements, uint64_t start)
{
    struct ckf_batches *batches = ckf_alloc(sizeof *batches);
    if (batches == NULL)
        return NULL;
    size_t lines = elements / LINE + MORE_LINES;
    batches->count = lines < MOST_LINES ? lines : MOST_LINES;
    batches->start = start;
    return batches;
}

static void lines_free(struct lines *lines)
{
    if (lines != NULL)
        ckf_free(lines->notes);
    ckf_free(lines);
}

void ckf_batches_destroy(struct ckf_batches *batches)
{
    if (batches == NULL)
        return;
    for (unsigned number = 0; number < CKF_SPARE_OWNERS; number++)
        lines_free(batches->own[number]);
    ckf_free(batches);
}

/* Not inlined: once a thread. */
CKF_COLD static struct lines *lines_create(const struct ckf_batches *batches)
{
    struct lines *lines = ckf_alloc_aligned(
        sizeof *lines + batches->count * LINE * sizeof(uint64_t), alignof(struct lines));
    if (lines == NULL)
        return NULL;
    lines->head = batches->start;
    lines->notes = ckf_alloc(batches->count * sizeof *lines->notes);
    if (lines->notes != NULL)
        return lines;
    lines_free(lines);
    return NULL;
}

static size_t place_after(const struct ckf_batches *batches, size_t place, size_t lines)
{
    place += lines;
    return place < batches->count ? place : place - batches->count;
}

/* Whether that many lines more can be in use, after taking back what has been received by `lines->head`. */
static bool fits(const struct ckf_batches *batches, struct lines *lines, size_t more)
{
    while (lines->used + more > batches->count) {
        const struct note *note = &lines->notes[lines->oldest];
        if (lines->used == 0 || (int64_t)(lines->head - note->end) < 0)
            return false;
        lines->used -= note->lines;
        lines->oldest = place_after(batches, lines->oldest, note->lines);
    }
    return true;
}

_Atomic(uint64_t) *ckf_batches_reserve(struct ckf_batches *batches, size_t count,
                                       const _Atomic(uint64_t) *head)
{
    unsigned number = ckf_thread_number();
    if (CKF_UNLIKELY(number >= CKF_SPARE_OWNERS))
        return NULL;
    struct lines *lines = batches->own[number];
    if (CKF_UNLIKELY(lines == NULL))
        lines = batches->own[number] = lines_create(batches);
    if (CKF_UNLIKELY(lines == NULL))
        return NULL;
    size_t place = lines->next, wanted = (count + LINE - 1) / LINE, left_out = 0;
    if (place + wanted > batches->count) {
        left_out = batches->count - place;
        place = 0;
    }
    lines->reserved = left_out + wanted;
    if (CKF_UNLIKELY(!fits(batches, lines, lines->reserved))) {
        /* edge head-moved: acquire; pairs with move_head(): the elements have been read. */
        lines->head = load_acquire(head);
        if (!fits(batches, lines, lines->reserved))
            return NULL;
    }
    return lines->words + place * LINE;
}

void ckf_batches_commit(struct ckf_batches *batches, uint64_t end)
{
    struct lines *lines = batches->own[ckf_thread_number()];
    lines->notes[lines->next] = (struct note){.end = end, .lines = lines->reserved};
    lines->used += lines->reserved;
    lines->next = place_after(batches, lines->next, lines->reserved);
    /* Receivers have read what will be written next. */
    for (size_t i = 0; i < lines->reserved && lines->next + i < batches->count; i++)
        ckf_prefetch_for_write(lines->words + (lines->next + i) * LINE);
}
