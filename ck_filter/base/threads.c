/* base/threads.c - reads /proc/self/task: the directory for the ids, each thread's stat for the rest.
 *
 * With plain system calls, since opendir(3) and fopen(3) allocate behind the library's allocator. They
 * are cancellation points, which no function of the library may be: cancelling is off meanwhile. */
#include "base/threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/clock.h"
#include "base/memory.h"

struct thread_list {
    struct ckf_thread_entry *entries;
    size_t count, capacity;
};

static bool append(struct thread_list *list, const struct ckf_thread_entry *entry)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 16;
        struct ckf_thread_entry *larger = ckf_alloc_array(capacity, sizeof *larger);
        if (larger == NULL)
            return false;
        if (list->count > 0)
            memcpy(larger, list->entries, list->count * sizeof *larger);
        ckf_free(list->entries);
        list->entries = larger;
        list->capacity = capacity;
    }
    list->entries[list->count++] = *entry;
    return true;
}

/* The thread's name may hold any character, so the last parenthesis ends it. Fields are numbered as
 * in proc(5). */
static bool parse_stat(char *text, struct ckf_thread_entry *entry, char *run_state)
{
    enum { STATE_FIELD = 3, START_TIME_FIELD = 22 };
    char *name = strchr(text, '('), *end = strrchr(text, ')');
    if (name == NULL || end == NULL || end < name || end[1] != ' ')
        return false;
    *end = 0;
    snprintf(entry->name, sizeof entry->name, "%.15s", name + 1);
    char *field = end + 2;
    *run_state = *field;
    for (int number = STATE_FIELD; number < START_TIME_FIELD; number++) {
        field = strchr(field, ' ');
        if (field == NULL)
            return false;
        field++;
    }
    entry->start_ticks = strtoull(field, NULL, 10);
    return true;
}

/* Appends the thread of that name in /proc/self/task, unless it has ended. */
static enum ckf_status add_thread(struct thread_list *list, const char *id)
{
    char path[64], text[1024], run_state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ESRCH ? CKF_OK : CKF_IO;
    ssize_t length = read(fd, text, sizeof text - 1);
    int error = errno;
    close(fd);
    if (length < 0)
        return error == ESRCH ? CKF_OK : CKF_IO;
    text[length] = 0;
    struct ckf_thread_entry entry = {.id = strtoull(id, NULL, 10)};
    if (!parse_stat(text, &entry, &run_state))
        return CKF_IO;
    if (run_state == 'X' || run_state == 'Z')
        return CKF_OK;
    return append(list, &entry) ? CKF_OK : CKF_NO_MEMORY;
}

/* One buffer full of the directory. *more: there was something in it. */
static enum ckf_status read_some(int directory, struct thread_list *list, bool *more)
{
    _Alignas(struct dirent64) char buffer[4096];
    ssize_t length = getdents64(directory, buffer, sizeof buffer);
    if (length < 0)
        return CKF_IO;
    *more = length > 0;
    enum ckf_status status = CKF_OK;
    for (ssize_t at = 0; at < length && status == CKF_OK;) {
        const struct dirent64 *entry = (const struct dirent64 *)(void *)(buffer + at);
        if (entry->d_name[0] != '.')
            status = add_thread(list, entry->d_name);
        at += entry->d_reclen;
    }
    return status;
}

static enum ckf_status read_directory(struct thread_list *list)
{
    int directory = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return CKF_IO;
    enum ckf_status status = CKF_OK;
    for (bool more = true; more && status == CKF_OK;)
        status = read_some(directory, list, &more);
    close(directory);
    return status;
}

enum ckf_status ckf_list_threads(struct ckf_thread_entry **threads, size_t *count)
{
    struct thread_list list = {0};
    struct ckf_caller caller = ckf_caller_save();
    enum ckf_status status = read_directory(&list);
    ckf_caller_restore(caller);
    if (status != CKF_OK) {
        ckf_free(list.entries);
        return status;
    }
    *threads = list.entries;
    *count = list.count;
    return CKF_OK;
}

int64_t ckf_thread_start_ns(const struct ckf_thread_entry *thread)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot); /* what start times are measured by */
    int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
    int64_t now = (int64_t)boot.tv_sec * 1000000000 + boot.tv_nsec;
    int64_t age_ns = now - (int64_t)thread->start_ticks * tick_ns;
    return ckf_now_ns() - age_ns;
}
