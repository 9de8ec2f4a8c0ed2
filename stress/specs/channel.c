/* specs/channel.c - channels, one call at a time.
 *
 * A bounded or unbounded channel is a queue. CKF_AGAIN and CKF_TIMED_OUT are allowed where the queue
 * is full (or empty) at some moment of the call, and open: a call that finds it closed says so.
 *
 * A rendezvous has two calls take effect together. Here the send has two steps, "offers" and "is rid
 * of it", and the receive that takes the offer stands between them: so there is a moment that lies
 * within both. Whether a peer was asleep nobody outside can tell, so CKF_AGAIN is allowed whenever
 * the channel is open; but two calls that do not wait never meet.
 *
 * Batches are steps, one for each element: others may come in between. A select that waits for
 * nobody and finds nothing needs a moment at which none of its cases was ready.
 */
#include "channel.h"

#include <inttypes.h>
#include <stdio.h>

#include <ck_filter/channel.h>

enum { TAKEN = 1, TRIES = 2, OFFER = 4 };

/* Of a send to a rendezvous. */
enum { MEETING_STEPS = 2 };

/* A call on one channel, as far as it matters here. */
struct call {
    struct channel_model *model;
    const struct channel_shape *shape;
    int status;
    uint64_t element;
    unsigned step, others;
    bool tries; /* it does not wait */
};

static bool is_rendezvous(const struct channel_shape *shape)
{
    return shape->capacity == 0;
}

static bool is_full(const struct call *call)
{
    size_t held = call->model->length;
    if (call->shape->large_elements)
        held += call->others;
    return call->shape->capacity != CKF_UNBOUNDED && held >= call->shape->capacity;
}

/* --- Elements ----------------------------------------------------------------------------------- */

static bool push(struct channel_model *model, uint64_t element)
{
    if (model->length == CHANNEL_MOST_ELEMENTS)
        return false;
    model->elements[model->length++] = (uint32_t)element;
    return true;
}

static void take_out(struct channel_model *model, unsigned place)
{
    model->length--;
    for (unsigned i = place; i < model->length; i++)
        model->elements[i] = model->elements[i + 1];
    model->elements[model->length] = 0;
}

static bool queue_send(const struct call *call)
{
    struct channel_model *model = call->model;
    bool room = call->shape->capacity == CKF_UNBOUNDED || model->length < call->shape->capacity;
    return !model->closed && room && push(model, call->element);
}

static bool queue_recv(const struct call *call)
{
    if (call->model->length == 0 || call->model->elements[0] != call->element)
        return false;
    take_out(call->model, 0);
    return true;
}

/* --- Rendezvous --------------------------------------------------------------------------------- */

static unsigned find_offer(const struct channel_model *model, uint32_t offer)
{
    unsigned place = 0;
    while (place < model->length && model->elements[place] != offer)
        place++;
    return place;
}

static uint32_t offer_of(uint64_t element, bool tries)
{
    return (uint32_t)element * OFFER + (tries ? TRIES : 0);
}

static bool meet_send(const struct call *call)
{
    struct channel_model *model = call->model;
    uint32_t offer = offer_of(call->element, call->tries);
    if (call->step == 0)
        return !model->closed && push(model, offer);
    unsigned place = find_offer(model, offer + TAKEN);
    if (place == model->length)
        return false;
    take_out(model, place);
    return true;
}

static bool meet_recv(const struct call *call)
{
    struct channel_model *model = call->model;
    unsigned place = find_offer(model, offer_of(call->element, false));
    if (place == model->length && !call->tries)
        place = find_offer(model, offer_of(call->element, true));
    if (place == model->length || model->closed)
        return false;
    model->elements[place] += TAKEN;
    return true;
}

/* --- Calls -------------------------------------------------------------------------------------- */

static bool may_send(const struct call *call)
{
    switch (call->status) {
    case CKF_OK:
        return is_rendezvous(call->shape) ? meet_send(call) : queue_send(call);
    case CKF_CLOSED:
        return call->model->closed;
    case CKF_AGAIN:
    case CKF_TIMED_OUT:
        return !call->model->closed && (is_rendezvous(call->shape) || is_full(call));
    default: /* no memory, cancelled: nothing was tried */
        return call->status == CKF_NO_MEMORY || call->status == CKF_CANCELED;
    }
}

static bool may_recv(const struct call *call)
{
    const struct channel_model *model = call->model;
    switch (call->status) {
    case CKF_OK:
        return is_rendezvous(call->shape) ? meet_recv(call) : queue_recv(call);
    case CKF_CLOSED:
        return model->closed && (is_rendezvous(call->shape) || model->length == 0);
    case CKF_AGAIN:
    case CKF_TIMED_OUT:
        return !model->closed && (is_rendezvous(call->shape) || model->length == 0);
    default:
        return call->status == CKF_CANCELED;
    }
}

