/* harness/watch.c - telling a child that waits for ever from one that is merely slow.
 *
 * A machine can be so busy that a healthy thread does not run for seconds: time alone proves
 * nothing. What proves it is the kernel's own account (/proc/PID/task/TID/{status,syscall}):
 *
 *   asleep   Two looks in a row found every thread of the child in state S (not R, which a thread
 *            has that wants to run and may not; not D, not stopped), no thread having come or gone,
 *            and the context switches of each unfinished actor unchanged: it slept all the time
 *            between the looks. None of the actors waits with a time limit.
 *   proven   Moreover, nobody's switches changed and every thread waits on a futex without a time
 *            limit. Then at the moment between the looks nobody was left who could wake anyone: a
 *            thread that has been woken is in state R. The child is deadlocked, however busy
 *            the machine.
 *
 * A racy twin is given up on soon after the proof, or after half a second asleep where helpers with
 * timers (a sanitizer's, say) spoil the proof. The fixed variants get ten seconds beyond the proof,
 * half a minute without it. Waiting without sleeping (spinning, or sleeping with time limits again
 * and again) is judged by the CPU time that one iteration has used, which a busy machine does not
 * use up either; wall time counts only as a last resort, after minutes in a fixed variant. */
#include "harness/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dirent.h>

#include "harness/clock.h"

/* What it takes to call a child hung: in a racy twin, in a fixed variant. */
static const struct patience {
    int64_t proven_ns;   /* deadlock proven for so long */
    int64_t asleep_ns;   /* all asleep for so long */
    int64_t spinning_ns; /* CPU time that one iteration has used */
    int64_t still_ns;    /* wall time without any progress */
} impatient = {10 * CKF_STRESS_MS, 500 * CKF_STRESS_MS, 200 * CKF_STRESS_MS, 20 * CKF_STRESS_S},
  patient = {10 * CKF_STRESS_S, 30 * CKF_STRESS_S, 60 * CKF_STRESS_S, 300 * CKF_STRESS_S};

/* A sanitizer's child works this much longer for the same. */
enum { SANITIZER_FACTOR = 5 };

/* Stillness before the kernel is asked at all. */
#define UNREMARKABLE_NS (10 * CKF_STRESS_MS)

/* --- One look ----------------------------------------------------------------------------------- */

/* Reads a small file of /proc whole; false if it cannot be. */
static bool read_proc(pid_t pid, int tid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, size - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return true;
}

static uint64_t field(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found != NULL ? strtoull(found + strlen(name), NULL, 10) : 0;
}

/* "NUMBER 0xARG 0xARG ..." where a thread waits in a system call. */
static void read_system_call(struct ckf_stress_sighting *thread, const char *text)
{
    long number = -1;
    unsigned long long args[6] = {0};
    if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &number, &args[0], &args[1], &args[2],
               &args[3], &args[4], &args[5]) < 7)
        return;
    switch (number) {
    case SYS_futex:
        thread->timed = args[3] != 0;
        thread->in_futex = !thread->timed;
        break;
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_restart_syscall: /* what an interrupted sleep goes on with */
        thread->timed = true;
        break;
#ifdef SYS_poll
    case SYS_poll:
        thread->timed = (int)args[2] >= 0; /* milliseconds; negative: for ever */
        break;
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
        thread->timed = (int)args[3] >= 0;
        break;
    case SYS_ppoll:
        thread->timed = args[2] != 0;
        break;
    case SYS_pselect6:
        thread->timed = args[4] != 0;
        break;
    default: /* for ever, for all that is known */
        break;
    }
}

static bool sight(pid_t pid, int tid, struct ckf_stress_sighting *thread)
{
    char text[4096];
    *thread = (struct ckf_stress_sighting){.tid = tid, .state = '?'};
    if (!read_proc(pid, tid, "status", text, sizeof text))
        return false;
    const char *state = strstr(text, "State:\t");
    if (state != NULL)
        thread->state = state[7];
    thread->switches =
        field(text, "\nvoluntary_ctxt_switches:") + field(text, "\nnonvoluntary_ctxt_switches:");
    if (read_proc(pid, tid, "syscall", text, sizeof text))
        read_system_call(thread, text);
    return state != NULL;
}

