/* harness/machine.h - the machine under the benchmarks: what it is, and who else uses it. */
#ifndef CKF_BENCH_MACHINE_H
#define CKF_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine {
    char cpu[128];
    char kernel[128];
    char libc[64];
    unsigned cpus; /* that this process may run on */
};

void machine_read(struct machine *machine);
double machine_load_average(void); /* of the last minute; negative: unknown */

/* How much CPU time others (and the hypervisor) took between two looks. */
struct usage {
    int64_t busy_ns; /* of the CPUs it may use; negative: unknown */
    int64_t own_ns;  /* of this process */
    int64_t at_ns;
};

struct usage usage_now(void);
/* CPUs that others kept busy from one look to the next, on average; 0 where it cannot be told. The
 * kernel counts in ticks of some 10 ms: a shorter span is not judged. */
enum { USAGE_SHORTEST_NS = 150000000 };
double usage_foreign_cpus(const struct usage *from, const struct usage *to);

#endif
