/* task/waiters.h - blocked calls as programs see them, made from the list in sync/waiters. */
#ifndef CKF_TASK_WAITERS_H
#define CKF_TASK_WAITERS_H

#include <ck_filter/waiters.h>

#include "sync/waiters.h"

enum { CKF_SITE_TEXT_BYTES = 320 };

/* The public face of a copy. text receives the site and has to live as long. */
struct ckf_waiter ckf_waiter_from_copy(const struct ckf_waiting_copy *copy,
                                       char text[CKF_SITE_TEXT_BYTES]);

/* The same object, call and site, as far as the list can tell. */
bool ckf_waits_alike(const struct ckf_waiting_copy *a, const struct ckf_waiting_copy *b);

#endif
