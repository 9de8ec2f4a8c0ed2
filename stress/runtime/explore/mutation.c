/* explore/mutation.c - notes the sites that are reached, and weakens some of them. */
#include "mutation.h"

#include "engine.h"

#include "base/step.h"

enum { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };
enum { MAX_MUTATED = 64 };

static struct ckf_explore_site sites[CKF_EXPLORE_MAX_SITES];
static size_t site_count;
static bool noting;
static uintptr_t mutated[MAX_MUTATED];
static size_t mutated_count;
static int mutated_order;

static void switch_on_or_off(void)
{
    ckf_explore_engine.watching_sites = noting || mutated_count > 0;
}

void ckf_explore_note_sites(bool on)
{
    if (on)
        site_count = 0;
    noting = on;
    switch_on_or_off();
}

const struct ckf_explore_site *ckf_explore_sites(size_t *count)
{
    *count = site_count;
    return sites;
}

static struct ckf_explore_site *site_at(uintptr_t pc, enum ckf_operation_kind kind, int order)
{
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].pc == pc)
            return &sites[i];
    if (site_count == CKF_EXPLORE_MAX_SITES)
        return NULL;
    sites[site_count] = (struct ckf_explore_site){pc, (uint8_t)kind, (uint8_t)order, false};
    return &sites[site_count++];
}

/* address 0: no operation on memory. */
static void note(uintptr_t pc, enum ckf_operation_kind kind, uintptr_t address, int order)
{
    struct ckf_explore_site *site = site_at(pc, kind, order);
    if (site == NULL || ckf_explore_engine.running->id == 0)
        return;
    const struct ckf_granule *granule = address != 0 ? ckf_explore_granule_at(address) : NULL;
    if (granule == NULL || granule->contended != 0)
        site->beside_others = true;
}

static bool is_mutated(uintptr_t pc)
{
    for (size_t i = 0; i < mutated_count; i++)
        if (mutated[i] == pc)
            return true;
    return false;
}

int ckf_explore_mutated_order(enum ckf_operation_kind kind, uintptr_t address, int order,
                              uintptr_t pc)
{
    if (noting && order != RELAXED)
        note(pc, kind, address, order);
    return is_mutated(pc) ? mutated_order : order;
}

bool ckf_explore_leaves_out(enum ckf_operation_kind kind, uintptr_t pc)
{
    if (noting)
        note(pc, kind, 0, RELAXED);
    return is_mutated(pc);
}

bool ckf_step_is_taken(void)
{
    return !UNLIKELY(ckf_explore_engine.watching_sites) || !ckf_explore_leaves_out(OP_STEP, CALLER);
}

void ckf_explore_mutate(const uintptr_t *pcs, size_t count, int order)
{
    mutated_count = count < MAX_MUTATED ? count : MAX_MUTATED;
    for (size_t i = 0; i < mutated_count; i++)
        mutated[i] = pcs[i];
    mutated_order = order;
    switch_on_or_off();
}

static bool loads(unsigned kind)
{
    return kind != OP_STORE;
}

static bool stores(unsigned kind)
{
    return kind != OP_LOAD;
}

size_t ckf_explore_weaker_orders(unsigned kind, int order, int weaker[4])
{
    size_t count = 0;
    if (kind > OP_FENCE) {
        weaker[count++] = RELAXED; /* left out */
        return count;
    }
    if (order == SEQ_CST)
        weaker[count++] = loads(kind) && stores(kind) ? ACQ_REL : loads(kind) ? ACQUIRE : RELEASE;
    if (order == ACQ_REL) {
        weaker[count++] = ACQUIRE;
        weaker[count++] = RELEASE;
    }
    if (order != RELAXED)
        weaker[count++] = RELAXED;
    return count;
}

const char *ckf_explore_order_name(int order)
{
    static const char *const names[] = {"relaxed", "consume", "acquire",
                                        "release", "acq_rel", "seq_cst"};
    return order >= 0 && order < 6 ? names[order] : "?";
}
