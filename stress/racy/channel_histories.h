/* stress/racy/channel_histories.h - channels whose every result is right by itself, and wrong where it
 * stands in the history. */
#ifndef STRESS_RACY_CHANNEL_HISTORIES_H
#define STRESS_RACY_CHANNEL_HISTORIES_H

#include "../cases/channels.h"

extern const struct channel_operations racy_unlocked_look_channel;   /* two indices, two looks */
extern const struct channel_operations racy_late_push_channel;       /* "closed?", then push */
extern const struct channel_operations racy_late_withdrawal_channel; /* "taken?", then withdraw */
extern const struct channel_operations racy_select_in_turn_channel;  /* no common moment */
extern const struct channel_operations racy_counted_down_channel;    /* load, then store */
extern const struct channel_operations racy_counted_len_channel;     /* likewise */

#endif
