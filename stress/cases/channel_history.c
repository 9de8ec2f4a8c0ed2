/* stress/cases/channel_history.c - goes through scripts of channel calls and records them. */
#include "channel_history.h"

#include <ck_filter/channel.h>

enum { PATIENCE_NS = 20000, CELL_KEY = 0x5eed };

void channel_history_setup(struct ckf_stress_run *run, struct channel_history *history,
                           const struct channel_scene *scene)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    history->scene = scene;
    for (unsigned i = 0; i < scene->channels; i++) {
        const struct channel_shape *shape = &scene->shapes.channels[i];
        size_t places = shape->capacity | (shape->large_elements ? (size_t)CHANNEL_LARGE : 0);
        history->channels[i] = operations->create(places, shape->producers, shape->consumers);
        uint64_t element = scene->before[i];
        if (element == 0)
            continue;
        history->cells[element] = element ^ CELL_KEY;
        ckf_stress_call(run, CHANNEL_TRY_SEND, 0, element, i);
        enum ckf_status status = operations->try_send(history->channels[i], element);
        ckf_stress_return(run, status, 0);
    }
}

static void look_at_cell(struct ckf_stress_run *run, const struct channel_history *history,
                         uint64_t element)
{
    if (element >= HISTORY_ELEMENTS || history->cells[element] != (element ^ CELL_KEY))
        ckf_stress_outcome(run, "wrong cell");
}

static void record_send(struct ckf_stress_run *run, struct channel_history *history,
                        const struct history_call *call)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = history->channels[call->channel];
    uint64_t element = call->element;
    int64_t patience = 1 + ckf_stress_random(run, PATIENCE_NS);
    enum ckf_status status;
    history->cells[element] = element ^ CELL_KEY;
    ckf_stress_call(run, call->code, 0, element, call->channel);
    if (call->code == CHANNEL_SEND)
        status = operations->send(channel, element);
    else if (call->code == CHANNEL_TRY_SEND)
        status = operations->try_send(channel, element);
    else
        status = operations->send_within(channel, element, patience);
    ckf_stress_return(run, status, 0);
}

static enum ckf_status record_recv(struct ckf_stress_run *run, struct channel_history *history,
                                   enum channel_code code, unsigned number)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = history->channels[number];
    uint64_t element = 0;
    int64_t patience = 1 + ckf_stress_random(run, PATIENCE_NS);
    enum ckf_status status;
    ckf_stress_call(run, code, 0, 0, number);
    if (code == CHANNEL_RECV)
        status = operations->recv(channel, &element);
    else if (code == CHANNEL_TRY_RECV)
        status = operations->try_recv(channel, &element);
    else
        status = operations->recv_within(channel, &element, patience);
    ckf_stress_return(run, status, element);
    if (status == CKF_OK)
        look_at_cell(run, history, element);
    return status;
}

/* The element of the call and the one after it. */
static void record_send_two(struct ckf_stress_run *run, struct channel_history *history,
                            const struct history_call *call)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    const uint64_t elements[2] = {call->element, call->element + 1};
    size_t done = 0;
    for (unsigned i = 0; i < 2; i++)
        history->cells[elements[i]] = elements[i] ^ CELL_KEY;
    ckf_stress_call(run, CHANNEL_SEND_MANY, 0, 2, call->channel);
    enum ckf_status status =
        operations->send_two(history->channels[call->channel], elements, &done);
    for (unsigned i = 0; i < 2; i++)
        ckf_stress_value(run, i, elements[i]);
    ckf_stress_return(run, status, done);
}

static void record_recv_two(struct ckf_stress_run *run, struct channel_history *history,
                            unsigned number)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t elements[2] = {0};
    size_t done = 0;
    ckf_stress_call(run, CHANNEL_RECV_MANY, 0, 2, number);
    enum ckf_status status = operations->recv_two(history->channels[number], elements, &done);
    for (unsigned i = 0; i < 2; i++)
        ckf_stress_value(run, i, elements[i]);
    ckf_stress_return(run, status, done);
    for (size_t i = 0; i < done; i++)
        look_at_cell(run, history, elements[i]);
}

