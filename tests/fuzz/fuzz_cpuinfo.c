/*
 * /proc/cpuinfo: the same text gives the same machine, printable and bounded.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/model/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine machine = {.id = ""};
    struct machine again = {.id = ""};

    if (machine_parse((const char *) data, size, &machine, NULL) < 0) {
        require(machine.id[0] == '\0'); /* untouched on failure */
        return 0;
    }
    require(strlen(machine.id) == MACHINE_ID_SIZE - 1 && strlen(machine.cpu) < MACHINE_CPU_SIZE);
    require(strchr(machine.cpu, '\n') == NULL && strchr(machine.cpu, '\x1b') == NULL);
    require(machine_parse((const char *) data, size, &again, NULL) == 0);
    require(strcmp(machine.id, again.id) == 0 && strcmp(machine.cpu, again.cpu) == 0);
    return 0;
}
