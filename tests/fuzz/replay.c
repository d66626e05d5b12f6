/*
 * Replays every file of a folder through a fuzz target, so that each input that ever mattered is an ordinary test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proget/core/bounds.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
    cleanup_buffer struct buffer content = BUFFER_INIT(BOUND_INPUT_FILE);
    cleanup_free char *path = xasprintf("%s/%s", folder, name);
    cleanup_free uint8_t *exact = NULL;
    struct error err;
    int result = buffer_read_file(&content, path, &err);

    if (result < 0) {
        (void) fprintf(stderr, "%s\n", err.text);
        return result;
    }
    /* A block of exactly that size, as libFuzzer gives it: a read past the end is found. */
    exact = xmalloc(content.length);
    if (content.length > 0) {
        memcpy(exact, content.data, content.length);
    }
    (void) LLVMFuzzerTestOneInput(exact, content.length);
    return 0;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int count;
    int replayed = 0;

    if (argc != 2) {
        (void) fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    count = scandir(argv[1], &entries, is_input, alphasort);
    if (count < 0) {
        perror(argv[1]);
        return 2;
    }
    for (int index = 0; index < count; index++) {
        if (replay_file(argv[1], entries[index]->d_name) == 0) {
            replayed++;
        }
        free(entries[index]);
    }
    free(entries);
    (void) printf("%d of %d inputs replayed\n", replayed, count);
    return count > 0 && replayed == count ? 0 : 1;
}
