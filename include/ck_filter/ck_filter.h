/* ck_filter/ck_filter.h - everything at once; each header stands alone too. */
#ifndef CKF_CK_FILTER_H
#define CKF_CK_FILTER_H

#include <ck_filter/breaker.h>
#include <ck_filter/channel.h>
#include <ck_filter/clock.h>
#include <ck_filter/context.h>
#include <ck_filter/counter_map.h>
#include <ck_filter/filter.h>
#include <ck_filter/group.h>
#include <ck_filter/memory.h>
#include <ck_filter/pool.h>
#include <ck_filter/ruleset.h>
#include <ck_filter/select.h>
#include <ck_filter/status.h>
#include <ck_filter/trace.h>
#include <ck_filter/waiters.h>

#endif