static bool may_close(const struct call *call)
{
    bool was_closed = call->model->closed;
    call->model->closed = true;
    return call->status == (was_closed ? CKF_ALREADY : CKF_OK);
}

/* Ends that are counted: `counted` at first, `*more` since. */
static bool may_add(const struct call *call, unsigned counted, int8_t *more)
{
    if (counted == 0)
        return call->status == CKF_INVALID;
    if (call->model->closed)
        return call->status == CKF_CLOSED;
    ++*more;
    return call->status == CKF_OK;
}

static bool may_be_done(const struct call *call, unsigned counted, int8_t *more, uint64_t closes)
{
    bool last = (int)counted + --*more == 0;
    bool expected = last && !call->model->closed;
    call->model->closed = call->model->closed || last;
    return closes == expected;
}

static bool may_have_len(const struct call *call, uint64_t len)
{
    if (is_rendezvous(call->shape))
        return len == 0;
    return call->others == 0 ? len == call->model->length : len <= call->shape->capacity;
}

static bool may_be_ready(const struct call *call, bool is_send, uint64_t ready)
{
    if (call->model->closed || is_rendezvous(call->shape))
        return ready || !call->model->closed;
    if (!is_send)
        return ready == (call->model->length > 0);
    bool room = call->model->length < call->shape->capacity;
    return ready ? room : is_full(call);
}

/* --- Selects ------------------------------------------------------------------------------------ */

enum { CHANNEL_BIT = 0, SEND_BIT = 8, ELEMENT_BIT = 16 };

uint64_t channel_select_case(unsigned channel, bool is_send, uint64_t element)
{
    return (uint64_t)channel << CHANNEL_BIT | (uint64_t)is_send << SEND_BIT |
           element << ELEMENT_BIT;
}

static bool case_sends(uint64_t only)
{
    return (only >> SEND_BIT & 1) != 0;
}

static unsigned case_channel(uint64_t only)
{
    return (unsigned)(only >> CHANNEL_BIT & 0xff);
}

enum { RECEIVED = CKF_STRESS_VALUES - 1 };

static bool may_select(struct channel_model *models, const struct channel_shapes *shapes,
                       const struct ckf_stress_operation *operation, unsigned step)
{
    bool nothing = operation->status == CKF_AGAIN || operation->status == CKF_TIMED_OUT;
    if (!nothing && operation->status != CKF_OK && operation->status != CKF_CLOSED)
        return operation->status == CKF_CANCELED || operation->status == CKF_NO_MEMORY;
    for (unsigned i = 0; i < operation->arguments[0]; i++) {
        uint64_t only = operation->values[i];
        struct call call = {.model = &models[case_channel(only)],
                            .shape = &shapes->channels[case_channel(only)],
                            .status = operation->status,
                            .element = case_sends(only) ? only >> ELEMENT_BIT
                                                        : operation->values[RECEIVED],
                            .step = step,
                            .others = operation->others,
                            .tries = operation->arguments[1] != 0};
        if (!nothing && i != operation->result)
            continue;
        if (!(case_sends(only) ? may_send(&call) : may_recv(&call)))
            return false;
    }
    return true;
}

/* --- The specification -------------------------------------------------------------------------- */

static bool is_many(const struct ckf_stress_operation *operation)
{
    return operation->code == CHANNEL_SEND_MANY || operation->code == CHANNEL_RECV_MANY;
}

static bool is_single_send(const struct ckf_stress_operation *operation)
{
    return operation->code == CHANNEL_SEND || operation->code == CHANNEL_TRY_SEND ||
           operation->code == CHANNEL_SEND_WITHIN;
}

unsigned channel_steps(const struct ckf_stress_operation *operation, const void *parameter)
{
    const struct channel_shapes *shapes = parameter;
    if (operation->status != CKF_OK)
        return 1;
    bool sends = is_single_send(operation) || operation->code == CHANNEL_SEND_MANY;
    unsigned channel = (unsigned)operation->arguments[1];
    unsigned elements = is_many(operation) ? (unsigned)operation->result : 1;
    if (operation->code == CHANNEL_SELECT) {
        uint64_t only = operation->values[operation->result];
        channel = case_channel(only);
        sends = case_sends(only);
    }
    return sends && is_rendezvous(&shapes->channels[channel]) ? MEETING_STEPS * elements : elements;
}

