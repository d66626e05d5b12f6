#include "health_path.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { HEALTH_PATH_SEGMENTS_MAX = 32 };

static bool segment_is(const char *segment, size_t length, const char *text)
{
    return strlen(text) == length && strncasecmp(segment, text, length) == 0;
}

bool health_path_matches(const char *path)
{
    const char *first[HEALTH_PATH_SEGMENTS_MAX];
    size_t first_length[HEALTH_PATH_SEGMENTS_MAX];
    size_t depth = 0;
    while (*path && *path != '?' && *path != '#') {
        size_t length = strcspn(path, "/?#");
        if (segment_is(path, length, "..")) {
            depth -= depth > 0;
        } else if (length > 0 && !segment_is(path, length, ".")) {
            if (depth == HEALTH_PATH_SEGMENTS_MAX) {
                return false;
            }
            first[depth] = path;
            first_length[depth++] = length;
        }
        path += length;
        path += *path == '/';
    }
    return depth > 0 && segment_is(first[0], first_length[0], "health");
}

static bool is_word_end(char c)
{
    return c == '\0' || strchr(" \t\r\n\"'`;|&()<>", c) != NULL;
}

/* One word of a command line: "http://localhost:80/health?x", "localhost/health", "--url=https://x//health/json". */
static bool word_asks(const char *word, size_t length)
{
    cleanup_free char *text = xstrndup(word, length);
    const char *scheme = strstr(text, "://");
    const char *host = scheme ? scheme + 3 : text;
    const char *path = strchr(host, '/');
    return path && path != host && health_path_matches(path);
}

/* `curl` and `wget`, also as /usr/bin/curl. */
static bool word_is_fetcher(const char *word, size_t length)
{
    const char *const fetchers[] = {"curl", "wget"};
    for (size_t i = 0; i < array_length(fetchers); i++) {
        size_t size = strlen(fetchers[i]);
        if (length >= size && memcmp(word + length - size, fetchers[i], size) == 0 &&
            (length == size || word[length - size - 1] == '/')) {
            return true;
        }
    }
    return false;
}

static bool command_asks(const struct record_list *command)
{
    bool fetches = false;
    bool asks = false;
    record_list_each (const char *const *, argument, command) {
        const char *at = *argument;
        while (at && *at) {
            size_t length = 0;
            while (!is_word_end(at[length])) {
                length++;
            }
            fetches = fetches || word_is_fetcher(at, length);
            asks = asks || word_asks(at, length);
            at += length + (at[length] != '\0');
        }
    }
    return fetches && asks;
}

bool health_probe_asks(const struct probe *probe)
{
    if (!probe) {
        return false;
    }
    return (probe->has_http && probe->http_path && health_path_matches(probe->http_path)) ||
           command_asks(&probe->command);
}
