/* machine.c - reads /proc and asks the C library. What cannot be read is "unknown". */
#include "harness/machine.h"

#include <gnu/libc-version.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/clock.h"

static void read_cpu_model(char *model, size_t size)
{
    snprintf(model, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL)
        return;
    char line[256];
    while (fgets(line, sizeof(line), file) != NULL) {
        char *value = strchr(line, ':');
        if (value == NULL || strncmp(line, "model name", 10) != 0)
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        snprintf(model, size, "%s", value);
        break;
    }
    fclose(file);
}

void machine_read(struct machine *machine)
{
    memset(machine, 0, sizeof(*machine));
    read_cpu_model(machine->cpu, sizeof(machine->cpu));
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(machine->kernel, sizeof(machine->kernel), "%.40s %.60s %.20s", name.sysname,
                 name.release, name.machine);
    else
        snprintf(machine->kernel, sizeof(machine->kernel), "unknown");
    snprintf(machine->libc, sizeof(machine->libc), "glibc %s", gnu_get_libc_version());
    cpu_set_t set;
    machine->cpus = sched_getaffinity(0, sizeof(set), &set) == 0
                        ? (unsigned)CPU_COUNT(&set)
                        : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

double machine_load_average(void)
{
    double load;
    return getloadavg(&load, 1) == 1 ? load : -1;
}

/* Ticks that one line of /proc/stat counts as busy. */
static unsigned long long busy_ticks(const char *line)
{
    unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
    int found = sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system,
                       &idle, &iowait, &irq, &softirq, &steal);
    return found == 8 ? user + nice + system + irq + softirq + steal : 0;
}

/* Of the CPUs that this process may run on. */
static int64_t busy_ns(void)
{
    cpu_set_t set;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL || ticks_per_second <= 0 || sched_getaffinity(0, sizeof(set), &set) != 0) {
        if (file != NULL)
            fclose(file);
        return -1;
    }
    char line[256];
    unsigned cpu;
    unsigned long long ticks = 0;
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "cpu%u ", &cpu) == 1 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set))
            ticks += busy_ticks(line);
    fclose(file);
    return (int64_t)(ticks * (1000000000ULL / (unsigned long long)ticks_per_second));
}

/* Of the programs that this one started and waited for. */
static int64_t children_ns(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return 0;
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
           (int64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

struct usage usage_now(void)
{
    return (struct usage){.busy_ns = busy_ns(),
                          .own_ns = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID) + children_ns(),
                          .at_ns = bench_now_ns()};
}

double usage_foreign_cpus(const struct usage *from, const struct usage *to)
{
    int64_t wall_ns = to->at_ns - from->at_ns;
    if (from->busy_ns < 0 || to->busy_ns < 0 || wall_ns < USAGE_SHORTEST_NS)
        return 0;
    int64_t foreign_ns = (to->busy_ns - from->busy_ns) - (to->own_ns - from->own_ns);
    return foreign_ns > 0 ? (double)foreign_ns / (double)wall_ns : 0;
}
