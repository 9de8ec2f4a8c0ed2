/* linearize/history.c - judges histories, remembers verdicts, and shows what is wrong with one.
 *
 * A history is judged object by object, which finds the same (Herlihy and Wing's locality; Horn and
 * Kroening, "Faster linearizability checking via P-compositionality", 2015).
 *
 * Verdicts are remembered under all that they depend on, in a canonical form: the operations, body by
 * body, and for each the set of those that had returned before it was called. The forms are kept
 * whole, so that no collision can make a bad history a good one. When their memory is full, the rest
 * is searched each time.
 */
#include "linearize/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    REMEMBERED_OPERATIONS = 64, /* in a history that is remembered: the bits of a word */
    TABLE_SIZE = 1 << 16,
    ARENA_BYTES = 24 << 20
};

void ckf_recorder_clear(struct ckf_recorder *recorder)
{
    recorder->count = 0;
    recorder->open = recorder->too_many = false;
}

struct ckf_recorded *ckf_recorder_call(struct ckf_recorder *recorder,
                                       const struct ckf_stress_operation *operation, bool *misused)
{
    *misused = recorder->open;
    recorder->open = true;
    if (recorder->count == CKF_STRESS_MAX_CALLS)
        recorder->too_many = true;
    if (*misused || recorder->too_many)
        return NULL;
    struct ckf_recorded *recorded = &recorder->calls[recorder->count++];
    /* field by field, lest it becomes a memcpy */
    recorded->operation.code = operation->code;
    recorded->operation.object = operation->object;
    recorded->operation.arguments[0] = operation->arguments[0];
    recorded->operation.arguments[1] = operation->arguments[1];
    recorded->operation.values[0] = recorded->operation.values[1] = 0;
    recorded->operation.values[2] = recorded->operation.values[3] = 0;
    recorded->operation.status = 0;
    recorded->operation.result = 0;
    recorded->operation.actor = operation->actor;
    recorded->operation.others = 0;
    recorded->called = 0;
    recorded->returned = CKF_NEVER_RETURNED;
    return recorded;
}

void ckf_recorder_value(struct ckf_recorder *recorder, unsigned index, uint64_t value,
                        bool *misused)
{
    *misused = !recorder->open || index >= CKF_STRESS_VALUES;
    if (!*misused && !recorder->too_many)
        recorder->calls[recorder->count - 1].operation.values[index] = value;
}

struct ckf_recorded *ckf_recorder_return(struct ckf_recorder *recorder, int status, uint64_t result,
                                         bool *misused)
{
    *misused = !recorder->open;
    recorder->open = false;
    if (*misused || recorder->too_many)
        return NULL;
    struct ckf_recorded *recorded = &recorder->calls[recorder->count - 1];
    recorded->operation.status = status;
    recorded->operation.result = result;
    return recorded;
}

void ckf_history_begin(struct ckf_history *history,
                       const struct ckf_stress_specification *specification)
{
    history->specification = specification;
    history->count = 0;
    history->too_long = false;
}

void ckf_history_add(struct ckf_history *history, const struct ckf_recorder *recorder)
{
    history->too_long = history->too_long || recorder->too_many ||
                        history->count + recorder->count > CKF_HISTORY_MAX;
    if (history->too_long)
        return;
    memcpy(&history->operations[history->count], recorder->calls,
           recorder->count * sizeof recorder->calls[0]);
    history->count += recorder->count;
}

/* --- Time --------------------------------------------------------------------------------------- */

static bool comes_before(const struct ckf_recorded *a, const struct ckf_recorded *b)
{
    return a->returned < b->called;
}

/* For each operation, how many other actors had one open on its object meanwhile. Operations of an
 * actor are neighbours. */
static void count_others(struct ckf_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        struct ckf_recorded *one = &history->operations[i];
        unsigned others = 0, last = one->operation.actor;
        for (size_t j = 0; j < history->count; j++) {
            const struct ckf_recorded *other = &history->operations[j];
            if (other->operation.actor == one->operation.actor || other->operation.actor == last ||
                other->operation.object != one->operation.object || comes_before(one, other) ||
                comes_before(other, one))
                continue;
            last = other->operation.actor;
            others++;
        }
        one->operation.others = others;
    }
}

/* --- Judging ------------------------------------------------------------------------------------ */

static bool is_among(const uint64_t *objects, size_t count, uint64_t object)
{
    for (size_t i = 0; i < count; i++)
        if (objects[i] == object)
            return true;
    return false;
}

static size_t operations_on(const struct ckf_history *history, uint64_t object,
                            const struct ckf_recorded *operations[CKF_HISTORY_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++)
        if (history->operations[i].operation.object == object)
            operations[count++] = &history->operations[i];
    return count;
}

