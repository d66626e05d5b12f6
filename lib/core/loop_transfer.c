#include <assert.h>
#include <utlist.h>

#include "loop_internal.h"
#include "proget/core/memory.h"

static void transfer_move(struct loop *loop, struct loop_transfer *transfer, enum transfer_state from,
                          enum transfer_state to)
{
    assert(transfer->state == from);
    DL_DELETE(loop->transfers[from], transfer);
    transfer->state = to;
    DL_APPEND(loop->transfers[to], transfer);
}

struct loop_transfer *loop_transfer_start(struct loop *loop, CURL *easy, loop_transfer_fn *on_done, void *userdata)
{
    struct loop_transfer *transfer = xcalloc(1, sizeof(*transfer));

    transfer->loop = loop;
    transfer->easy = easy;
    transfer->on_done = on_done;
    transfer->userdata = userdata;
    transfer->state = TRANSFER_PENDING;
    /* curl gets it at the start of the next turn: it takes none from within its own callbacks. */
    DL_APPEND(loop->transfers[TRANSFER_PENDING], transfer);
    return transfer;
}

/* Takes it out of the loop and of curl, which drops a message about its end that still waits to be read. */
static void transfer_free(struct loop *loop, struct loop_transfer *transfer)
{
    if (transfer->state == TRANSFER_RUNNING) {
        CURLMcode code = curl_multi_remove_handle(loop->multi, transfer->easy);

        assert(code == CURLM_OK);
        (void) code;
    }
    DL_DELETE(loop->transfers[transfer->state], transfer);
    free(transfer);
}

void loop_transfer_cancel(struct loop_transfer *transfer)
{
    if (transfer == NULL) {
        return;
    }
    assert(!transfer->loop->in_perform);
    transfer_free(transfer->loop, transfer);
}

bool loop_transfers_submit(struct loop *loop)
{
    while (loop->transfers[TRANSFER_PENDING] != NULL) {
        struct loop_transfer *transfer = loop->transfers[TRANSFER_PENDING];
        CURLMcode code = curl_multi_add_handle(loop->multi, transfer->easy);

        transfer_move(loop, transfer, TRANSFER_PENDING, code == CURLM_OK ? TRANSFER_RUNNING : TRANSFER_REFUSED);
    }
    return loop->transfers[TRANSFER_REFUSED] != NULL;
}

/* Ends it as curl would have it, with its callback. */
static void transfer_finish(struct loop *loop, struct loop_transfer *transfer, CURLcode result)
{
    CURL *easy = transfer->easy;
    loop_transfer_fn *on_done = transfer->on_done;
    void *userdata = transfer->userdata;

    transfer_free(loop, transfer);
    on_done(easy, result, userdata);
}

static struct loop_transfer *transfer_find(struct loop *loop, const CURL *easy)
{
    struct loop_transfer *transfer = loop->transfers[TRANSFER_RUNNING];

    /* Few are under way at once (BOUND_CALLS_IN_FLIGHT and the watches), and each ends once. */
    for (; transfer != NULL; transfer = transfer->next) {
        if (transfer->easy == easy) {
            return transfer;
        }
    }
    return NULL;
}

bool loop_transfers_dispatch(struct loop *loop)
{
    /* With a transfer under way each turn counts: curl also moves data that it holds already, without a descriptor. */
    bool happened = loop->transfers[TRANSFER_RUNNING] != NULL;
    int message_count;
    CURLMsg *message;

    if (happened) {
        int running_count;

        loop->in_perform = true;
        (void) curl_multi_perform(loop->multi, &running_count);
        loop->in_perform = false;
    }
    while ((message = curl_multi_info_read(loop->multi, &message_count)) != NULL) {
        /* Copied out: the message does not outlive the removal of its handle. */
        CURLcode result = message->data.result;
        struct loop_transfer *transfer =
            message->msg == CURLMSG_DONE ? transfer_find(loop, message->easy_handle) : NULL;

        if (transfer != NULL) {
            transfer_finish(loop, transfer, result);
        }
    }
    while (loop->transfers[TRANSFER_REFUSED] != NULL) {
        assert(loop->transfers[TRANSFER_REFUSED]->state == TRANSFER_REFUSED);
        transfer_finish(loop, loop->transfers[TRANSFER_REFUSED], CURLE_FAILED_INIT);
        happened = true;
    }
    return happened;
}

void loop_transfers_drop(struct loop *loop)
{
    for (int state = TRANSFER_PENDING; state <= TRANSFER_REFUSED; state++) {
        while (loop->transfers[state] != NULL) {
            assert(loop->transfers[state]->state == (enum transfer_state) state);
            transfer_free(loop, loop->transfers[state]);
        }
    }
}
