#include "proget/kube/resource_version.h"

#include <string.h>

bool resource_version_is_valid(const char *version)
{
    return version && version[0] >= '1' && version[0] <= '9' && version[strspn(version, "0123456789")] == '\0';
}

bool resource_version_is_older(const char *version, const char *other)
{
    if (!resource_version_is_valid(version) || !resource_version_is_valid(other)) {
        return false;
    }
    size_t length = strlen(version);
    size_t other_length = strlen(other);
    return length != other_length ? length < other_length : strcmp(version, other) < 0;
}
