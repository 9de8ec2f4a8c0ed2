/* base/step.h - steps whose absence a test must notice.
 *
 * CKF_STEP(condition) is the condition. In the build that the explore engine runs, a mutation can take
 * it for false, one place of the source at a time, without evaluating it: a step that no case misses
 * then is not needed, or not tested.
 */
#ifndef CKF_BASE_STEP_H
#define CKF_BASE_STEP_H

#include <stdbool.h>

#ifdef CKF_EXPLORED
#define CKF_STEP(condition) (ckf_step_is_taken() && (condition))
#else
#define CKF_STEP(condition) (condition)
#endif

/* In the engine: false while a mutation leaves out the step that calls it. */
bool ckf_step_is_taken(void);

#endif
