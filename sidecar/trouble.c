#include "trouble.h"

#include "proget/core/clock.h"
#include "proget/core/log.h"

static const char *const sentences[] = {
    [TROUBLE_NONE] = "",
    [TROUBLE_CONFIGURATION] = "no way to the API server is configured, looking again until there is",
    [TROUBLE_AWAY] = "the API server does not answer, trying again until it does",
    [TROUBLE_DENIED] = "the API server does not let this pod write its Lease, trying again until it does",
    [TROUBLE_FOREIGN] =
        "the Lease of this name is not this pod's but normally an earlier one's, waiting until it is collected",
    [TROUBLE_LOST] = "the Lease is gone, creating it again",
    [TROUBLE_REFUSED] = "the API server refuses the heartbeat, trying again",
};

enum trouble_kind trouble_kind_of(const struct error *err)
{
    if (!err) {
        return TROUBLE_REFUSED;
    }
    switch (err->code) {
    case ERROR_IO:
    case ERROR_TIMEOUT:
    case ERROR_AGAIN:
        return TROUBLE_AWAY;
    case ERROR_DENIED:
        return TROUBLE_DENIED;
    default:
        return TROUBLE_REFUSED;
    }
}

int trouble_say(struct trouble *trouble, enum trouble_kind kind, const struct error *err, int64_t now_ms)
{
    const char *text = err ? err->text : NULL;
    if (trouble->kind == kind) {
        log_debug(LOG_FIELDS({"error", text}), "%s", sentences[kind]);
        return 0;
    }
    if (trouble->kind == TROUBLE_NONE) {
        trouble->since_ms = now_ms;
    }
    trouble->kind = kind;
    enum log_level level = kind == TROUBLE_FOREIGN || kind == TROUBLE_LOST ? LOG_INFO : LOG_WARNING;
    log_write(level, LOG_FIELDS({"error", text}), "%s", sentences[kind]);
    return 1;
}

int trouble_is_over(struct trouble *trouble, int64_t now_ms)
{
    if (trouble->kind == TROUBLE_NONE) {
        return 0;
    }
    char duration[CLOCK_TEXT_SIZE];
    clock_format_duration(now_ms - trouble->since_ms, duration);
    log_info(LOG_NONE, "the heartbeat arrives again after %s", duration);
    trouble->kind = TROUBLE_NONE;
    return 1;
}
