/* harness/watchdog.h - ends the program when a run does not end. */
#ifndef CKF_BENCH_WATCHDOG_H
#define CKF_BENCH_WATCHDOG_H

#include <stdint.h>

/* Starts it. on_bite runs on its thread when a deadline passes; the program then exits with 1. */
void watchdog_start(void (*on_bite)(void *argument), void *argument);
/* From now until the next call, at most that long; 0: no limit. */
void watchdog_allow(int64_t ns);

#endif
