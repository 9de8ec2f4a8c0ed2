/* base/probes.h - places that a tracer can hook into while the program runs: perf, bpftrace, SystemTap.
 *
 * One nop each, where <sys/sdt.h> was there at build; nothing without it (or with -Dusdt=disabled).
 * Names and arguments: docs/DESIGN.md, "Looking inside".
 */
#ifndef CKF_BASE_PROBES_H
#define CKF_BASE_PROBES_H

#if defined(CKF_USDT)

#include <sys/sdt.h>

#define CKF_PROBE1(name, a)       DTRACE_PROBE1(ck_filter, name, a)
#define CKF_PROBE2(name, a, b)    DTRACE_PROBE2(ck_filter, name, a, b)
#define CKF_PROBE3(name, a, b, c) DTRACE_PROBE3(ck_filter, name, a, b, c)

#else

#define CKF_PROBE1(name, a)       ((void)(a))
#define CKF_PROBE2(name, a, b)    ((void)(a), (void)(b))
#define CKF_PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))

#endif

#endif
