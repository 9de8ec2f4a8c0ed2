/* examples/filter.c - a filter: records against rules that change while threads use them.
 *
 * One thread judges requests all the time; this one publishes stricter rules meanwhile. Every
 * verdict names the generation of the rules that gave it, and the hits of a rule survive its going.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/filter.h>

static atomic_bool stop;

static void check(enum ckf_status status, const char *what)
{
    if (status == CKF_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ckf_status_name(status));
    exit(1);
}

static struct ckf_record record(const char *text)
{
    return (struct ckf_record){text, strlen(text)};
}

static void add(struct ckf_ruleset *rules, uint32_t id, enum ckf_match match, const char *pattern)
{
    struct ckf_rule rule = {.id = id,
                            .match = match,
                            .action = CKF_ACTION_DROP,
                            .pattern = pattern,
                            .pattern_len = strlen(pattern),
                            .fold_ascii_case = true};
    check(ckf_ruleset_add(rules, &rule), "ckf_ruleset_add");
}

static void *judge(void *arg)
{
    struct ckf_filter *filter = arg;
    uint64_t last = 0;
    while (!atomic_load(&stop)) {
        struct ckf_verdict verdict = ckf_filter_evaluate(filter, record("GET /Admin/users"));
        if (verdict.generation == last)
            continue;
        last = verdict.generation;
        printf("generation %" PRIu64 ": %s\n", last,
               verdict.action == CKF_ACTION_PASS ? "passes" : "is dropped");
    }
    return NULL;
}

static bool print_hits(uint32_t id, uint64_t hits, void *arg)
{
    (void)arg;
    printf("rule %" PRIu32 " %s\n", id, hits > 0 ? "has spoken" : "was never asked for");
    return true;
}

int main(void)
{
    struct ckf_filter *filter;
    struct ckf_ruleset *rules;
    struct ckf_filter_options options = {.name = "requests", .default_action = CKF_ACTION_PASS};
    pthread_t thread;
    check(ckf_filter_create(&filter, &options), "ckf_filter_create");
    check(ckf_ruleset_create(&rules), "ckf_ruleset_create");
    if (pthread_create(&thread, NULL, judge, filter) != 0)
        return 1;

    /* Generation 1 had no rules; from generation 2 on such requests are dropped. */
    uint64_t generation;
    add(rules, 1, CKF_MATCH_PREFIX, "get /admin/");
    check(ckf_filter_publish(filter, rules, 1, &generation), "ckf_filter_publish");
    while (ckf_filter_evaluate(filter, record("get /ADMIN/")).rule_id != 1)
        ;

    /* Somebody who still starts from generation 1 is told so. */
    enum ckf_status late = ckf_filter_publish(filter, rules, 1, &generation);
    printf("a late publish: %s, the rules are at generation %" PRIu64 "\n", ckf_status_name(late),
           generation);

    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ckf_filter_for_each_rule(filter, print_hits, NULL);

    struct ckf_filter_stats stats;
    ckf_filter_read_stats(filter, &stats);
    bool exact = stats.evaluated == stats.passed + stats.dropped;
    printf("evaluated = passed + dropped: %s\n", exact ? "yes" : "no");
    ckf_ruleset_destroy(rules);
    ckf_filter_destroy(filter);
    return exact && late == CKF_STALE ? 0 : 1;
}
