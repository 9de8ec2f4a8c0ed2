/* explore/watchdog.c - notices a thread that does not come back.
 *
 * Between two visible operations a thread runs on its own, and the engine runs only when it comes to the
 * next one. One that loops without any spins for ever, whatever the others do; one that waits in a
 * call that the engine does not know stands there with all the others. A timer looks a few times a
 * second: if neither execution nor step has moved, CPU time tells the two apart. */
#include "engine.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

enum {
    TICK_US = 100000,
    TICKS_ASLEEP =
        25, /* without CPU time: 2.5 s. A process that is merely starved has moved by then */
    CPU_SPENT_MS = 500,
    CPU_IDLE_MS = 50
};

static struct {
    uint32_t execution, step;
    uint64_t attempt;
    int64_t cpu_ms;
    unsigned ticks;
} seen;

int __real_clock_gettime(clockid_t clock, struct timespec *time);

static int64_t cpu_ms(void)
{
    struct timespec now;
    __real_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look(int number)
{
    (void)number;
    const struct ckf_engine *e = &ckf_explore_engine;
    if (e->running == NULL || e->execution != seen.execution || e->attempt != seen.attempt ||
        e->step != seen.step) {
        seen.execution = e->execution;
        seen.attempt = e->attempt;
        seen.step = e->step;
        seen.cpu_ms = cpu_ms();
        seen.ticks = 0;
        return;
    }
    int64_t spent = cpu_ms() - seen.cpu_ms;
    seen.ticks++;
    if (spent >= CPU_SPENT_MS)
        ckf_explore_fail(CKF_VERDICT_LIVELOCK, "loops, and nothing that others could see happens");
    if (seen.ticks >= TICKS_ASLEEP && spent <= CPU_IDLE_MS)
        ckf_explore_fail(CKF_VERDICT_UNMODELLED,
                         "waits in a call, which this engine does not model");
}

void ckf_explore_watchdog_start(void)
{
    static bool started;
    if (started)
        return;
    started = true;
    struct sigaction action = {.sa_handler = look,
                               .sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_interval = {.tv_usec = TICK_US},
                              .it_value = {.tv_usec = TICK_US}};
    setitimer(ITIMER_REAL, &timer, NULL);
}
