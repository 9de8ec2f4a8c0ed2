/* stress/cases/audit_log_storm.c - more records are dropped than the audit log has room for, and its
 * writer stands still.
 *
 * Oracle: the filter goes on, and every drop is a line or is counted as lost. Result: never blocked, and
 * the numbers add up.
 */
#include <ck_filter/channel.h>
#include <ck_filter/counter_map.h>
#include <ck_filter/stress.h>

#include <stdlib.h>

#include "guards.h"

struct log {
    struct ckf_channel *lines;
    struct ckf_counter_map *counts;
};

static void *create(enum ckf_variant variant, size_t lines)
{
    const struct ckf_channel_options options = {
        .name = "audit", .variant = variant, .capacity = lines, .elem_size = sizeof(uint64_t)};
    const struct ckf_counter_map_options counts = {.name = "audit", .variant = variant};
    struct log *log = malloc(sizeof *log);
    if (log == NULL || ckf_channel_create(&log->lines, &options) != CKF_OK ||
        ckf_counter_map_create(&log->counts, &counts) != CKF_OK)
        abort();
    return log;
}

static void *create_mutex(size_t lines)
{
    return create(CKF_VARIANT_MUTEX, lines);
}

static void *create_atomic(size_t lines)
{
    return create(CKF_VARIANT_ATOMIC, lines);
}

static void destroy(void *arg)
{
    struct log *log = arg;
    ckf_channel_destroy(log->lines);
    ckf_counter_map_destroy(log->counts);
    free(log);
}

static void drop(void *arg, uint64_t record)
{
    struct log *log = arg;
    if (ckf_channel_try_send(log->lines, &record) != CKF_OK)
        ckf_counter_map_add(log->counts, "lost", 4, 1);
}

static bool take(void *arg)
{
    uint64_t record;
    return ckf_channel_try_recv(((struct log *)arg)->lines, &record) == CKF_OK;
}

static uint64_t lost(void *arg)
{
    uint64_t value = 0;
    if (ckf_counter_map_get(((struct log *)arg)->counts, "lost", 4, &value) != CKF_OK)
        value = 0;
    return value;
}

#define COUNTING(create_function)                                                                  \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .drop = drop, .take = take, .lost = lost  \
    }
static const struct audit_operations mutex_audit = COUNTING(create_mutex);
static const struct audit_operations atomic_audit = COUNTING(create_atomic);

/* --- The case ----------------------------------------------------------------------------------- */

/* The drops of one actor, and the writer's lines, by round: fewer lines than it takes. */
enum { LINES = 2, DROPS = 3 };

struct state {
    void *log;
    uint64_t written; /* the writer's, then the arbiter's */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct audit_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->log = operations->create(LINES);
}

static void filter(struct ckf_stress_run *run, void *state)
{
    const struct audit_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < DROPS * ckf_stress_rounds(run); i++)
        operations->drop(((struct state *)state)->log, i);
}

static void writer(struct ckf_stress_run *run, void *state)
{
    const struct audit_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        s->written += operations->take(s->log);
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    const struct audit_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    while (operations->take(s->log))
        s->written++;
    uint64_t drops = (uint64_t)DROPS * ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    bool exact = s->written + operations->lost(s->log) == drops;
    ckf_stress_outcome(run, exact ? "accounted for" : "unaccounted");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct audit_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->log);
}

CKF_STRESS_CASE(audit_log_storm) = {
    .id = "audit-log-storm",
    .collection = "guards",
    .title = "more records are dropped than the audit log has room for",
    .story =
        "One line for every drop: an attack that the filter keeps out fills the log, the log's "
        "disk is slow, and the filter waits for the disk.",
    .operations = {&racy_audit, &mutex_audit, &atomic_audit},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"filter", filter, 2}, {"writer", writer, 1}},
    .arbiter = add_up,
    .teardown = teardown,
    .rounds = 8,
    .explore_rounds = 1,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"accounted for", CKF_STRESS_ACCEPTABLE,
                  "every drop is a line or counted as lost"},
                 {"unaccounted", CKF_STRESS_FORBIDDEN, "drops that nobody knows of"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the filter waits for the log"}},
};
