/* A Lease as anybody who may write Leases can make it: what is read of it is bounded, and can be sent back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/kube/lease_record.h"
#include "proget/core/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_bounds(const struct lease_record *record)
{
    require(memchr(record->holder, '\0', sizeof(record->holder)) != NULL);
    require(record->resource_version[0] != '\0');
    require(memchr(record->resource_version, '\0', sizeof(record->resource_version)) != NULL);
    require(record->duration_seconds >= 0 && record->duration_seconds <= LEASE_DURATION_SECONDS_MAX);
    require(record->transitions >= 0 && record->transitions <= LEASE_TRANSITIONS_MAX);
    require(record->acquired_us >= 0 && record->renewed_us >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_json struct json_object *lease = NULL;
    struct lease_record record;
    struct error err;
    if (json_parse((const char *) data, size, &lease, NULL) < 0) {
        return 0;
    }
    if (lease_record_read(lease, &record, &err) < 0) {
        require(err.code == ERROR_BAD_INPUT);
        return 0;
    }
    check_bounds(&record);
    text_copy_cut(record.holder, sizeof(record.holder), "host_1234");
    record.duration_seconds = 15;
    cleanup_json struct json_object *built = lease_record_build(&record, lease, "ns", "name");
    const char *text = json_text(built);
    cleanup_json struct json_object *parsed = NULL;
    struct lease_record again;
    if (json_parse(text, strlen(text), &parsed, &err) < 0) {
        return 0; /* one level deeper than is read: such a Lease no server keeps */
    }
    require(lease_record_read(parsed, &again, &err) == 0);
    check_bounds(&again);
    require(text_equal(again.holder, record.holder));
    require(text_equal(again.resource_version, record.resource_version));
    require(again.duration_seconds == record.duration_seconds && again.transitions == record.transitions);
    require(again.acquired_us == record.acquired_us && again.renewed_us == record.renewed_us);
    return 0;
}
