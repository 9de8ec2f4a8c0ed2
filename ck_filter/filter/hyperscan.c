/* filter/hyperscan.c - a database of literals whose numbers are their ranks, and what scans need beside it.
 *
 * Roles:      any thread scans. A scan needs a scratch to itself: some are made with the database, twice
 *             as many as CPUs, and lent to one scan at a time (loans.h).
 * Progress:   a scan takes no lock and allocates nothing. Where all scratches are out (threads were
 *             stopped in the middle of scans), it does not take place, and the automaton has the record.
 * Bound:      each pattern is reported once a record, and the lowest rank ends the scan.
 * Memory:     the database and the scratches come from Hyperscan's allocator, which the program may have
 *             set for its own use of Hyperscan; so it is left as it is.
 * (Wang et al., "Hyperscan", NSDI 2019.)
 */
#include "filter/hyperscan.h"

#include <hs.h>
#include <limits.h>

#include "base/backoff.h"
#include "base/memory.h"
#include "sync/per_thread.h"

enum { SCRATCHES_A_CPU = 2, MAX_SCRATCHES = 64 };

bool ckf_hyperscan_is_there(void)
{
    return hs_valid_platform() == HS_SUCCESS;
}

/* --- building --- */

/* The literals as its compiler takes them; their numbers are the ranks. */
struct literals {
    const char **texts;
    size_t *lens;
    unsigned *flags;
};

static bool allocate_literals(struct literals *literals, uint32_t count)
{
    literals->texts = ckf_alloc_array_untouched(count, sizeof *literals->texts);
    literals->lens = ckf_alloc_array_untouched(count, sizeof *literals->lens);
    literals->flags = ckf_alloc_array_untouched(count, sizeof *literals->flags);
    return literals->texts != NULL && literals->lens != NULL && literals->flags != NULL;
}

static void free_literals(struct literals *literals)
{
    ckf_free(literals->texts);
    ckf_free(literals->lens);
    ckf_free(literals->flags);
}

static void fill_literals(struct literals *literals, const struct ckf_pattern *patterns,
                          const bool *folds, const uint32_t *ranks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct ckf_pattern *pattern = &patterns[ranks[i]];
        literals->texts[i] = (const char *)pattern->bytes;
        literals->lens[i] = pattern->len;
        literals->flags[i] = HS_FLAG_SINGLEMATCH | (folds[ranks[i]] ? HS_FLAG_CASELESS : 0);
    }
}

/* NULL: it did not come about. Its compiler says why in words alone. */
static hs_database_t *compile(const struct ckf_pattern *patterns, const bool *folds,
                              const uint32_t *ranks, uint32_t count)
{
    struct literals literals;
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    if (allocate_literals(&literals, count)) {
        fill_literals(&literals, patterns, folds, ranks, count);
        if (hs_compile_lit_multi(literals.texts, literals.flags, ranks, literals.lens, count,
                                 HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS)
            database = NULL;
        hs_free_compile_error(error);
    }
    free_literals(&literals);
    return database;
}

static unsigned count_scratches(void)
{
    unsigned wanted = SCRATCHES_A_CPU * ckf_cpus_allowed(), count = 1;
    while (count < wanted && count < MAX_SCRATCHES)
        count *= 2;
    return count;
}

/* Those after the first are copies of it. */
static bool make_scratch(struct ckf_hyperscan *hyperscan, unsigned i)
{
    hs_scratch_t *scratch = NULL;
    hs_error_t error = i == 0 ? hs_alloc_scratch(hyperscan->database, &scratch)
                              : hs_clone_scratch(hyperscan->scratches[0].thing, &scratch);
    if (error != HS_SUCCESS)
        return false;
    hyperscan->scratches[i].thing = scratch;
    return true;
}

static bool make_scratches(struct ckf_hyperscan *hyperscan)
{
    unsigned count = count_scratches();
    hyperscan->scratches = ckf_alloc_aligned(count * sizeof *hyperscan->scratches, CKF_CACHELINE);
    if (hyperscan->scratches == NULL)
        return false;
    hyperscan->scratch_count = count;
    for (unsigned i = 0; i < count; i++)
        if (!make_scratch(hyperscan, i))
            return false;
    return true;
}

static size_t count_bytes(const struct ckf_hyperscan *hyperscan)
{
    size_t of_database = 0, of_scratch = 0;
    hs_database_size(hyperscan->database, &of_database);
    hs_scratch_size(hyperscan->scratches[0].thing, &of_scratch);
    return sizeof *hyperscan + of_database +
           hyperscan->scratch_count * (sizeof *hyperscan->scratches + of_scratch);
}

struct ckf_hyperscan *ckf_hyperscan_build(const struct ckf_pattern *patterns, const bool *folds,
                                          const uint32_t *ranks, uint32_t count, uint32_t best)
{
    struct ckf_hyperscan *hyperscan = ckf_alloc(sizeof *hyperscan);
    if (hyperscan == NULL)
        return NULL;
    hyperscan->best = best;
    hyperscan->database = compile(patterns, folds, ranks, count);
    if (hyperscan->database == NULL || !make_scratches(hyperscan)) {
        ckf_hyperscan_destroy(hyperscan);
        return NULL;
    }
    hyperscan->bytes = count_bytes(hyperscan);
    return hyperscan;
}

void ckf_hyperscan_destroy(struct ckf_hyperscan *hyperscan)
{
    if (hyperscan == NULL)
        return;
    for (unsigned i = 0; i < hyperscan->scratch_count; i++)
        hs_free_scratch(hyperscan->scratches[i].thing);
    ckf_free(hyperscan->scratches);
    hs_free_database(hyperscan->database);
    ckf_free(hyperscan);
}

size_t ckf_hyperscan_bytes(const struct ckf_hyperscan *hyperscan)
{
    return hyperscan == NULL ? 0 : hyperscan->bytes;
}

/* --- finding --- */

struct finding {
    uint32_t found, best;
};

/* Not 0: the scan is over. */
static int meet(unsigned rank, unsigned long long from, unsigned long long to, unsigned flags,
                void *arg)
{
    struct finding *finding = arg;
    (void)from;
    (void)to;
    (void)flags;
    finding->found = ckf_lower_rank(finding->found, rank);
    return finding->found == finding->best;
}

bool ckf_hyperscan_find(struct ckf_hyperscan *hyperscan, const unsigned char *data, size_t len,
                        uint32_t *found)
{
    if (hyperscan->best >= *found)
        return true;
    if (len > UINT_MAX)
        return false;
    struct ckf_loan *scratch =
        ckf_loan_take(hyperscan->scratches, hyperscan->scratch_count, ckf_thread_number());
    if (scratch == NULL)
        return false;
    struct finding finding = {*found, hyperscan->best};
    hs_error_t error = hs_scan(hyperscan->database, (const char *)data, (unsigned)len, 0,
                               scratch->thing, meet, &finding);
    ckf_loan_return(scratch);
    *found = finding.found;
    return error == HS_SUCCESS || error == HS_SCAN_TERMINATED;
}
