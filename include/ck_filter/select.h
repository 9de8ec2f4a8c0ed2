/* ck_filter/select.h - wait on several channels and take exactly one case.
 *
 *     struct ckf_select_case cases[] = {{.channel = jobs, .direction = CKF_RECV, .elem = &job},
 *                                       {.channel = log, .direction = CKF_SEND, .elem = &line}};
 *     size_t chosen;
 *     if (ckf_select(cases, 2, &chosen, CKF_FOREVER, context) == CKF_OK && chosen == 0 &&
 *         cases[0].status == CKF_OK)
 *         work(&job);
 *
 * Cases may mix variants, capacities and directions; one channel may stand in several; two selects
 * can meet in a rendezvous, and a select never meets itself.
 */
#ifndef CKF_SELECT_H
#define CKF_SELECT_H

#include <ck_filter/channel.h>

CKF_BEGIN_DECLS

struct ckf_select_case {
    struct ckf_channel *channel; /* NULL: a case that is never ready */
    enum ckf_direction direction;
    void *elem; /* what to send (it is only read), or where to; NULL discards a received element */
    enum ckf_status status; /* written for the case that was taken: CKF_OK or CKF_CLOSED */
};

/* Takes one case, each ready one with the same chance, those included that become ready while it
 * sleeps. A closed channel is ready to send to, and once it is drained to receive from.
 *
 * CKF_OK: *chosen is the case, and its status says how it went. In every other case *chosen is count
 * and nothing else is written: CKF_AGAIN (deadline_ns is CKF_NOW, Go's `default`, and at one moment of
 * the call no case was ready), CKF_TIMED_OUT, CKF_CANCELED, CKF_NO_MEMORY, CKF_INVALID (a direction
 * that is none). Memory is needed by more than 16 cases, when none of them was ready at the first try. Without
 * cases it waits for its deadline or its context, which may be NULL.
 *
 * Aborts if chosen is NULL, or an element to be sent. */
CKF_API CKF_MUST_USE enum ckf_status ckf_select(struct ckf_select_case *cases, size_t count,
                                                size_t *chosen, int64_t deadline_ns,
                                                struct ckf_context *context);

CKF_END_DECLS

#endif
