/* tests/explore_snapshots.h - that a search visits the same executions, in the same order, whether it begins each
 * at the beginning, goes on from snapshots, or makes one wherever there is a choice.
 */
#ifndef CKF_TESTS_EXPLORE_SNAPSHOTS_H
#define CKF_TESTS_EXPLORE_SNAPSHOTS_H

#include <stdint.h>

#include "explore.h"

struct explore_digest {
    uint64_t hash, executions;
    const char *(*outcome)(const struct ckf_explore_end *end); /* NULL: there is none */
};

static inline void explore_digest_add(struct explore_digest *digest, uint64_t value)
{
    digest->hash = (digest->hash ^ value) * UINT64_C(0xd6e8feb86659fd93);
    digest->hash ^= digest->hash >> 29;
}

static inline void explore_digest_add_text(struct explore_digest *digest, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        explore_digest_add(digest, (unsigned char)*text);
}

/* All that an execution is: its choices, the hash of what happened, and how it ended. */
static inline bool explore_digest_visit(const struct ckf_explore_end *end, void *arg)
{
    struct explore_digest *digest = arg;
    digest->executions++;
    explore_digest_add(digest, end->hash);
    explore_digest_add(digest, (uint64_t)end->verdict << 32 | end->steps);
    for (unsigned i = 0; i < end->registers_used; i++)
        explore_digest_add(digest, (uint64_t)end->registers[i]);
    explore_digest_add_text(digest, end->message);
    if (digest->outcome != NULL)
        explore_digest_add_text(digest, digest->outcome(end));
    for (size_t i = 0; i < end->choice_count; i++)
        explore_digest_add(digest, (uint64_t)end->choices[i].kind << 32 |
                                       (uint64_t)end->choices[i].alternatives << 16 |
                                       (uint64_t)end->choices[i].chosen << 8 |
                                       end->choices[i].thread);
    return true;
}

static inline struct explore_digest explore_digest_of(ckf_explore_body body, void *arg,
                                                      struct ckf_explore_options options,
                                                      unsigned without, struct explore_digest empty)
{
    struct explore_digest digest = empty;
    struct ckf_explore_stats stats;
    options.without |= without;
    ckf_explore_run(body, arg, &options, explore_digest_visit, &digest, &stats);
    explore_digest_add(&digest, stats.pruned);
    explore_digest_add(&digest, stats.complete);
    return digest;
}

/* States are left out of it: what they are told apart by includes what earlier calls have left on stacks. */
static inline bool explore_snapshots_change_nothing(
    ckf_explore_body body, void *arg, struct ckf_explore_options options,
    const char *(*outcome)(const struct ckf_explore_end *end), uint64_t *executions)
{
    static const unsigned ways[] = {CKF_WITHOUT_SNAPSHOTS, 0, CKF_WITHOUT_REPLAYS};
    struct explore_digest digests[3];
    options.strategy = CKF_EXPLORE_DFS;
    options.without |= CKF_WITHOUT_STATES;
    for (int i = 0; i < 3; i++)
        digests[i] = explore_digest_of(body, arg, options, ways[i],
                                       (struct explore_digest){.outcome = outcome});
    *executions += digests[0].executions;
    return digests[0].hash == digests[1].hash && digests[0].hash == digests[2].hash;
}

#endif
