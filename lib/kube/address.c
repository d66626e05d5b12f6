#include "address.h"

#include <stdio.h>
#include <string.h>

#include "proget/core/text.h"

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte && strchr("-._~", byte));
}

int address_append_escaped(struct buffer *url, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const unsigned char *at = (const unsigned char *) text; *at; at++) {
        char escaped[3] = {'%', digits[*at >> 4], digits[*at & 15]};
        bool plain = is_unreserved(*at);
        int result = plain ? buffer_append(url, at, 1) : buffer_append(url, escaped, sizeof(escaped));
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int append_segment(struct buffer *url, const char *segment)
{
    int result = buffer_append(url, "/", 1);
    return result < 0 ? result : address_append_escaped(url, segment);
}

int address_append_path(struct buffer *url, const struct kube_address *address)
{
    const struct kube_resource *resource = address->resource;
    const char *segments[8];
    size_t count = 0;
    if (*resource->group) {
        segments[count++] = "apis";
        segments[count++] = resource->group;
    } else {
        segments[count++] = "api";
    }
    segments[count++] = resource->version;
    if (address->namespace_name) {
        segments[count++] = "namespaces";
        segments[count++] = address->namespace_name;
    }
    segments[count++] = resource->plural;
    if (address->name) {
        segments[count++] = address->name;
    }
    for (size_t i = 0; i < count; i++) {
        int result = append_segment(url, segments[i]);
        if (result < 0) {
            return result;
        }
    }
    return address->subresource ? append_segment(url, address->subresource) : 0;
}

int address_append_parameter(struct buffer *query, const char *name, const char *value)
{
    if (!value) {
        return 0;
    }
    int result = buffer_appendf(query, "%s%s=", query->length ? "&" : "", name);
    return result < 0 ? result : address_append_escaped(query, value);
}

void address_label(const char *verb, const struct kube_address *address, char target[LABEL_LENGTH_MAX])
{
    const struct kube_resource *resource = address->resource;
    char text[LABEL_LENGTH_MAX * 2];
    int written =
        snprintf(text, sizeof(text), "%s %s%s%s%s%s", verb, resource->plural, *resource->group ? "." : "",
                 resource->group, address->subresource ? "/" : "", address->subresource ? address->subresource : "");
    size_t used = written < 0 ? 0 : (size_t) written;
    if (used < sizeof(text) && (address->namespace_name || address->name)) {
        snprintf(text + used, sizeof(text) - used, " %s%s%s", address->namespace_name ? address->namespace_name : "",
                 address->namespace_name && address->name ? "/" : "", address->name ? address->name : "");
    }
    text_copy_cut(target, LABEL_LENGTH_MAX, text);
    text_make_printable(target);
}
