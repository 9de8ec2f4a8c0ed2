/* stress/cases/channel_history.c - goes through scripts of channel calls and records them. */
#include "channel_history.h"

enum { PATIENCE_NS = 20000, CELL_KEY = 0x5eed };

void channel_history_setup(struct ckf_stress_run *run, struct channel_history *history,
                           const struct channel_scene *scene)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    history->scene = scene;
    for (unsigned i = 0; i < scene->channels; i++) {
        history->channels[i] = operations->create(scene->shapes.channels[i].capacity, 0, 0);
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

static void record_close(struct ckf_stress_run *run, struct channel_history *history,
                         unsigned number)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_call(run, CHANNEL_CLOSE, 0, 0, number);
    enum ckf_status status = operations->close_once(history->channels[number]);
    ckf_stress_return(run, status, 0);
}

/* Receives from either channel, without waiting. */
static void record_select(struct ckf_stress_run *run, struct channel_history *history)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t element = 0;
    size_t from = 0;
    ckf_stress_call(run, CHANNEL_SELECT, 0, 2, 1);
    enum ckf_status status = operations->select_now(history->channels, &element, &from);
    ckf_stress_value(run, 0, channel_select_case(0, false, 0));
    ckf_stress_value(run, 1, channel_select_case(1, false, 0));
    ckf_stress_value(run, CKF_STRESS_VALUES - 1, element);
    ckf_stress_return(run, status, from);
    if (status == CKF_OK)
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
            record_select(run, history);
            break;
        default:
            record_recv(run, history, script[i].code, script[i].channel);
        }
    }
}

void channel_history_drain(struct ckf_stress_run *run, void *state)
{
    struct channel_history *history = state;
    for (unsigned i = 0; i < history->scene->channels; i++) {
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
