/*
 * What a process that wants to lead does next: kube-algorithms section 4 as a pure state machine. It knows no socket
 * and no clock; each step takes what happened, the time and a random fraction, and says what to do. The driver
 * (leader.c) does it.
 */
#ifndef PROGET_KUBE_LEADER_MACHINE_H
#define PROGET_KUBE_LEADER_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lease_record.h"
#include "proget/core/clock.h"
#include "proget/core/error.h"
#include "proget/kube/leader.h"

enum leader_input_kind {
    LEADER_INPUT_START,
    LEADER_INPUT_TIMER,    /* the time asked for has come */
    LEADER_INPUT_ANSWER,   /* the request did what it was to; `record` is the Lease as it is now */
    LEADER_INPUT_ABSENT,   /* there is no such Lease */
    LEADER_INPUT_CONFLICT, /* a write against a version that is not the newest, or a creation of what is there */
    LEADER_INPUT_FAILED,   /* anything else; of a write it is not known whether it landed; `trouble` */
    LEADER_INPUT_RELEASE,  /* the owner gives up; once */
};

/* Both are borrowed for the step. */
struct leader_input {
    enum leader_input_kind kind;
    const struct lease_record *record; /* ANSWER */
    const struct error *trouble;       /* FAILED */
};

enum leader_next {
    LEADER_NEXT_STAY,   /* whatever is under way goes on */
    LEADER_NEXT_READ,   /* close what is under way, GET */
    LEADER_NEXT_CREATE, /* close what is under way, POST `write` */
    LEADER_NEXT_UPDATE, /* close what is under way, PUT `write` over the Lease last read */
    LEADER_NEXT_WAIT,   /* close what is under way */
    LEADER_NEXT_DONE,   /* the same, for good: released */
};

enum leader_change {
    LEADER_CHANGE_NONE,
    LEADER_CHANGE_BEGAN,
    LEADER_CHANGE_ENDED, /* `why` of the machine tells */
};

/* Borrows from the machine until the next step. */
struct leader_actions {
    enum leader_next next;
    const struct lease_record *write; /* CREATE, UPDATE */
    int64_t timeout_ms;               /* of the request */
    int64_t wake_at_ms;               /* come with TIMER then, whatever is under way; negative: not at all */
    enum leader_change change;
    bool observed; /* the owner is to be told of holder and trouble */
};

enum leader_phase {
    LEADER_PHASE_IDLE,
    LEADER_PHASE_WAIT,       /* between two attempts */
    LEADER_PHASE_FAST_WRITE, /* step 1: a PUT on the version last seen */
    LEADER_PHASE_READ,       /* step 2 */
    LEADER_PHASE_WRITE,      /* steps 2 and 4: a POST, or a PUT on what was just read */
    LEADER_PHASE_RELEASE_DRAIN,
    LEADER_PHASE_RELEASE_READ,
    LEADER_PHASE_RELEASE_WRITE,
    LEADER_PHASE_RELEASE_WAIT,
    LEADER_PHASE_RELEASED,
};

struct leader_machine {
    char identity[LEADER_IDENTITY_LENGTH_MAX + 1];
    int64_t lease_ms, renew_ms, retry_ms;
    enum leader_phase phase;
    bool leads;
    int64_t valid_until_ms;   /* while it leads */
    int64_t held_transitions; /* of the Lease as last held */
    /* The record as last read or written. */
    bool has_record;
    bool must_read; /* it may not be the newest: to be read before the next write */
    struct lease_record record;
    int64_t observed_ms;         /* when its spec was first seen so */
    int64_t transitions_reached; /* the most ever seen, also of a Lease deleted since; negative: none */
    /* Our last write. Its renewTime is like no other of ours, so the record tells whether it landed. */
    struct lease_record sent;
    int64_t sent_ms;
    bool is_unsettled; /* it may have landed: nothing has told yet */
    unsigned writes;
    int64_t attempt_ms; /* when the attempt under way, or the last one, began */
    int64_t due_ms;     /* WAIT, RELEASE_WAIT: until then */
    int64_t release_until_ms;
    int release_conflicts;
    bool has_trouble; /* in the attempt under way or, between two, in the last one */
    struct error trouble;
    char why[BOUND_ERROR_TEXT]; /* leadership last ended */
    /* What the owner was last told. */
    char told_holder[LEASE_HOLDER_LENGTH_MAX + 1]; /* "": nobody else */
    bool told_trouble;
    enum error_code told_code;
};

/* As leader_options; none of the times is 0. */
void leader_machine_init(struct leader_machine *machine, const char *identity, int64_t lease_ms, int64_t renew_ms,
                         int64_t retry_ms);
/*
 * One step. `random_fraction` in [0,1). `now` has to be taken for this step, after what happened and before anything is
 * sent: validity is counted from it.
 */
struct leader_actions leader_machine_step(struct leader_machine *machine, const struct leader_input *input,
                                          struct instant now, double random_fraction);

bool leader_machine_leads(const struct leader_machine *machine, int64_t now_ms);
bool leader_machine_is_healthy(const struct leader_machine *machine, int64_t now_ms, int64_t tolerance_ms);
/* Not made printable; "" where nobody else is known to hold the Lease. */
const char *leader_machine_other_holder(const struct leader_machine *machine);

#endif
