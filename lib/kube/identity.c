#include "identity.h"

#include <assert.h>

#include "certificate.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

struct identity *identity_new(const char *certificate, const char *key)
{
    struct identity *identity = xcalloc(1, sizeof(*identity));
    *identity = (struct identity){.references = 1, .certificate = xstrdup(certificate), .key = xstrdup(key)};
    return identity;
}

/* *ret_text is owned. */
static int read_half(const char *path, const char *known, char **ret_text, struct error *err)
{
    if (!path) {
        *ret_text = xstrdup(known);
        return 0;
    }
    cleanup_buffer struct buffer content = BUFFER_SECRET_INIT(BOUND_SMALL_FILE);
    int result = buffer_read_file(&content, path, err);
    if (result == 0) {
        *ret_text = xstrdup(buffer_text(&content));
    }
    return result;
}

int identity_read(const char *certificate_path, const char *key_path, const struct identity *known,
                  struct identity **ret_identity, struct error *err)
{
    char *certificate = NULL;
    char *key = NULL;
    int result = read_half(certificate_path, known->certificate, &certificate, err);
    result = result < 0 ? result : read_half(key_path, known->key, &key, err);
    result = result < 0 ? result : certificate_check_pair(certificate, key, err);
    if (result == 0) {
        *ret_identity = identity_new(certificate, key);
    }
    free(certificate);
    memory_wipe_free(key);
    return result;
}

struct identity *identity_take(struct identity *identity)
{
    if (identity) {
        identity->references++;
    }
    return identity;
}

void identity_release(struct identity *identity)
{
    if (!identity) {
        return;
    }
    assert(identity->references > 0);
    if (--identity->references == 0) {
        free(identity->certificate);
        memory_wipe_free(identity->key);
        free(identity);
    }
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    if (!a || !b) {
        return a == b;
    }
    return text_equal(a->certificate, b->certificate) && text_equal(a->key, b->key);
}
