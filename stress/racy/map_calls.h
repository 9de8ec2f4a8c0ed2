/* stress/racy/map_calls.h - maps whose calls are made of steps that are sound by themselves. */
#ifndef STRESS_RACY_MAP_CALLS_H
#define STRESS_RACY_MAP_CALLS_H

#include "../cases/map_history.h"

extern const struct map_calls racy_take_in_two_steps; /* takes by load and store of 0 */
extern const struct map_calls racy_early_final_value; /* a remove that does not wait for adds */

#endif
