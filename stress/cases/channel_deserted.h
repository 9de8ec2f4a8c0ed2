/* stress/cases/channel_deserted.h - a sender whose only receiver gives up. */
#ifndef STRESS_CASES_CHANNEL_DESERTED_H
#define STRESS_CASES_CHANNEL_DESERTED_H

#include <ck_filter/stress.h>

#include "channels.h"

struct deserted {
    void *channel;
};

/* Sends one element more than there is room for; reports "told" or "accepted". */
void deserted_send(struct ckf_stress_run *run, struct deserted *deserted, unsigned capacity);
/* The receiver: receives nothing, and says after a pause that it is done. */
void deserted_receiver(struct ckf_stress_run *run, void *deserted);
void deserted_teardown(struct ckf_stress_run *run, void *deserted);

#endif
