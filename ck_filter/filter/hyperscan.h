/* filter/hyperscan.h - substrings looked for by Hyperscan, or Vectorscan, which has the same interface:
 * built once, then read by all threads. Where the library was built without it, there is none.
 */
#ifndef CKF_FILTER_HYPERSCAN_H
#define CKF_FILTER_HYPERSCAN_H

#include "filter/loans.h"
#include "filter/pattern.h"

/* Bytes of a pattern; half of what its compiler takes. */
enum { CKF_HYPERSCAN_LONGEST = 8000 };

struct ckf_hyperscan {
    struct hs_database *database;
    struct ckf_loan *scratches; /* things: hs_scratch_t */
    unsigned scratch_count;     /* a power of two */
    uint32_t best;              /* the lowest rank there is */
    size_t bytes;               /* all of its memory */
};

#ifdef CKF_HYPERSCAN

/* Whether this processor can run it. */
bool ckf_hyperscan_is_there(void);

/* ranks: count of them, at least one, sorted and unique among those that fold and among those that do
 * not; `best` is the lowest. NULL without memory, or where Hyperscan gives up. */
struct ckf_hyperscan *ckf_hyperscan_build(const struct ckf_pattern *patterns, const bool *folds,
                                          const uint32_t *ranks, uint32_t count, uint32_t best);
void ckf_hyperscan_destroy(struct ckf_hyperscan *hyperscan);
size_t ckf_hyperscan_bytes(const struct ckf_hyperscan *hyperscan);

/* Lowers *found to the lowest rank whose pattern the data contains, if there is a lower one. False:
 * somebody else has to look; *found may be that of some pattern that is there. Wait-free. */
bool ckf_hyperscan_find(struct ckf_hyperscan *hyperscan, const unsigned char *data, size_t len,
                        uint32_t *found);

#else

static inline bool ckf_hyperscan_is_there(void)
{
    return false;
}

static inline struct ckf_hyperscan *ckf_hyperscan_build(const struct ckf_pattern *patterns,
                                                        const bool *folds, const uint32_t *ranks,
                                                        uint32_t count, uint32_t best)
{
    (void)patterns;
    (void)folds;
    (void)ranks;
    (void)count;
    (void)best;
    return NULL;
}

static inline void ckf_hyperscan_destroy(struct ckf_hyperscan *hyperscan)
{
    (void)hyperscan;
}

static inline size_t ckf_hyperscan_bytes(const struct ckf_hyperscan *hyperscan)
{
    (void)hyperscan;
    return 0;
}

static inline bool ckf_hyperscan_find(struct ckf_hyperscan *hyperscan, const unsigned char *data,
                                      size_t len, uint32_t *found)
{
    (void)hyperscan;
    (void)data;
    (void)len;
    (void)found;
    return false;
}

#endif

#endif