/* What is asked of a channel, and the ends that are counted. */
static void record_other(struct ckf_stress_run *run, struct channel_history *history,
                         enum channel_code code, unsigned number)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = history->channels[number];
    enum ckf_status status = CKF_OK;
    uint64_t result = 0;
    ckf_stress_call(run, code, 0, 0, number);
    if (code == CHANNEL_IS_CLOSED)
        result = operations->is_closed(channel);
    else if (code == CHANNEL_LEN)
        result = operations->len(channel);
    else if (code == CHANNEL_PRODUCER_DONE)
        result = operations->producer_done(channel);
    else if (code == CHANNEL_CONSUMER_DONE)
        result = operations->consumer_done(channel);
    else if (code == CHANNEL_ADD_PRODUCER)
        status = operations->add_producer(channel);
    else
        status = operations->add_consumer(channel);
    ckf_stress_return(run, status, result);
}

static void record_is_ready(struct ckf_stress_run *run, struct channel_history *history,
                            const struct history_call *call)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    bool to_send = call->element == READY_TO_SEND;
    ckf_stress_call(run, CHANNEL_IS_READY, 0, to_send ? CKF_SEND : CKF_RECV, call->channel);
    bool ready = operations->is_ready(history->channels[call->channel], to_send);
    ckf_stress_return(run, CKF_OK, ready);
}

static void record_close(struct ckf_stress_run *run, struct channel_history *history,
                         unsigned number)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_call(run, CHANNEL_CLOSE, 0, 0, number);
    enum ckf_status status = operations->close_once(history->channels[number]);
    ckf_stress_return(run, status, 0);
}

/* Receives from either channel; or, with an element, sends it to the call's and receives from the
 * other. */
static void record_select(struct ckf_stress_run *run, struct channel_history *history,
                          const struct history_call *call)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    const unsigned first = call->channel, second = 1 - first;
    void *channels[2] = {history->channels[first], history->channels[second]};
    const bool sends = call->element != 0;
    uint64_t element = 0;
    size_t chosen = 0;
    enum ckf_status status;
    if (sends)
        history->cells[call->element] = call->element ^ CELL_KEY;
    ckf_stress_call(run, CHANNEL_SELECT, 0, 2, !call->waits);
    if (sends)
        status =
            operations->select_either_way(channels, call->element, &element, &chosen, call->waits);
    else if (call->waits)
        status = operations->select(channels, &element, &chosen);
    else
        status = operations->select_now(channels, &element, &chosen);
    ckf_stress_value(run, 0, channel_select_case(first, sends, call->element));
    ckf_stress_value(run, 1, channel_select_case(second, false, 0));
    ckf_stress_value(run, CKF_STRESS_VALUES - 1, element);
    ckf_stress_return(run, status, chosen);
    if (status == CKF_OK && !(sends && chosen == 0))
        look_at_cell(run, history, element);
}

void channel_history_caller(struct ckf_stress_run *run, void *state)
{
    struct channel_history *history = state;
    const struct history_call *script = history->scene->scripts[ckf_stress_copy(run)];
    for (unsigned i = 0; i < HISTORY_CALLS && script[i].is_call; i++) {
        switch (script[i].code) {
        case CHANNEL_SEND:
        case CHANNEL_TRY_SEND:
        case CHANNEL_SEND_WITHIN:
            record_send(run, history, &script[i]);
            break;
        case CHANNEL_CLOSE:
            record_close(run, history, script[i].channel);
            break;
        case CHANNEL_SELECT:
            record_select(run, history, &script[i]);
            break;
        case CHANNEL_SEND_MANY:
            record_send_two(run, history, &script[i]);
            break;
        case CHANNEL_RECV_MANY:
            record_recv_two(run, history, script[i].channel);
            break;
        case CHANNEL_IS_READY:
            record_is_ready(run, history, &script[i]);
            break;
        case CHANNEL_RECV:
        case CHANNEL_TRY_RECV:
        case CHANNEL_RECV_WITHIN:
            record_recv(run, history, script[i].code, script[i].channel);
            break;
        default:
            record_other(run, history, script[i].code, script[i].channel);
        }
    }
}

void channel_history_drain(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_history *history = state;
    for (unsigned i = 0; i < history->scene->channels; i++) {
        if (operations->len != NULL)
            record_other(run, history, CHANNEL_LEN, i);
        record_close(run, history, i);
        unsigned elements = 0;
        while (record_recv(run, history, CHANNEL_TRY_RECV, i) == CKF_OK &&
               elements++ < HISTORY_ELEMENTS)
            ;
    }
}

void channel_history_teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_history *history = state;
    for (unsigned i = 0; i < history->scene->channels; i++)
        operations->destroy(history->channels[i]);
}
