/* stress/racy/tests.h - test helpers as the article has them. */
#ifndef STRESS_RACY_TESTS_H
#define STRESS_RACY_TESTS_H

#include "../cases/tests.h"

extern const struct test_operations racy_abandoning_helper; /* gives up and goes on */
extern const struct test_operations racy_counting_helper;   /* counts threads, once */

#endif
