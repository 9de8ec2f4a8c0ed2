/* ck_filter/select.h - wait on several channels and take exactly one case. */
#ifndef CKF_SELECT_H
#define CKF_SELECT_H

#include <ck_filter/channel.h>

CKF_BEGIN_DECLS

struct ckf_select_case {
    struct ckf_channel *channel;
    enum ckf_direction direction;
    void *elem;
    enum ckf_status status;
};
CKF_API enum ckf_status ckf_select(struct ckf_select_case *, size_t count, size_t *chosen,
                                   int64_t deadline_ns, struct ckf_context *);

CKF_END_DECLS

#endif
