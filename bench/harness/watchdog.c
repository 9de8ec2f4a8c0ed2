/* watchdog.c - a thread that looks at a deadline now and then. Seldom enough not to disturb what is
 * measured. */
#include "harness/watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/clock.h"

static _Atomic(int64_t) deadline_ns;
static void (*bite)(void *);
static void *bite_argument;

static void *watchdog_main(void *unused)
{
    (void)unused;
    for (;;) {
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
        int64_t deadline = atomic_load(&deadline_ns);
        if (deadline != 0 && bench_now_ns() > deadline) {
            bite(bite_argument);
            fflush(NULL);
            _exit(1);
        }
    }
    return NULL;
}

void watchdog_start(void (*on_bite)(void *argument), void *argument)
{
    bite = on_bite;
    bite_argument = argument;
    pthread_t thread;
    int error = pthread_create(&thread, NULL, watchdog_main, NULL);
    if (error != 0) {
        fprintf(stderr, "ckf-bench: no watchdog: %s\n", strerror(error));
        return;
    }
    pthread_detach(thread);
}

void watchdog_allow(int64_t ns)
{
    atomic_store(&deadline_ns, ns == 0 ? 0 : bench_now_ns() + ns);
}
