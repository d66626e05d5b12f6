#include "token.h"

#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

int token_check(const char *token, const char *source_name, struct error *err)
{
    if (text_is_empty(token)) {
        return error_set(err, ERROR_BAD_INPUT, "%s: the token is empty", source_name);
    }
    for (const unsigned char *at = (const unsigned char *) token; *at; at++) {
        if (*at <= ' ' || *at > '~') {
            return error_set(err, ERROR_BAD_INPUT, "%s: the token holds a character that no token has", source_name);
        }
    }
    return 0;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static int token_read(const char *path, char **ret_token, struct error *err)
{
    cleanup_buffer struct buffer content = BUFFER_SECRET_INIT(TOKEN_LENGTH_MAX);
    int result = buffer_read_file(&content, path, err);
    if (result < 0) {
        return result;
    }
    const char *start = buffer_text(&content);
    while (is_space(*start)) {
        start++;
    }
    size_t length = strlen(start);
    while (length && is_space(start[length - 1])) {
        length--;
    }
    char *token = xstrndup(start, length);
    result = token_check(token, path, err);
    if (result < 0) {
        memory_wipe_free(token);
        return result;
    }
    *ret_token = token;
    return 0;
}

int token_source_get(struct token_source *source, int64_t now_ms, const char **ret_token, struct error *err)
{
    if (!source->path) {
        *ret_token = source->fallback;
        return 0;
    }
    if (source->token && now_ms - source->loaded_ms < TOKEN_FRESH_MS) {
        *ret_token = source->token;
        return 0;
    }
    struct error problem;
    char *token = NULL;
    int result = token_read(source->path, &token, &problem);
    if (result == 0) {
        source->loaded_ms = now_ms;
        if (text_equal(token, source->token)) {
            memory_wipe_free(token);
        } else {
            memory_wipe_free(source->token);
            source->token = token;
            source->changes++;
        }
        *ret_token = source->token;
        return 0;
    }
    if (source->token || source->fallback) {
        log_debug(LOG_FIELDS({"error", problem.text}), "a token cannot be read; going on with the one before");
        *ret_token = source->token ? source->token : source->fallback;
        return 0;
    }
    return error_set(err, problem.code, "token file: %s", problem.text);
}

void token_source_renew(struct token_source *source, int64_t now_ms)
{
    const char *token = NULL;
    if (source->path) {
        source->loaded_ms = now_ms - TOKEN_FRESH_MS;
        (void) token_source_get(source, now_ms, &token, NULL);
    }
}

void token_source_release(struct token_source *source)
{
    memory_wipe_free(source->token);
    source->token = NULL;
}
