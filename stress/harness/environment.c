/* harness/environment.c - where a result comes from. What cannot be found out is "unknown". */
#include "harness/environment.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "harness/batch.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static void read_cpu_model(char *text, size_t size)
{
    char line[256];
    snprintf(text, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, "model name", strlen("model name")) != 0)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(text, size, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
        break;
    }
    fclose(file);
}

static void read_kernel(char *text, size_t size)
{
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(text, size, "%s %s %s", name.sysname, name.release, name.machine);
    else
        snprintf(text, size, "unknown");
}

static void read_governor(char *text, size_t size)
{
    snprintf(text, size, "unknown");
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "re");
    if (file == NULL)
        return;
    char line[32];
    if (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(text, size, "%s", line);
    }
    fclose(file);
}

void ckf_stress_read_environment(struct ckf_stress_environment *environment)
{
    *environment = (struct ckf_stress_environment){.cpus = ckf_stress_allowed_cpus(),
                                                   .compiler = COMPILER,
                                                   .flags = CKF_STRESS_FLAGS,
                                                   .build_type = CKF_STRESS_BUILD_TYPE,
                                                   .sanitizer = CKF_STRESS_SANITIZER,
                                                   .version = CKF_STRESS_VERSION_TEXT};
    read_cpu_model(environment->cpu, sizeof environment->cpu);
    read_kernel(environment->kernel, sizeof environment->kernel);
    read_governor(environment->governor, sizeof environment->governor);
    snprintf(environment->libc, sizeof environment->libc, "glibc %s", gnu_get_libc_version());
}
