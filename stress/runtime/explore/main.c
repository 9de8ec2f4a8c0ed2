/* explore/main.c - main() of programs that are linked for the explore engine and have none. */
#include <ck_filter/stress.h>

int main(int argc, char **argv)
{
    return ckf_stress_main(argc, argv);
}
