/* stress/racy/channels.h - channels as the article's code uses or builds them, one mistake each. */
#ifndef STRESS_RACY_CHANNELS_H
#define STRESS_RACY_CHANNELS_H

#include "../cases/channels.h"

/* Go's own channel, used wrongly. */
extern const struct channel_operations racy_checked_send_channel;   /* "closed?", then send */
extern const struct channel_operations racy_checked_close_channel;  /* "closed?", then close */
extern const struct channel_operations racy_defer_close_channel;    /* every producer closes */
extern const struct channel_operations racy_select_default_channel; /* default saves nobody */
extern const struct channel_operations racy_silent_channel;     /* nobody says that he is done */
extern const struct channel_operations racy_no_default_channel; /* a full channel blocks */

/* Channels built wrongly. */
extern const struct channel_operations racy_discarding_channel;     /* close drops the queue */
extern const struct channel_operations racy_done_flag_channel;      /* a flag, and no wake-up */
extern const struct channel_operations racy_late_sleeper_channel;   /* looks, then sleeps */
extern const struct channel_operations racy_thief_channel;          /* time-out keeps a wake-up */
extern const struct channel_operations racy_touching_channel;       /* touched after hand-over */
extern const struct channel_operations racy_dropping_channel;       /* cancel drops a hand-over */
extern const struct channel_operations racy_two_claims_channel;     /* a select without one claim */
extern const struct channel_operations racy_lock_order_channel;     /* a select in caller's order */
extern const struct channel_operations racy_narrow_index_channel;   /* indices that wrap wrongly */
extern const struct channel_operations racy_early_publish_channel;  /* there before it is there */
extern const struct channel_operations racy_ticket_channel;         /* claimed, not published */
extern const struct channel_operations racy_one_by_one_channel;     /* a select without a moment */
extern const struct channel_operations racy_deaf_poller_channel;    /* clears after it looked */
extern const struct channel_operations racy_one_flag_channel;       /* two wake-ups are one */
extern const struct channel_operations racy_keeping_select_channel; /* does not pass on */
extern const struct channel_operations racy_unguarded_wait_channel; /* any wake-up will do */
extern const struct channel_operations racy_late_block_channel;     /* installed by halves */
extern const struct channel_operations racy_narrow_len_channel;     /* a length below zero */
extern const struct channel_operations racy_late_sender_channel;    /* looks, then sleeps */
extern const struct channel_operations racy_promised_channel;       /* a flag beside the ring */
extern const struct channel_operations racy_unclaimed_channel;      /* two serve one sleeper */

#endif
