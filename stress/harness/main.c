/* harness/main.c - main() for programs that have none of their own. */
#include <ck_filter/stress.h>

int main(int argc, char **argv)
{
    return ckf_stress_main(argc, argv);
}
