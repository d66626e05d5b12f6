/*
 * The conditions of a ProGetCluster's status, in the order of the design.
 */
#ifndef PROGET_CHECKS_CONDITION_NAME_H
#define PROGET_CHECKS_CONDITION_NAME_H

#include <stddef.h>

#define CONDITION_KEY_IN_SYNC        "EncryptionKeyInSync"
#define CONDITION_VERSION_IN_SYNC    "VersionInSync"
#define CONDITION_SERVERS_SPREAD     "ServersSpread"
#define CONDITION_FIXED_SIZE         "FixedSize"
#define CONDITION_EVICTION_RESISTANT "EvictionResistant"
#define CONDITION_ACTIVATED          "Activated"
#define CONDITION_OBSERVED           "Observed"
#define CONDITION_READY              "Ready"

enum { CONDITION_COUNT = 8 };

/* -1 for NULL and for no condition of ours. */
int condition_index(const char *name);

#endif
