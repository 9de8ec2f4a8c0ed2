/* stress/racy/breakers.h - a breaker whose every step looks first and acts a moment later. */
#ifndef STRESS_RACY_BREAKERS_H
#define STRESS_RACY_BREAKERS_H

#include "../cases/breakers.h"

extern const struct breaker_operations racy_breaker;

#endif
