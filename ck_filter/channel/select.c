/* channel/select.c - one case of several: the public face, and the one moment of its CKF_AGAIN.
 *
 * Roles:      each call is its own; cases that no select takes see nothing of it.
 * Invariants: attempts go in random order over all cases, so each ready one has the same chance, at
 *             the first try and after each wake-up.
 *             CKF_AGAIN needs one moment at which no case was ready. Attempts that fail one after
 *             another have none in common, so each case says when it was not ready, by a number that
 *             never comes back; if all say the same a second time, they were not ready between.
 * Teardown:   while a select tries, it visits the channel it tries; while it sleeps, it is counted in
 *             all of them.
 */
#include <ck_filter/select.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/step.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "sync/visit.h"

/* Cases whose rooms fit on the stack. */
enum { FEW_CASES = 16 };

static enum ckf_status attempt_visiting(const struct ckf_select_case *only)
{
    struct ckf_visit *visit = ckf_channel_enter(only->channel);
    enum ckf_status status = ckf_core_try(only->channel, only->direction, only->elem);
    ckf_channel_leave(only->channel, visit);
    return status;
}

static bool is_ready(const struct ckf_select_case *only, uint64_t *moment)
{
    struct ckf_visit *visit = ckf_channel_enter(only->channel);
    bool ready = only->channel->core->is_ready(only->channel, only->direction, moment);
    ckf_channel_leave(only->channel, visit);
    return ready;
}

static void catch_up(const struct ckf_select_case *only)
{
    struct ckf_visit *visit = ckf_channel_enter(only->channel);
    ckf_core_catch_up(only->channel, only->direction);
    ckf_channel_leave(only->channel, visit);
}

static bool any_may_be_late(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->cases[i].channel != NULL && call->cases[i].channel->core->catch_up != NULL)
            return true;
    return false;
}

/* True if there was a moment at which no case was ready. Of channels that show late what was done the
 * second look counts: it comes after all first ones and is not late. */
static bool none_was_ready(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->cases[i].channel != NULL && is_ready(&call->cases[i], &call->rooms[i].moment))
            return false;
    for (size_t i = 0; i < call->count; i++)
        if (call->cases[i].channel != NULL)
            catch_up(&call->cases[i]);
    for (size_t i = 0; i < call->count; i++) {
        uint64_t moment;
        if (call->cases[i].channel == NULL)
            continue;
        bool ready = is_ready(&call->cases[i], &moment);
        if (CKF_STEP(ready) || CKF_STEP(moment != call->rooms[i].moment))
            return false;
    }
    return true;
}

/* Arms the event fds there are. False: a case has become ready. */
static bool arm_event_fds(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct ckf_select_case *only = &call->cases[i];
        if (only->channel != NULL &&
            ckf_waitlist_has_event_fd(&only->channel->waitlist, only->direction) &&
            CKF_STEP(ckf_channel_is_ready(only->channel, only->direction)))
            return false;
    }
    return true;
}

static enum ckf_status try_now(struct ckf_call *call)
{
    for (;;) {
        enum ckf_status status = ckf_call_try(call, attempt_visiting);
        if (status != CKF_AGAIN)
            return status;
        if (arm_event_fds(call) &&
            ((call->count < 2 && !any_may_be_late(call)) || none_was_ready(call)))
            return CKF_AGAIN;
    }
}

static void count_in(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->cases[i].channel != NULL)
            ckf_visit_begin_in_crowd(&call->cases[i].channel->crowd);
}

static void count_out(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call->cases[i].channel != NULL)
            ckf_visit_end_in_crowd(&call->cases[i].channel->crowd);
}

static enum ckf_status try_or_wait(struct ckf_call *call)
{
    if (call->deadline_ns == CKF_NOW)
        return try_now(call);
    enum ckf_status status = ckf_call_try(call, attempt_visiting);
    if (status != CKF_AGAIN)
        return status;
    if (ckf_deadline_passed(call->deadline_ns))
        return CKF_TIMED_OUT;
    count_in(call);
    status = ckf_call_wait(call);
    count_out(call);
    return status;
}

/* What may be wrong with cases, in one pass over them. */
struct flaws {
    bool no_elem, no_direction;
};

static struct flaws flaws_of(const struct ckf_select_case *cases, size_t count)
{
    struct flaws flaws = {.no_direction = count > UINT32_MAX}; /* or too many to number */
    for (size_t i = 0; i < count; i++) {
        flaws.no_direction |= (unsigned)cases[i].direction > CKF_RECV;
        flaws.no_elem |=
            cases[i].channel != NULL && cases[i].direction == CKF_SEND && cases[i].elem == NULL;
    }
    return flaws;
}

static enum ckf_status select_in(struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->rooms[i].order = (uint32_t)i;
    return try_or_wait(call);
}

/* Takes what is ready; only who would have to wait, or to compare moments, needs memory. */
static enum ckf_status select_without_rooms(struct ckf_call *call)
{
    enum ckf_status status = ckf_call_try_in_turn(call, attempt_visiting);
    if (status != CKF_AGAIN)
        return status;
    bool late = call->deadline_ns != CKF_NOW && ckf_deadline_passed(call->deadline_ns);
    return late ? CKF_TIMED_OUT : CKF_NO_MEMORY;
}

static enum ckf_status select_in_rooms(struct ckf_call *call)
{
    struct ckf_case_room few[FEW_CASES];
    call->rooms = few;
    if (call->count <= FEW_CASES)
        return select_in(call);
    call->rooms = ckf_alloc_array(call->count, sizeof *call->rooms);
    if (call->rooms == NULL)
        return select_without_rooms(call);
    enum ckf_status status = select_in(call);
    ckf_free(call->rooms);
    return status;
}

enum ckf_status ckf_select(struct ckf_select_case *cases, size_t count, size_t *chosen,
                           int64_t deadline_ns, struct ckf_context *context)
{
    CKF_REQUIRE(cases != NULL || count == 0, "the cases must not be NULL");
    CKF_REQUIRE(chosen != NULL, "the place for the chosen case must not be NULL");
    struct flaws flaws = flaws_of(cases, count);
    CKF_REQUIRE(!flaws.no_elem, "an element to be sent must not be NULL");
    *chosen = count;
    if (flaws.no_direction)
        return CKF_INVALID;
    enum ckf_status status = ckf_context_outcome(context);
    if (status != CKF_OK)
        return status;
    struct ckf_call call = {.cases = cases,
                            .count = count,
                            .deadline_ns = deadline_ns,
                            .context = context,
                            .operation = "select",
                            .site = CKF_CALL_SITE};
    /* One of them at first: which is all where most are ready. */
    status = ckf_call_try_any(&call, attempt_visiting);
    if (status == CKF_AGAIN)
        status = select_in_rooms(&call);
    if (status == CKF_OK)
        *chosen = call.chosen;
    return status;
}