bool channel_apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
                   const void *parameter)
{
    const struct channel_shapes *shapes = parameter;
    if (operation->code == CHANNEL_SELECT)
        return may_select(state, shapes, operation, step);
    unsigned channel = (unsigned)operation->arguments[1];
    struct call call = {.model = (struct channel_model *)state + channel,
                        .shape = &shapes->channels[channel],
                        .status = operation->status,
                        .element = operation->arguments[0],
                        .step = step,
                        .others = operation->others};
    switch (operation->code) {
    case CHANNEL_TRY_SEND:
        call.tries = true;
        return may_send(&call);
    case CHANNEL_SEND:
    case CHANNEL_SEND_WITHIN:
        return may_send(&call);
    case CHANNEL_SEND_MANY:
        if (is_rendezvous(call.shape)) {
            call.step = step % MEETING_STEPS;
            step /= MEETING_STEPS;
        }
        call.element = operation->values[step];
        return may_send(&call);
    case CHANNEL_TRY_RECV:
        call.tries = true;
        call.element = operation->result;
        return may_recv(&call);
    case CHANNEL_RECV:
    case CHANNEL_RECV_WITHIN:
        call.element = operation->result;
        return may_recv(&call);
    case CHANNEL_RECV_MANY:
        call.element = operation->values[step];
        return may_recv(&call);
    case CHANNEL_CLOSE:
        return may_close(&call);
    case CHANNEL_IS_CLOSED:
        return operation->result == call.model->closed;
    case CHANNEL_ADD_PRODUCER:
        return may_add(&call, call.shape->producers, &call.model->producers);
    case CHANNEL_PRODUCER_DONE:
        return may_be_done(&call, call.shape->producers, &call.model->producers, operation->result);
    case CHANNEL_ADD_CONSUMER:
        return may_add(&call, call.shape->consumers, &call.model->consumers);
    case CHANNEL_CONSUMER_DONE:
        return may_be_done(&call, call.shape->consumers, &call.model->consumers, operation->result);
    case CHANNEL_LEN:
        return may_have_len(&call, operation->result);
    case CHANNEL_IS_READY:
        return may_be_ready(&call, operation->arguments[0] == CKF_SEND, operation->result);
    default:
        return false;
    }
}

/* --- Words -------------------------------------------------------------------------------------- */

static void print_select(const struct ckf_stress_operation *operation, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "select(");
    for (unsigned i = 0; i < operation->arguments[0] && length < size; i++) {
        uint64_t only = operation->values[i];
        const char *separator = i == 0 ? "" : ", ";
        if (case_sends(only))
            length += (size_t)snprintf(text + length, size - length, "%ssend %" PRIu64 " to %u",
                                       separator, only >> ELEMENT_BIT, case_channel(only));
        else
            length += (size_t)snprintf(text + length, size - length, "%srecv from %u", separator,
                                       case_channel(only));
    }
    if (length >= size)
        return;
    const char *wait = operation->arguments[1] != 0 ? ", or nothing" : "";
    const char *status = ckf_status_name((enum ckf_status)operation->status);
    if (operation->status != CKF_OK && operation->status != CKF_CLOSED)
        snprintf(text + length, size - length, "%s): %s", wait, status);
    else if (operation->status == CKF_OK && !case_sends(operation->values[operation->result]))
        snprintf(text + length, size - length, "%s): case %" PRIu64 ", %" PRIu64, wait,
                 operation->result, operation->values[RECEIVED]);
    else
        snprintf(text + length, size - length, "%s): case %" PRIu64 ", %s", wait, operation->result,
                 status);
}

static void print_many(const struct ckf_stress_operation *operation, const char *name, char *text,
                       size_t size)
{
    const char *status = ckf_status_name((enum ckf_status)operation->status);
    size_t length = (size_t)snprintf(text, size, "%s: %s", name, status);
    for (unsigned i = 0; i < operation->result && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s %" PRIu64, i > 0 ? "," : "",
                                   operation->values[i]);
}

void channel_print(const struct ckf_stress_operation *operation, char *text, size_t size)
{
    static const char *const names[] = {
        "send",         "try_send",      "send_until", "recv",      "try_recv",     "recv_until",
        "send_many",    "recv_many",     "close",      "is_closed", "add_producer", "producer_done",
        "add_consumer", "consumer_done", "len",        "is_ready"};
    const char *status = ckf_status_name((enum ckf_status)operation->status);
    if (operation->code == CHANNEL_SELECT) {
        print_select(operation, text, size);
        return;
    }
    const char *name = operation->code < CHANNEL_SELECT ? names[operation->code] : "?";
    if (is_single_send(operation))
        snprintf(text, size, "%s %" PRIu64 ": %s", name, operation->arguments[0], status);
    else if (is_many(operation))
        print_many(operation, name, text, size);
    else if (operation->code >= CHANNEL_IS_CLOSED)
        snprintf(text, size, "%s: %s %" PRIu64, name, status, operation->result);
    else if (operation->status == CKF_OK && operation->code != CHANNEL_CLOSE)
        snprintf(text, size, "%s: %" PRIu64, name, operation->result);
    else
        snprintf(text, size, "%s: %s", name, status);
}
