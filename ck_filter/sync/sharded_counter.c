/* sync/sharded_counter.c - stripes chosen by thread number. */
#include "sync/sharded_counter.h"

#include "sync/per_thread.h"

void ckf_sharded_add(struct ckf_sharded_counter *counter, uint64_t n)
{
    /* edge stripe-added: release; pairs with the acquire in ckf_sharded_sum(). */
    fetch_add_release(&counter->stripes[ckf_thread_number() % CKF_STRIPES].value, n);
}

uint64_t ckf_sharded_sum(const struct ckf_sharded_counter *counter)
{
    uint64_t sum = 0;
    for (int i = 0; i < CKF_STRIPES; i++)
        /* edge stripe-added: acquire; pairs with the release in ckf_sharded_add(). */
        sum += load_acquire(&counter->stripes[i].value);
    return sum;
}