static void look(pid_t pid, struct ckf_stress_look *look)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    look->count = 0;
    look->complete = false;
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return;
    look->complete = true;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        int tid = atoi(task->d_name);
        if (tid <= 0)
            continue;
        if (look->count == CKF_STRESS_WATCHED_THREADS ||
            !sight(pid, tid, &look->threads[look->count])) {
            look->complete = false;
            break;
        }
        look->count++;
    }
    closedir(tasks);
}

/* --- Two looks ---------------------------------------------------------------------------------- */

/* True if the iteration cannot end before this thread goes on. */
static bool is_unfinished(const struct ckf_stress_watch *watch, int tid)
{
    const struct ckf_stress_region *region = watch->region;
    /* relaxed throughout: what is read twice, with the same switches, stood still. */
    if (atomic_load_explicit(&region->phase, memory_order_relaxed) != CKF_STRESS_ACTING)
        return tid == watch->pid;
    uint32_t turn = atomic_load_explicit(&region->turn, memory_order_relaxed);
    for (unsigned i = 0; i < region->slot_count; i++) {
        const struct ckf_stress_slot *slot = &region->slots[i];
        if (atomic_load_explicit(&slot->tid, memory_order_relaxed) == tid)
            return atomic_load_explicit(&slot->finished_turn, memory_order_relaxed) != turn;
    }
    return false;
}

static bool all_asleep(const struct ckf_stress_watch *watch, const struct ckf_stress_look *before,
                       const struct ckf_stress_look *now)
{
    if (!before->complete || !now->complete || before->count != now->count)
        return false;
    for (unsigned i = 0; i < now->count; i++) {
        const struct ckf_stress_sighting *thread = &now->threads[i], *earlier = &before->threads[i];
        if (thread->tid != earlier->tid || thread->state != 'S' || earlier->state != 'S')
            return false;
        bool moved = thread->switches != earlier->switches;
        if (is_unfinished(watch, thread->tid) && (moved || thread->timed))
            return false;
    }
    return now->count > 0;
}

/* Given that all are asleep: true if nobody is left who could wake anyone. */
static bool nobody_can_wake(const struct ckf_stress_look *before, const struct ckf_stress_look *now)
{
    for (unsigned i = 0; i < now->count; i++)
        if (!now->threads[i].in_futex || !before->threads[i].in_futex ||
            now->threads[i].switches != before->threads[i].switches)
            return false;
    return true;
}

/* --- What was seen ------------------------------------------------------------------------------ */

static const char *doing(const struct ckf_stress_watch *watch, int tid)
{
    const struct ckf_stress_look *latest = &watch->looks[watch->current];
    for (unsigned i = 0; i < latest->count; i++) {
        const struct ckf_stress_sighting *thread = &latest->threads[i];
        if (thread->tid != tid)
            continue;
        if (thread->state != 'S')
            return "running";
        if (thread->timed)
            return "asleep with a time limit";
        return thread->in_futex ? "asleep for ever (on a futex)" : "asleep for ever";
    }
    return "gone";
}

void ckf_stress_watch_describe(const struct ckf_stress_watch *watch,
                               const struct ckf_stress_batch *batch, char *text, size_t size)
{
    const struct ckf_stress_region *region = watch->region;
    size_t length = strlen(text);
    if (atomic_load_explicit(&region->phase, memory_order_relaxed) != CKF_STRESS_ACTING) {
        snprintf(text + length, size - length, "outside the actors: %s\n",
                 doing(watch, watch->pid));
        return;
    }
    unsigned slot = 0;
    for (unsigned a = 0; a < CKF_STRESS_MAX_ACTORS && batch->test->actors[a].body != NULL; a++) {
        const struct ckf_stress_actor *actor = &batch->test->actors[a];
        unsigned copies = actor->copies != 0 ? actor->copies : batch->point.copies;
        for (unsigned copy = 0; copy < copies && length < size; copy++, slot++) {
            int tid = atomic_load_explicit(&region->slots[slot].tid, memory_order_relaxed);
            const char *state = is_unfinished(watch, tid) ? doing(watch, tid) : "done";
            int printed = snprintf(text + length, size - length, "actor %s %u: %s\n",
                                   actor->name != NULL ? actor->name : "(unnamed)", copy, state);
            length += (size_t)printed;
        }
    }
}

