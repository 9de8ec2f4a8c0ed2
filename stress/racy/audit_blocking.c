/* stress/racy/audit_blocking.c - every drop writes its line, and waits until there is room for it. */
#include "../cases/guards.h"
#include "queue.h"

static void *create(size_t lines)
{
    return queue_create(lines, 0, 0);
}

static void drop(void *log, uint64_t record)
{
    (void)queue_send(log, record);
}

static bool take(void *log)
{
    uint64_t record;
    return queue_try_recv(log, &record) == CKF_OK;
}

static uint64_t lost(void *log)
{
    (void)log;
    return 0;
}

const struct audit_operations racy_audit = {
    .create = create, .destroy = queue_destroy, .drop = drop, .take = take, .lost = lost};