/* The worst verdict on any object, and the object. */
static enum ckf_linearizability search_objects(const struct ckf_history *history, uint64_t *object)
{
    uint64_t judged[CKF_HISTORY_MAX];
    const struct ckf_recorded *operations[CKF_HISTORY_MAX];
    size_t judged_count = 0;
    enum ckf_linearizability worst = CKF_LINEARIZABLE;
    for (size_t i = 0; i < history->count && worst != CKF_NOT_LINEARIZABLE; i++) {
        uint64_t next = history->operations[i].operation.object;
        if (is_among(judged, judged_count, next))
            continue;
        judged[judged_count++] = next;
        size_t count = operations_on(history, next, operations);
        enum ckf_linearizability verdict =
            ckf_linearize(history->specification, operations, count, NULL);
        if (verdict != CKF_LINEARIZABLE) {
            worst = verdict;
            *object = next;
        }
    }
    return worst;
}

/* --- Remembering -------------------------------------------------------------------------------- */

/* One operation in a canonical form. */
struct form {
    struct ckf_stress_operation operation;
    uint64_t before; /* a set of operations of the history */
    bool returned;
};

struct known {
    const struct ckf_stress_specification *specification;
    uint32_t hash, place, count; /* count 0: unused */
    enum ckf_linearizability verdict;
};

static struct {
    struct known *table; /* TABLE_SIZE; half of it is used at the most */
    struct form *arena;
    size_t used, entries;
} memory;

static bool get_memory(void)
{
    if (memory.table == NULL)
        memory.table = calloc(TABLE_SIZE, sizeof *memory.table);
    if (memory.arena == NULL)
        memory.arena = malloc(ARENA_BYTES);
    return memory.table != NULL && memory.arena != NULL;
}

static void write_forms(const struct ckf_history *history, struct form *forms)
{
    memset(forms, 0, history->count * sizeof *forms); /* what lies between the fields, too */
    for (size_t i = 0; i < history->count; i++) {
        const struct ckf_recorded *one = &history->operations[i];
        memcpy(&forms[i].operation, &one->operation, sizeof one->operation);
        forms[i].returned = one->returned != CKF_NEVER_RETURNED;
        for (size_t j = 0; j < history->count; j++)
            if (comes_before(&history->operations[j], one))
                forms[i].before |= UINT64_C(1) << j;
    }
}

static uint32_t hash_forms(const struct form *forms, size_t count)
{
    uint64_t hash = count;
    const unsigned char *bytes = (const unsigned char *)forms;
    for (size_t i = 0; i < count * sizeof *forms; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}
_Static_assert(sizeof(struct form) % 8 == 0, "hash_forms() goes by words");

/* Where the history is known, or may be noted. */
static struct known *look_up(const struct ckf_stress_specification *specification,
                             const struct form *forms, size_t count, uint32_t hash)
{
    size_t place = hash % TABLE_SIZE;
    for (; memory.table[place].count != 0; place = (place + 1) % TABLE_SIZE) {
        const struct known *known = &memory.table[place];
        if (known->hash == hash && known->specification == specification && known->count == count &&
            memcmp(memory.arena + known->place, forms, count * sizeof *forms) == 0)
            break;
    }
    return &memory.table[place];
}

static void remember(struct known *place, const struct ckf_history *history,
                     const struct form *forms, uint32_t hash, enum ckf_linearizability verdict)
{
    if (memory.entries == TABLE_SIZE / 2 ||
        (memory.used + history->count) * sizeof *forms > ARENA_BYTES)
        return;
    memcpy(memory.arena + memory.used, forms, history->count * sizeof *forms);
    *place = (struct known){history->specification, hash, (uint32_t)memory.used,
                            (uint32_t)history->count, verdict};
    memory.used += history->count;
    memory.entries++;
}

enum ckf_linearizability ckf_history_judge(struct ckf_history *history)
{
    uint64_t object;
    if (history->too_long)
        return CKF_LINEARIZABLE_UNDECIDED;
    if (history->count == 0)
        return CKF_LINEARIZABLE;
    count_others(history);
    if (history->count > REMEMBERED_OPERATIONS || !get_memory())
        return search_objects(history, &object);
    struct form forms[REMEMBERED_OPERATIONS];
    write_forms(history, forms);
    uint32_t hash = hash_forms(forms, history->count);
    struct known *known = look_up(history->specification, forms, history->count, hash);
    if (known->count != 0)
        return known->verdict;
    enum ckf_linearizability verdict = search_objects(history, &object);
    remember(known, history, forms, hash, verdict);
    return verdict;
}

const char *ckf_history_outcome(enum ckf_linearizability verdict)
{
    if (verdict == CKF_LINEARIZABLE)
        return NULL;
    return verdict == CKF_NOT_LINEARIZABLE ? "not linearizable" : "undecided";
}

/* --- Showing ------------------------------------------------------------------------------------ */

static int by_return(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

/* What has been called by that moment; what has not returned by then is open. */
static size_t cut(const struct ckf_recorded *const *operations, size_t count, uint64_t moment,
                  struct ckf_recorded *kept, const struct ckf_recorded **list)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (operations[i]->called > moment)
            continue;
        kept[left] = *operations[i];
        if (kept[left].returned > moment)
            kept[left].returned = CKF_NEVER_RETURNED;
        list[left] = &kept[left];
        left++;
    }
    return left;
}

