/* map_rseq.c - a word for each key and CPU, written by restartable sequences (rseq(2), which glibc 2.35
 * and later register): no locked instruction, no line that two CPUs write, however many threads.
 *
 * An id's word of a CPU stands in that CPU's array, of which untouched pages cost nothing. Keys beyond
 * the arrays, and adds that were interrupted twice, count in the entry by an atomic add.
 */
#include <stddef.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <unistd.h>

#include "candidates/map_candidate.h"

enum { MAX_CPUS = 64, IDS = 1 << 22 };

struct map {
    struct index index;
    uint64_t *words[MAX_CPUS];
    unsigned cpus;
    bool has_rseq;
    _Alignas(2 * BENCH_CACHELINE_BYTES) _Atomic(uint64_t) ids;
};

struct entry {
    struct index_entry indexed;
    _Atomic(uint64_t) id; /* 0: not yet drawn */
    _Atomic(uint64_t) value;
};

static struct entry *find_or_make(struct map *map, const struct map_key *key, uint64_t hash);

static bool init_map(struct map *map)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    if (cpus > MAX_CPUS)
        return false;
    map->cpus = (unsigned)cpus;
    map->has_rseq = __rseq_size != 0;
    for (unsigned i = 0; i < map->cpus; i++) {
        map->words[i] = mmap(NULL, IDS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map->words[i] == MAP_FAILED)
            return false;
    }
    return true;
}

static void free_map(struct map *map)
{
    for (unsigned i = 0; i < map->cpus; i++)
        munmap(map->words[i], IDS * sizeof(uint64_t));
}

#if defined(__x86_64__)

static struct rseq *rseq_area(void)
{
    char *thread;
    __asm__("movq %%fs:0, %0" : "=r"(thread));
    return (struct rseq *)(void *)(thread + __rseq_offset);
}

/* False: interrupted, and nothing was added. The descriptor says from where to where, and where to go
 * on when the thread was preempted, moved or signalled in between. */
static inline bool add_on_this_cpu(uint64_t *const *words, uint64_t id)
{
    __asm__ goto(".pushsection __rseq_cs, \"aw\"\n\t"
                 ".balign 32\n"
                 "3:\n\t"
                 ".long 0, 0\n\t"
                 ".quad 1f, 2f - 1f, 4f\n\t"
                 ".popsection\n\t"
                 "leaq 3b(%%rip), %%rax\n\t"
                 "movq %%rax, %c[descriptor](%[area])\n"
                 "1:\n\t"
                 "movl %c[cpu](%[area]), %%eax\n\t"
                 "movq (%[words], %%rax, 8), %%rax\n\t"
                 "addq $1, (%%rax, %[id], 8)\n"
                 "2:\n\t"
                 ".pushsection __rseq_failure, \"ax\"\n\t"
                 ".byte 0x0f, 0xb9, 0x3d\n\t"
                 ".long %c[signature]\n"
                 "4:\n\t"
                 "jmp %l[interrupted]\n\t"
                 ".popsection"
                 :
                 : [area] "r"(rseq_area()), [words] "r"(words), [id] "r"(id),
                   [descriptor] "i"(offsetof(struct rseq, rseq_cs)),
                   [cpu] "i"(offsetof(struct rseq, cpu_id)), [signature] "i"(RSEQ_SIG)
                 : "rax", "memory", "cc"
                 : interrupted);
    return true;
interrupted:
    return false;
}

#else

static inline bool add_on_this_cpu(uint64_t *const *words, uint64_t id)
{
    (void)words;
    (void)id;
    return false;
}

#endif

static uint64_t draw_id(struct map *map, struct entry *entry)
{
    uint64_t id = 0, drawn = atomic_fetch_add(&map->ids, 1) + 1;
    return atomic_compare_exchange_strong(&entry->id, &id, drawn) ? drawn : id;
}

static bool count(struct map *map, const struct map_key *key, uint64_t hash)
{
    struct entry *entry = find_or_make(map, key, hash);
    if (entry == NULL)
        return false;
    uint64_t id = atomic_load_explicit(&entry->id, memory_order_relaxed);
    if (id == 0)
        id = draw_id(map, entry);
    if (!map->has_rseq || id >= IDS ||
        (!add_on_this_cpu(map->words, id) && !add_on_this_cpu(map->words, id)))
        atomic_fetch_add_explicit(&entry->value, 1, memory_order_release);
    return true;
}

static uint64_t sum(struct map *map, struct entry *entry)
{
    uint64_t id = atomic_load_explicit(&entry->id, memory_order_relaxed);
    uint64_t total = atomic_load_explicit(&entry->value, memory_order_acquire);
    for (unsigned i = 0; id < IDS && i < map->cpus; i++)
        total += __atomic_load_n(&map->words[i][id], __ATOMIC_ACQUIRE);
    return total;
}

MAP_CANDIDATE(candidate_rseq, "rseq", "the table, a word for each key and CPU by rseq(2)",
              "no removal; x86-64 only, elsewhere an atomic add");
