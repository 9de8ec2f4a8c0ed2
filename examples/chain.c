/* examples/chain.c - a chain of stages that stops as one: each works under the context that it was
 * handed, and hands a child of it on.
 *
 * A stage may have a deadline of its own, which its successors inherit; whoever cancels the first context
 * stops them all, wherever they sleep. Nothing here is more than contexts: that is all a chain needs.
 */
#include <stdio.h>

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/group.h>

struct stage;

struct chain {
    const struct stage *next; /* what is left of it; a stage without a body ends it */
};

struct stage {
    const char *name;
    int64_t patience_ns; /* 0: as long as the stages before it */
    enum ckf_status (*body)(struct ckf_context *context, struct chain chain, int *order);
};

/* Runs the next stage under a context that is done when the given one is, or when its patience ends. */
static enum ckf_status pass_on(struct ckf_context *context, struct chain chain, int *order)
{
    const struct stage *stage = chain.next;
    struct ckf_context *own;
    if (stage->body == NULL)
        return CKF_OK;
    int64_t deadline =
        stage->patience_ns > 0 ? ckf_deadline_after_ns(stage->patience_ns) : CKF_FOREVER;
    if (ckf_context_create(&own, context, deadline) != CKF_OK)
        return CKF_NO_MEMORY;
    enum ckf_status status = stage->body(own, (struct chain){stage + 1}, order);
    if (status != CKF_OK)
        printf("%s ends with %s\n", stage->name, ckf_status_name(status));
    ckf_context_release(own);
    return status;
}

static enum ckf_status validate(struct ckf_context *context, struct chain chain, int *order)
{
    return *order < 0 ? CKF_INVALID : pass_on(context, chain, order);
}

static enum ckf_status double_it(struct ckf_context *context, struct chain chain, int *order)
{
    *order *= 2;
    return pass_on(context, chain, order);
}

/* Asks somebody who never answers: sleeps until its context is done. */
static enum ckf_status ask_elsewhere(struct ckf_context *context, struct chain chain, int *order)
{
    struct ckf_channel *answers;
    if (ckf_channel_create(&answers, NULL) != CKF_OK)
        return CKF_NO_MEMORY;
    enum ckf_status status = ckf_channel_recv_until(answers, order, CKF_FOREVER, context);
    ckf_channel_destroy(answers);
    return status == CKF_OK ? pass_on(context, chain, order) : status;
}

static const struct stage quick[] = {
    {"validate", 0, validate}, {"double", 0, double_it}, {NULL, 0, NULL}};
static const struct stage slow[] = {{"validate", 0, validate},
                                    {"double", 50000000, double_it},
                                    {"ask", 0, ask_elsewhere},
                                    {NULL, 0, NULL}};

static int run_slowly(struct ckf_context *context, void *order)
{
    return (int)pass_on(context, (struct chain){slow}, order);
}

int main(void)
{
    int order = 21;
    if (pass_on(NULL, (struct chain){quick}, &order) != CKF_OK || order != 42)
        return 1;

    /* The patience of "double" ends the wait of "ask". */
    if (pass_on(NULL, (struct chain){slow}, &order) != CKF_TIMED_OUT)
        return 1;

    /* And so does a cancel, wherever the chain is. */
    struct ckf_group *group;
    int first_error = 0;
    if (ckf_group_create(&group, NULL) != CKF_OK ||
        ckf_group_go(group, run_slowly, &order, "chain") != CKF_OK)
        return 1;
    ckf_context_cancel(ckf_group_context(group), 0);
    if (ckf_group_wait(group, CKF_FOREVER, &first_error) != CKF_OK)
        return 1;
    ckf_group_destroy(group);
    printf("the chain ended with %s\n", ckf_status_name((enum ckf_status)first_error));
    return first_error == CKF_CANCELED ? 0 : 1;
}
