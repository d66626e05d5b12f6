/*
 * Keeps objects on the API server as they are wanted, by server-side apply: one request at a time per object, only
 * differences, the newest wish wins, failures retried with back-off. Level-triggered: it is told what is wanted as
 * often as one likes.
 */
#ifndef OPERATOR_PUBLISH_WRITER_H
#define OPERATOR_PUBLISH_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/kube/client.h"
#include "publish/tally.h"

struct writer;

/* The object is on the server as it was wanted under `ticket`. May run within writer_wish(): it is to set flags alone.
 */
typedef void writer_written_fn(const char *key, uint64_t ticket, void *userdata);

struct writer *writer_new(struct kube_client *client, writer_written_fn *on_written, void *userdata);
/* Requests under way are cancelled. NULL is allowed. */
void writer_free(struct writer *writer);
/* Where answers are counted from here on; borrowed. */
void writer_count_into(struct writer *writer, struct tally *tally);

struct writer_wish {
    const char *key;             /* identity of the object and of what of it is written; copied */
    struct kube_address address; /* texts are copied; the resource is borrowed for good (static) */
    const char *field_manager;   /* borrowed for good (static) */
    enum tally_target target;    /* what it is counted as */
    /* Makes the body (owned by the writer) from `context`; called within writer_wish(), and only where one is needed.
     */
    struct json_object *(*build)(const void *context);
    const void *context;
    /*
     * What is wanted, and what the server holds of it as last watched: compared as text. `observed` NULL: not watched,
     * then the first wish is always sent, and later ones where they differ from what was written last.
     */
    const char *wanted;
    const char *observed;
    /*
     * The object's resourceVersion as last watched: it is then written only as long as nobody else has, so that a wish
     * that follows from an older state cannot undo a newer one. The body has to have "metadata". NULL: whatever there
     * is is written over.
     */
    const char *version;
    uint64_t ticket; /* handed back; of two wishes with the same text the newer one's; 0: of no interest */
};
void writer_wish(struct writer *writer, const struct writer_wish *wish);
/* The last wish under that key stands as it is, for writer_sweep_end(). */
void writer_keep(struct writer *writer, const char *key);

/*
 * Wishes that were not repeated since writer_sweep_begin() are forgotten by writer_sweep_end(): their objects are no
 * concern of ours any more. A request under way is left to end.
 */
void writer_sweep_begin(struct writer *writer);
void writer_sweep_end(struct writer *writer);

/* The server answers again: what failed is tried again now, unless somebody else's write is what it waits for. */
void writer_hurry(struct writer *writer);

/* Wishes that are not fulfilled yet, requests under way included. */
size_t writer_pending(const struct writer *writer);
/* The same of one sort. */
size_t writer_pending_of(const struct writer *writer, enum tally_target target);

#endif
