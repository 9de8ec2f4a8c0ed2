/* task/waiters.c - the list of blocked calls, for visitors and for people.
 *
 * Everything works on a copy of the list, taken at once; visitors and descriptors may be as slow as
 * they like. Code addresses become FILE+OFFSET, which survives address space randomization and which
 * addr2line(1) reads, and a symbol where the dynamic linker knows one.
 */
#include "task/waiters.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

/* --- one waiter --- */

/* A return address may be the first byte of the next function: the call is right before it. */
static void describe_site(const void *site, char text[CKF_SITE_TEXT_BYTES])
{
    const char *call = (const char *)site - 1;
    Dl_info info;
    if (dladdr(call, &info) == 0 || info.dli_fname == NULL) {
        snprintf(text, CKF_SITE_TEXT_BYTES, "%p", (const void *)call);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *file = slash == NULL ? info.dli_fname : slash + 1;
    int length = snprintf(text, CKF_SITE_TEXT_BYTES, "%.100s+%#tx", file,
                          call - (const char *)info.dli_fbase);
    if (info.dli_sname != NULL)
        snprintf(text + length, CKF_SITE_TEXT_BYTES - (size_t)length, " (%.160s+%#tx)",
                 info.dli_sname, call - (const char *)info.dli_saddr);
}

struct ckf_waiter ckf_waiter_from_copy(const struct ckf_waiting_copy *copy,
                                       char text[CKF_SITE_TEXT_BYTES])
{
    if (copy->site != NULL)
        describe_site(copy->site, text);
    return (struct ckf_waiter){
        .object = copy->object,
        .name = copy->name == NULL ? "" : copy->name,
        .operation = copy->operation,
        .site = copy->site == NULL ? NULL : text,
        .thread_id = copy->thread_id,
        .since_ns = copy->since_ns,
    };
}

static bool same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool ckf_waits_alike(const struct ckf_waiting_copy *a, const struct ckf_waiting_copy *b)
{
    return a->site == b->site && same_text(a->object, b->object) &&
           same_text(a->operation, b->operation) && same_text(a->name, b->name);
}

enum ckf_status ckf_waiters_for_each(ckf_waiter_visit visit, void *arg)
{
    CKF_REQUIRE(visit != NULL, "the visitor must not be NULL");
    struct ckf_waiting_copy *copies;
    size_t count;
    if (!ckf_waiting_copy_all(&copies, &count))
        return CKF_NO_MEMORY;
    bool goes_on = true;
    for (size_t i = 0; i < count && goes_on; i++) {
        char text[CKF_SITE_TEXT_BYTES];
        struct ckf_waiter waiter = ckf_waiter_from_copy(&copies[i], text);
        goes_on = visit(&waiter, arg);
    }
    ckf_free(copies);
    return CKF_OK;
}

/* --- dumps --- */

/* Threads that wait alike. */
struct wait_group {
    const struct ckf_waiting_copy *example;
    size_t count;
    uint64_t newest_id; /* of the thread counted last: its channels stand together in the list */
    int64_t oldest_ns;
};

static bool write_all(int fd, const char *text, size_t length)
{
    struct ckf_caller caller = ckf_caller_save();
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written == 0 || (written < 0 && errno != EINTR))
            break;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    ckf_caller_restore(caller);
    return length == 0;
}

/* Names are the program's: none may end a line, or command a terminal. */
static void replace_controls(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
}

/* `who` waits `since` in the call that example tells of: one line. */
static bool write_line(int fd, const char *who, int64_t since_ns,
                       const struct ckf_waiting_copy *example)
{
    char text[CKF_SITE_TEXT_BYTES], line[1024];
    struct ckf_waiter waiter = ckf_waiter_from_copy(example, text);
    double seconds = (double)(ckf_now_ns() - since_ns) / 1e9;
    int length = snprintf(
        line, sizeof line, "%s %.3f s in %s of %s%s%.400s%s%s%s\n", who, seconds, waiter.operation,
        waiter.object, *waiter.name == 0 ? "" : " \"", waiter.name, *waiter.name == 0 ? "" : "\"",
        waiter.site == NULL ? "" : ", called at ", waiter.site == NULL ? "" : waiter.site);
    replace_controls(line, (size_t)length - 1);
    return write_all(fd, line, (size_t)length);
}

static bool write_each(int fd, const struct ckf_waiting_copy *copies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char who[64];
        snprintf(who, sizeof who, "thread %llu waits", (unsigned long long)copies[i].thread_id);
        if (!write_line(fd, who, copies[i].since_ns, &copies[i]))
            return false;
    }
    return true;
}

/* Fills groups, of which there is room for count; returns how many there are. */
static size_t group_alike(const struct ckf_waiting_copy *copies, size_t count,
                          struct wait_group *groups)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < used && !ckf_waits_alike(groups[at].example, &copies[i]))
            at++;
        if (at == used)
            groups[used++] =
                (struct wait_group){.example = &copies[i], .oldest_ns = copies[i].since_ns};
        groups[at].count += groups[at].newest_id != copies[i].thread_id;
        groups[at].newest_id = copies[i].thread_id;
        if (copies[i].since_ns < groups[at].oldest_ns)
            groups[at].oldest_ns = copies[i].since_ns;
    }
    return used;
}

static struct wait_group *largest(struct wait_group *groups, size_t count)
{
    struct wait_group *found = groups;
    for (size_t i = 1; i < count; i++)
        if (groups[i].count > found->count)
            found = &groups[i];
    return found;
}

static bool write_groups(int fd, struct wait_group *groups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wait_group *group = largest(groups, count);
        char who[64];
        snprintf(who, sizeof who, "%zu %s up to", group->count,
                 group->count == 1 ? "thread waits" : "threads wait");
        if (!write_line(fd, who, group->oldest_ns, group->example))
            return false;
        group->count = 0;
    }
    return true;
}

static enum ckf_status write_grouped(int fd, const struct ckf_waiting_copy *copies, size_t count)
{
    struct wait_group *groups = ckf_alloc_array(count, sizeof *groups);
    if (groups == NULL)
        return CKF_NO_MEMORY;
    bool written = write_groups(fd, groups, group_alike(copies, count, groups));
    ckf_free(groups);
    return written ? CKF_OK : CKF_IO;
}

enum ckf_status ckf_waiters_dump(int fd, enum ckf_dump_level level)
{
    struct ckf_waiting_copy *copies;
    size_t count;
    if (level != CKF_DUMP_GROUPED && level != CKF_DUMP_EACH)
        return CKF_INVALID;
    if (!ckf_waiting_copy_all(&copies, &count))
        return CKF_NO_MEMORY;
    enum ckf_status status;
    if (level == CKF_DUMP_GROUPED)
        status = write_grouped(fd, copies, count);
    else
        status = write_each(fd, copies, count) ? CKF_OK : CKF_IO;
    ckf_free(copies);
    return status;
}