/* --- Over time ---------------------------------------------------------------------------------- */

static int64_t cpu_time_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (int64_t)used.tv_sec * CKF_STRESS_S + used.tv_nsec;
}

/* A number that changes when the child gets anywhere. */
static uint64_t progress_of(const struct ckf_stress_region *region)
{
    uint64_t progress = atomic_load_explicit(&region->iterations, memory_order_relaxed) * 8 +
                        (uint64_t)atomic_load_explicit(&region->phase, memory_order_relaxed);
    for (unsigned i = 0; i < region->slot_count; i++) /* a mixture: which actors are done */
        progress = progress * 31 +
                   atomic_load_explicit(&region->slots[i].finished_turn, memory_order_relaxed);
    return progress;
}

void ckf_stress_watch_begin(struct ckf_stress_watch *watch, pid_t pid,
                            const struct ckf_stress_region *region, bool is_patient)
{
    watch->pid = pid;
    watch->region = region;
    watch->patient = is_patient;
    watch->progress = progress_of(region);
    watch->still_ns = ckf_stress_now_ns();
    watch->still_cpu_ns = 0;
    watch->asleep_ns = watch->proven_ns = 0;
    watch->current = 0;
    watch->looks[0].complete = watch->looks[1].complete = false;
}

static void note_progress(struct ckf_stress_watch *watch, uint64_t progress, int64_t now)
{
    watch->progress = progress;
    watch->still_ns = now;
    watch->still_cpu_ns = cpu_time_ns(watch->pid);
    watch->asleep_ns = watch->proven_ns = 0;
    watch->looks[watch->current].complete = false;
}

/* Looks again and says since when all have been asleep, and since when provably for ever. */
static void look_again(struct ckf_stress_watch *watch, int64_t now)
{
    const struct ckf_stress_look *before = &watch->looks[watch->current];
    watch->current = !watch->current;
    struct ckf_stress_look *latest = &watch->looks[watch->current];
    look(watch->pid, latest);
    bool asleep = all_asleep(watch, before, latest);
    bool proven = asleep && nobody_can_wake(before, latest);
    if (!asleep)
        watch->asleep_ns = 0;
    else if (watch->asleep_ns == 0)
        watch->asleep_ns = now;
    if (!proven)
        watch->proven_ns = 0;
    else if (watch->proven_ns == 0)
        watch->proven_ns = now;
}

bool ckf_stress_watch_hangs(struct ckf_stress_watch *watch)
{
    int64_t now = ckf_stress_now_ns();
    uint64_t progress = progress_of(watch->region);
    if (progress != watch->progress) {
        note_progress(watch, progress, now);
        return false;
    }
    if (now - watch->still_ns < UNREMARKABLE_NS)
        return false;
    look_again(watch, now);
    const struct patience *limit = watch->patient ? &patient : &impatient;
    int64_t factor = ckf_stress_sanitized() ? SANITIZER_FACTOR : 1;
    return (watch->proven_ns != 0 && now - watch->proven_ns >= limit->proven_ns) ||
           (watch->asleep_ns != 0 && now - watch->asleep_ns >= limit->asleep_ns) ||
           cpu_time_ns(watch->pid) - watch->still_cpu_ns >= limit->spinning_ns * factor ||
           now - watch->still_ns >= limit->still_ns * factor;
}
