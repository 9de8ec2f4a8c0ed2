/* specs/map.c - a counter map, one call at a time.
 *
 * What a key is worth is what was added to it less what was taken. Both may change while a call adds
 * up what lies in several places, so reads and takes have two steps, where they begin and where they
 * end. A read shows no less than what was there at its beginning and was not taken by its end, and no
 * more than the other way round. A take moves the count of what was taken to some number of adds that
 * was reached during the call: so each increment lands in exactly one take, and what was added before
 * a take began is in that take or in an earlier one.
 *
 * A remove has its effect at once, but until it returns the key counts against the bound. An add that
 * is refused for the bound is refused first, and counted in the overflow a moment later.
 */
#include "map.h"

#include <inttypes.h>
#include <stdio.h>

#include <ck_filter/status.h>

static unsigned keys_in(const struct map_model *model)
{
    unsigned keys = (unsigned)model->dying;
    for (int i = 0; i < MAP_MOST_KEYS; i++)
        keys += model->keys[i].present;
    return keys;
}

static bool add(struct map_model *model, const struct ckf_stress_operation *operation,
                unsigned step, unsigned max_keys)
{
    struct map_key_model *key = &model->keys[operation->arguments[0]];
    if (step == 1) {
        model->total++;
        model->overflow++;
        return true;
    }
    bool room = key->present || max_keys == 0 || keys_in(model) < max_keys;
    if (!room)
        return operation->status == CKF_OVERFLOWED;
    key->present = 1;
    key->added++;
    model->total++;
    return operation->status == CKF_OK;
}

static bool is_missing(const struct map_model *model, const struct ckf_stress_operation *operation)
{
    return !model->keys[operation->arguments[0]].present && operation->result == 0;
}

static struct map_note *note_of(struct map_model *model,
                                const struct ckf_stress_operation *operation)
{
    return &model->notes[operation->actor % MAP_MOST_ACTORS];
}

static bool begin(struct map_model *model, const struct ckf_stress_operation *operation)
{
    struct map_key_model *key = &model->keys[operation->arguments[0]];
    *note_of(model, operation) = (struct map_note){key->added, key->taken};
    key->open++;
    return key->present;
}

static struct map_note end(struct map_model *model, const struct ckf_stress_operation *operation)
{
    struct map_note note = *note_of(model, operation);
    *note_of(model, operation) = (struct map_note){0, 0};
    model->keys[operation->arguments[0]].open--;
    return note;
}

static bool get(struct map_model *model, const struct ckf_stress_operation *operation,
                unsigned step)
{
    const struct map_key_model *key = &model->keys[operation->arguments[0]];
    if (step == 0)
        return begin(model, operation);
    struct map_note note = end(model, operation);
    return operation->result + key->taken >= note.added &&
           operation->result + note.taken <= key->added;
}

static bool take(struct map_model *model, const struct ckf_stress_operation *operation,
                 unsigned step)
{
    struct map_key_model *key = &model->keys[operation->arguments[0]];
    if (step == 0)
        return begin(model, operation);
    struct map_note note = end(model, operation);
    uint64_t taken = key->taken + operation->result;
    key->taken = (uint32_t)taken;
    return taken >= note.added && taken <= key->added;
}

static bool remove_key(struct map_model *model, const struct ckf_stress_operation *operation,
                       unsigned step)
{
    struct map_key_model *key = &model->keys[operation->arguments[0]];
    if (step == 1) {
        model->dying--;
        return true;
    }
    bool exact = key->present && key->open == 0 && key->added - key->taken == operation->result;
    *key = (struct map_key_model){.added = 0};
    model->dying++;
    return exact;
}

unsigned map_steps(const struct ckf_stress_operation *operation, const void *bound)
{
    (void)bound;
    if (operation->code == MAP_ADD)
        return operation->status == CKF_OVERFLOWED ? 2 : 1;
    return operation->code <= MAP_REMOVE && operation->status == CKF_OK ? 2 : 1;
}

bool map_apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
               const void *bound)
{
    struct map_model *model = state;
    bool found = operation->status == CKF_OK;
    if (operation->arguments[0] >= MAP_MOST_KEYS ||
        (!found && operation->code != MAP_ADD && operation->status != CKF_NOT_FOUND))
        return false;
    switch (operation->code) {
    case MAP_ADD:
        return add(model, operation, step, ((const struct map_bound *)bound)->max_keys);
    case MAP_GET:
        return found ? get(model, operation, step) : is_missing(model, operation);
    case MAP_TAKE:
        return found ? take(model, operation, step) : is_missing(model, operation);
    case MAP_REMOVE:
        return found ? remove_key(model, operation, step) : is_missing(model, operation);
    case MAP_TOTAL:
        return operation->result == model->total;
    case MAP_OVERFLOW:
        return operation->result == model->overflow;
    default:
        return false;
    }
}

void map_print(const struct ckf_stress_operation *operation, char *text, size_t size)
{
    static const char *const names[] = {"add", "get", "take", "remove", "total", "overflow"};
    const char *name = operation->code <= MAP_OVERFLOW ? names[operation->code] : "?";
    const char *status = ckf_status_name((enum ckf_status)operation->status);
    if (operation->code >= MAP_TOTAL)
        snprintf(text, size, "%s: %" PRIu64, name, operation->result);
    else if (operation->code == MAP_ADD || operation->status != CKF_OK)
        snprintf(text, size, "%s key %" PRIu64 ": %s", name, operation->arguments[0], status);
    else
        snprintf(text, size, "%s key %" PRIu64 ": %" PRIu64, name, operation->arguments[0],
                 operation->result);
}
