#include "proget/model/machine.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    VALUE_BYTES_MAX = 64, /* of one value; the kernel writes a vendor of 12 and small numbers */
    MEMBERS_MAX = 5,
    JOINED_BYTES_MAX = MEMBERS_MAX * (VALUE_BYTES_MAX + 1),
};

/* A way in which /proc/cpuinfo names a CPU: its labels, in the order in which they are joined. */
struct dialect {
    const char *labels[MEMBERS_MAX];
    size_t count;
};

static const struct dialect dialects[] = {
    {{"vendor_id", "cpu family", "model", "stepping"}, 4},
    {{"CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision"}, 5},
};

struct span {
    const char *start;
    size_t length;
};

static struct span span_trim(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    return (struct span){start, (size_t) (end - start)};
}

/*
 * Value of the first line "label : value". The first one is the first processor's: every processor's block has the
 * same labels, and the older ARM kernels put theirs into a block of its own, behind the processors.
 */
static bool find_value(const char *text, size_t length, const char *label, struct span *ret_value)
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t) (end - text));
        const char *line_end = newline ? newline : end;
        const char *colon = memchr(text, ':', (size_t) (line_end - text));
        if (colon) {
            struct span name = span_trim(text, colon);
            if (name.length == strlen(label) && memcmp(name.start, label, name.length) == 0) {
                *ret_value = span_trim(colon + 1, line_end);
                return true;
            }
        }
        text = newline ? newline + 1 : end;
    }
    return false;
}

/* Joins the dialect's values with '/', "unknown" where one is missing. Returns how many were there. */
static size_t join_values(const struct dialect *dialect, const char *text, size_t length, struct buffer *target)
{
    size_t found = 0;
    for (size_t i = 0; i < dialect->count; i++) {
        struct span value = {NULL, 0};
        bool is_there = find_value(text, length, dialect->labels[i], &value) && value.length > 0;
        found += is_there;
        if (!is_there) {
            value = (struct span){"unknown", strlen("unknown")};
        }
        size_t kept = value.length < VALUE_BYTES_MAX ? value.length : VALUE_BYTES_MAX;
        /* Cannot fail: the limit has room for every value at its longest. A NUL would end the text: see below. */
        (void) (i > 0 ? buffer_append_text(target, "/") : 0);
        for (size_t k = 0; k < kept; k++) {
            (void) buffer_append(target, value.start[k] == '\0' ? "?" : &value.start[k], 1);
        }
    }
    return found;
}

int machine_parse(const char *cpuinfo, size_t length, struct machine *ret_machine, struct error *err)
{
    for (size_t i = 0; i < array_length(dialects); i++) {
        cleanup_buffer struct buffer joined = BUFFER_INIT(JOINED_BYTES_MAX);
        if (join_values(&dialects[i], cpuinfo, length, &joined) == 0) {
            continue;
        }
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned int digest_length = 0;
        text_make_printable(joined.data);
        if (EVP_Digest(joined.data, strlen(joined.data), digest, &digest_length, EVP_sha256(), NULL) != 1) {
            return error_set(err, ERROR_IO, "cannot compute SHA-256 of the CPU's identity");
        }
        struct machine machine = {.id = "sha256:"};
        text_to_hex(machine.id + strlen(machine.id), digest, (MACHINE_ID_SIZE - sizeof "sha256:") / 2);
        text_copy_cut(machine.cpu, sizeof machine.cpu, joined.data);
        *ret_machine = machine;
        return 0;
    }
    return error_set(err, ERROR_BAD_INPUT,
                     "cpuinfo names no CPU: neither vendor_id, cpu family, model and stepping "
                     "nor CPU implementer, architecture, variant, part and revision");
}
