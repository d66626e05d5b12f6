#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    PAGES_MAX = 2000,
    BEGINS_MAX = 3, /* a list that takes longer than the server keeps old states will do so again */
    PAGE_TIMEOUT_MS = 30 * 1000,
    TURN_MS = 1000,
    QUERY_BYTES_MAX = 8 * 1024,
};

static void append_escaped(struct buffer *query, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *at = text; *at; at++) {
        if (strchr(plain, *at)) {
            (void) buffer_append(query, at, 1);
        } else {
            (void) buffer_appendf(query, "%%%02X", (unsigned) (unsigned char) *at);
        }
    }
}

static void append_selector(struct buffer *query, const char *name, const char *selector)
{
    if (selector) {
        (void) buffer_appendf(query, "&%s=", name);
        append_escaped(query, selector);
    }
}

static void on_page(const struct kube_response *response, const struct error *err, void *userdata);

static void ask(struct listing *listing)
{
    cleanup_buffer struct buffer query = BUFFER_INIT(QUERY_BYTES_MAX);
    (void) buffer_appendf(&query, "limit=%d", LISTING_PAGE_ITEMS);
    append_selector(&query, "labelSelector", listing->label_selector);
    append_selector(&query, "fieldSelector", listing->field_selector);
    const struct kube_request request = {
        .verb = KUBE_GET,
        .address = {.resource = &listing->resource, .namespace_name = listing->namespace_name},
        .query = buffer_text(&query),
        .continue_token = listing->continue_token,
        .timeout_ms = PAGE_TIMEOUT_MS,
    };
    listing->call = kube_client_send(listing->connection->client, &request, on_page, listing);
}

static void begin(struct listing *listing)
{
    listing->begins++;
    listing->pages = 0;
    free(listing->continue_token);
    listing->continue_token = NULL;
    listing->on_begin(listing->userdata);
    ask(listing);
}

static void fail(struct listing *listing, const struct error *err)
{
    listing->err = *err;
    listing->result = err->code;
}

static void take_items(struct listing *listing, struct json_object *list)
{
    struct json_object *items = json_member(list, "items");
    size_t count = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        listing->on_item(json_object_array_get_idx(items, i), listing->userdata);
    }
}

static void on_page(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct listing *listing = userdata;
    listing->call = NULL;
    if (err) {
        listing->status = response ? response->status : 0;
        if (err->code == ERROR_GONE && listing->continue_token && listing->begins < BEGINS_MAX) {
            begin(listing);
        } else {
            fail(listing, err);
        }
        return;
    }
    listing->status = response->status;
    take_items(listing, response->body);
    const char *next = json_text_at(response->body, "metadata.continue", "");
    if (text_is_empty(next)) {
        return;
    }
    if (++listing->pages >= PAGES_MAX || text_equal(next, listing->continue_token)) {
        struct error problem;
        (void) error_set(&problem, ERROR_TOO_LARGE, "LIST %s: the list has no end after %zu pages",
                         listing->resource.plural, listing->pages);
        fail(listing, &problem);
        return;
    }
    free(listing->continue_token);
    listing->continue_token = xstrdup(next);
    ask(listing);
}

static bool is_any_under_way(const struct listing *listings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (listings[i].call) {
            return true;
        }
    }
    return false;
}

int listing_read(struct connection *connection, struct listing *listings, size_t count, struct error *err)
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        listings[i].connection = connection;
        begin(&listings[i]);
    }
    while (result == 0 && is_any_under_way(listings, count)) {
        result = loop_turn(connection->loop, TURN_MS, err);
        result = result < 0 ? result : 0;
    }
    for (size_t i = 0; i < count; i++) {
        kube_call_cancel(listings[i].call);
        listings[i].call = NULL;
        free(listings[i].continue_token);
        listings[i].continue_token = NULL;
    }
    return result;
}
