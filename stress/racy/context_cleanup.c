/* stress/racy/context_cleanup.c - a thread that waits for the request to be done and then frees what
 * it worked on; the handler may still be at it. */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/stress.h>

#include "tasks.h"

struct request {
    struct request_resource *resource;
    _Atomic(bool) done;
    unsigned cleanups; /* written by the cleaner, read when all is over */
};

static void *begin(struct request_resource *resource)
{
    struct request *request = calloc(1, sizeof *request);
    if (request != NULL)
        request->resource = resource;
    return request;
}

static void end(void *request)
{
    atomic_store(&((struct request *)request)->done, true);
}

static void clean(void *arg)
{
    struct request *request = arg;
    while (!atomic_load(&request->done))
        ckf_stress_spin(NULL);
    ckf_stress_free(request->resource);
    request->cleanups++;
}

static unsigned cleanups(void *request)
{
    return ((struct request *)request)->cleanups;
}

const struct cleanup_operations racy_cleanup_thread = {.begin = begin,
                                                       .end = end,
                                                       .hang_up = end,
                                                       .clean = clean,
                                                       .cleanups = cleanups,
                                                       .forget = free};