/* The first moment at which there is no order. */
static uint64_t moment_of_failure(const struct ckf_stress_specification *specification,
                                  const struct ckf_recorded *const *operations, size_t count)
{
    static struct ckf_recorded kept[CKF_HISTORY_MAX];
    const struct ckf_recorded *list[CKF_HISTORY_MAX];
    uint64_t moments[CKF_HISTORY_MAX];
    for (size_t i = 0; i < count; i++)
        moments[i] = operations[i]->returned;
    qsort(moments, count, sizeof *moments, by_return);
    for (size_t i = 0; i < count; i++) {
        size_t left = cut(operations, count, moments[i], kept, list);
        if (ckf_linearize(specification, list, left, NULL) == CKF_NOT_LINEARIZABLE)
            return moments[i];
    }
    return CKF_NEVER_RETURNED;
}

static void describe(const struct ckf_stress_specification *specification,
                     const struct ckf_stress_operation *operation, char *text, size_t size)
{
    if (specification->print != NULL)
        specification->print(operation, text, size);
    else
        snprintf(text, size, "operation %u (%" PRIu64 ", %" PRIu64 "): status %d, result %" PRIu64,
                 operation->code, operation->arguments[0], operation->arguments[1],
                 operation->status, operation->result);
}

/* Moments as small numbers: how many events of the list come before. */
static unsigned rank(const struct ckf_recorded *const *list, size_t count, uint64_t time,
                     bool is_return)
{
    unsigned before = 0;
    for (size_t i = 0; i < count; i++) {
        before += list[i]->called < time || (list[i]->called == time && is_return);
        before += list[i]->returned < time;
    }
    return before + 1;
}

static int by_call(const void *a, const void *b)
{
    const struct ckf_recorded *first = *(const struct ckf_recorded *const *)a;
    const struct ckf_recorded *second = *(const struct ckf_recorded *const *)b;
    return first->called < second->called ? -1 : first->called > second->called;
}

/* Reports have room for so many; of those called before them only what had not returned by then is
 * shown, the others are counted. */
enum { TEXT = 160, SHOWN = 24 };

static bool is_shown(const struct ckf_recorded *const *list, size_t count, size_t i)
{
    size_t first = count > SHOWN ? count - SHOWN : 0;
    return i >= first || list[i]->returned > list[first]->called;
}

static void print_operation(const struct ckf_stress_specification *specification,
                            const struct ckf_recorded **list, size_t count, size_t i,
                            ckf_actor_name name, const void *arg, FILE *out)
{
    char actor[48], text[TEXT];
    const struct ckf_recorded *one = list[i];
    name(one->operation.actor, actor, sizeof actor, arg);
    describe(specification, &one->operation, text, sizeof text);
    fprintf(out, "%4zu. %4u ", i + 1, rank(list, count, one->called, false));
    if (one->returned == CKF_NEVER_RETURNED)
        fprintf(out, "...      %-12s %s, later\n", actor, text);
    else
        fprintf(out, "to %-4u  %-12s %s\n", rank(list, count, one->returned, true), actor, text);
}

static void print_operations(const struct ckf_stress_specification *specification,
                             const struct ckf_recorded **list, size_t count, ckf_actor_name name,
                             const void *arg, FILE *out)
{
    size_t skipped = 0;
    for (size_t i = 0; i < count; i++)
        skipped += !is_shown(list, count, i);
    if (skipped > 0)
        fprintf(out, "   (%zu that had returned earlier)\n", skipped);
    for (size_t i = 0; i < count; i++)
        if (is_shown(list, count, i))
            print_operation(specification, list, count, i, name, arg, out);
}

static void print_order(const struct ckf_linearize_order *order, FILE *out)
{
    unsigned skipped = order->length > 2 * SHOWN ? order->length - 2 * SHOWN : 0;
    fprintf(out, "an order that gets as far as any:%s", skipped > 0 ? " ..." : "");
    for (unsigned i = skipped; i < order->length; i++) {
        fprintf(out, " %u", order->operations[i] + 1u);
        if (order->steps[i] > 0)
            fprintf(out, "(step %u)", order->steps[i] + 1u);
    }
    fprintf(out, "%s\n", order->length == 0 ? " none" : "");
}

void ckf_history_print(const struct ckf_history *history, ckf_actor_name name, const void *arg,
                       FILE *out)
{
    static struct ckf_recorded kept[CKF_HISTORY_MAX];
    static struct ckf_linearize_order order;
    const struct ckf_recorded *operations[CKF_HISTORY_MAX], *list[CKF_HISTORY_MAX];
    uint64_t object = 0;
    if (history->too_long || search_objects(history, &object) != CKF_NOT_LINEARIZABLE)
        return;
    size_t count = operations_on(history, object, operations);
    uint64_t moment = moment_of_failure(history->specification, operations, count);
    count = cut(operations, count, moment, kept, list);
    qsort(list, count, sizeof *list, by_call);
    ckf_linearize(history->specification, list, count, &order);
    fprintf(out,
            "no order of these operations is one of a %s, if each has its effect\n"
            "between its call and its return (moments in order of time):\n",
            history->specification->name);
    print_operations(history->specification, list, count, name, arg, out);
    print_order(&order, out);
    fflush(out);
}
