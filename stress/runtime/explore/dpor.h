/* explore/dpor.h - what steps touch, and what follows for the search: see dpor.c. */
#ifndef CKF_EXPLORE_DPOR_H
#define CKF_EXPLORE_DPOR_H

#include "engine.h"

void ckf_explore_dpor_prepare(void);
void ckf_explore_dpor_begin(void);
/* The step is over, and nobody has been chosen yet. */
void ckf_explore_dpor_end_step(void);
void ckf_explore_dpor_end_execution(uint16_t timers);

/* Whose step is taken next: there was no choice; nobody else could go on; it was chosen. */
void ckf_explore_dpor_only(unsigned thread);
void ckf_explore_dpor_after_all(unsigned thread, uint16_t timers);
void ckf_explore_dpor_chose(size_t index, uint16_t candidates, uint16_t always, bool last_is_first,
                            unsigned thread);
/* The threads whose steps need not be tried now. */
uint16_t ckf_explore_dpor_asleep(void);
/* Takes the next alternative of the choice at this index. False: there is none. */
bool ckf_explore_dpor_next(size_t index);

#endif
