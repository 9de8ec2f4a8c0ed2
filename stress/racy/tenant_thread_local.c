/* stress/racy/tenant_thread_local.c - the tenant rides in a thread-local, and the second part of the
 * request is taken up by another thread. */
#include <ck_filter/stress.h>

#include "../cases/guards.h"
#include "queue.h"

enum { PLACES = 8 };

static _Thread_local unsigned tenant_here;

static void *create(void)
{
    return queue_create(PLACES, 0, 0);
}

/* What goes on is the record: the word that this tenant denies. */
static void begin(void *server, unsigned tenant)
{
    tenant_here = tenant;
    ckf_stress_pause(NULL);
    (void)queue_send(server, tenant);
}

static bool finish(void *server)
{
    uint64_t word;
    return queue_recv(server, &word) == CKF_OK && word == tenant_here;
}

const struct tenant_operations racy_tenants = {
    .create = create, .destroy = queue_destroy, .begin = begin, .finish = finish};
