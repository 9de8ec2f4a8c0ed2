/* tests/package/unload.c - a program that is not linked with the library: it loads it, as for a plugin, and
 * lets go of it. A thread that has used it still exits in peace, and so does the one that reclaims.
 */
#include <ck_filter/ck_filter.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOAD(function) (*(void **)&function = loaded(library, "ckf_" #function))

static enum ckf_status (*counter_map_create)(struct ckf_counter_map **,
                                             const struct ckf_counter_map_options *);
static void (*counter_map_destroy)(struct ckf_counter_map *);
static enum ckf_status (*counter_map_add)(struct ckf_counter_map *, const void *, size_t, uint64_t);
static enum ckf_status (*counter_map_remove)(struct ckf_counter_map *, const void *, size_t,
                                             uint64_t *);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "unload.c: not so: %s\n", what);
    exit(1);
}

static void *loaded(void *library, const char *name)
{
    void *address = dlsym(library, name);
    require(address != NULL, name);
    return address;
}

static pthread_barrier_t used, unloaded;

/* What it retires is reclaimed a while later, and its own state is folded away at its exit. */
static void *use(void *map)
{
    uint64_t value;
    require(counter_map_add(map, "key", 3, 7) == CKF_OK, "a key is counted");
    require(counter_map_remove(map, "key", 3, &value) == CKF_OK && value == 7, "and removed");
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return NULL;
}

static void nap(void)
{
    struct timespec while_that_reclaims = {0, 100000000};
    nanosleep(&while_that_reclaims, NULL);
}

int main(void)
{
    struct ckf_counter_map *map;
    pthread_t user;
    void *library = dlopen("libck_filter.so.0", RTLD_NOW | RTLD_LOCAL);
    require(library != NULL, "the library is found");
    LOAD(counter_map_create);
    LOAD(counter_map_destroy);
    LOAD(counter_map_add);
    LOAD(counter_map_remove);
    require(counter_map_create(&map, NULL) == CKF_OK, "a map is made");
    require(pthread_barrier_init(&used, NULL, 2) == 0 &&
                pthread_barrier_init(&unloaded, NULL, 2) == 0 &&
                pthread_create(&user, NULL, use, map) == 0,
            "there are threads");
    pthread_barrier_wait(&used);
    counter_map_destroy(map);
    require(dlclose(library) == 0, "it is let go of");
    pthread_barrier_wait(&unloaded);
    require(pthread_join(user, NULL) == 0, "its user exits");
    nap();
    puts("unload is content");
    return 0;
}
