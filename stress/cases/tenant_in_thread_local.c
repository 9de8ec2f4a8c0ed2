/* stress/cases/tenant_in_thread_local.c - requests of two tenants are begun by one thread and finished by
 * whichever thread comes.
 *
 * Oracle: each request is about a record that its own tenant denies. Result: it is dropped.
 */
#include <ck_filter/channel.h>
#include <ck_filter/filter.h>
#include <ck_filter/ruleset.h>
#include <ck_filter/stress.h>

#include <stdlib.h>

#include "guards.h"

enum { TENANTS = 2, PLACES = 8 };

static const char *const words[TENANTS] = {"first", "other"};
enum { WORD_LEN = 5 };

struct server {
    struct ckf_channel *requests;
    struct ckf_filter *filters[TENANTS];
};

/* What there is to know of a request travels with it. */
struct request {
    unsigned tenant, word;
};

static void deny(struct ckf_filter *filter, unsigned word)
{
    const struct ckf_rule rule = {.id = 1,
                                  .match = CKF_MATCH_EXACT,
                                  .action = CKF_ACTION_DROP,
                                  .pattern = words[word],
                                  .pattern_len = WORD_LEN};
    struct ckf_ruleset *rules;
    uint64_t generation;
    if (ckf_ruleset_create(&rules) != CKF_OK || ckf_ruleset_add(rules, &rule) != CKF_OK ||
        ckf_filter_publish(filter, rules, 0, &generation) != CKF_OK)
        abort();
    ckf_ruleset_destroy(rules);
}

static void *create(enum ckf_variant variant)
{
    const struct ckf_filter_options rules = {.name = "tenant", .variant = variant};
    const struct ckf_channel_options options = {.name = "requests",
                                                .variant = variant,
                                                .capacity = PLACES,
                                                .elem_size = sizeof(struct request)};
    struct server *server = malloc(sizeof *server);
    if (server == NULL || ckf_channel_create(&server->requests, &options) != CKF_OK)
        abort();
    for (unsigned i = 0; i < TENANTS; i++) {
        if (ckf_filter_create(&server->filters[i], &rules) != CKF_OK)
            abort();
        deny(server->filters[i], i);
    }
    return server;
}

static void *create_mutex(void)
{
    return create(CKF_VARIANT_MUTEX);
}

static void *create_atomic(void)
{
    return create(CKF_VARIANT_ATOMIC);
}

static void destroy(void *arg)
{
    struct server *server = arg;
    ckf_channel_destroy(server->requests);
    for (unsigned i = 0; i < TENANTS; i++)
        ckf_filter_destroy(server->filters[i]);
    free(server);
}

static void begin(void *arg, unsigned tenant)
{
    const struct request request = {.tenant = tenant, .word = tenant};
    if (ckf_channel_send(((struct server *)arg)->requests, &request) != CKF_OK)
        abort();
}

static bool finish(void *arg)
{
    struct server *server = arg;
    struct request request;
    if (ckf_channel_recv(server->requests, &request) != CKF_OK)
        abort();
    const struct ckf_record record = {words[request.word], WORD_LEN};
    return ckf_filter_evaluate(server->filters[request.tenant], record).action == CKF_ACTION_DROP;
}

#define TRAVELLING(create_function)                                                                \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .begin = begin, .finish = finish          \
    }
static const struct tenant_operations mutex_tenants = TRAVELLING(create_mutex);
static const struct tenant_operations atomic_tenants = TRAVELLING(create_atomic);

/* --- The case ----------------------------------------------------------------------------------- */

struct state {
    void *server;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct tenant_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->server = operations->create();
}

static void worker(struct ckf_stress_run *run, void *state)
{
    const struct tenant_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        operations->begin(s->server, ckf_stress_copy(run) % TENANTS);
        if (!operations->finish(s->server))
            ckf_stress_outcome(run, "another tenant's rules");
    }
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct tenant_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->server);
}

CKF_STRESS_CASE(tenant_in_thread_local) = {
    .id = "tenant-in-thread-local",
    .collection = "guards",
    .title = "requests of two tenants are begun by one thread and finished by whichever comes",
    .story = "The tenant was put where every function can see it without an argument: into a "
             "thread-local. The rest of the request is done by another thread of the pool, for the "
             "tenant that this one has served last.",
    .operations = {&racy_tenants, &mutex_tenants, &atomic_tenants},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"worker", worker, TENANTS}},
    .teardown = teardown,
    .rounds = 10,
    .explore_rounds = 1,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "each record was judged by its own tenant's rules"},
                 {"another tenant's rules", CKF_STRESS_FORBIDDEN,
                  "a record was let pass that its tenant denies"}},
};
