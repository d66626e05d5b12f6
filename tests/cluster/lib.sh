# Functions for tests that run against the control plane of this folder; to be sourced by bash.
# shellcheck shell=bash

# A descriptor that never delivers anything: `read -t` on it is a pause that needs no process and no sleep.
exec {cluster_silence}<> <(:)

cluster_say() { printf '%s\n' "$*" >&2; }

# cluster_pause SECONDS: the interval between two looks at a condition; never a wait for something to happen.
cluster_pause() { read -rt "$1" -u "$cluster_silence" _ || true; }

# cluster_now_ms: milliseconds since the epoch.
cluster_now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%s' "$((now / 1000))"
}

# wait_for SECONDS COMMAND...: runs the command until it succeeds; 1 and a line on stderr when the time is up.
# One argument is evaluated as shell text (wait_for 10 'test -s file'), several are run as they are.
wait_for() {
    local limit_s=$1 deadline_ms
    shift
    deadline_ms=$(($(cluster_now_ms) + limit_s * 1000))
    while :; do
        if [ $# -eq 1 ]; then
            eval "$1" >/dev/null 2>&1 && return 0
        else
            "$@" >/dev/null 2>&1 && return 0
        fi
        if [ "$(cluster_now_ms)" -ge "$deadline_ms" ]; then
            cluster_say "waited $limit_s s in vain for: $*"
            return 1
        fi
        cluster_pause 0.1
    done
}

# cluster_needs PROGRAM...: 0, or 1 and a sentence that names what is missing.
cluster_needs() {
    local program missing=()
    for program in "$@"; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    cluster_say "control plane: needs ${missing[*]}, not found in PATH; install it and start again."
    return 1
}

# cluster_port_is_free PORT: nothing accepts connections there on loopback.
cluster_port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# cluster_free_ports COUNT: that many different free ports, below the range that the system hands out by itself.
cluster_free_ports() {
    local count=$1 port tries=0 found=" "
    while [ "$count" -gt 0 ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 500 ]; then
            cluster_say "control plane: no free port found between 20000 and 29999."
            return 1
        fi
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
        [[ $found == *" $port "* ]] && continue
        cluster_port_is_free "$port" || continue
        found+="$port "
        count=$((count - 1))
    done
    printf '%s\n' "${found# }"
}

# cluster_process_birth PID: the kernel's start time of a process, so that a reused pid is not taken for ours.
cluster_process_birth() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra fields <<<"${stat##*) }"
    [ "${fields[0]}" != Z ] && printf '%s' "${fields[19]}"
}

# cluster_spawn DIR NAME PROGRAM ARG...: in the background, in its own process group (an interrupt at the terminal
# reaches the script alone), output to DIR/logs/NAME.log, pid and birth to DIR/pids/NAME.
cluster_spawn() {
    local directory=$1 name=$2 pid
    shift 2
    set -m
    "$@" >"$directory/logs/$name.log" 2>&1 </dev/null &
    pid=$!
    set +m
    disown "$pid"
    printf '%s %s\n' "$pid" "$(cluster_process_birth "$pid")" >"$directory/pids/$name"
}

# cluster_runs DIR NAME: the process that cluster_spawn started is alive.
cluster_runs() {
    local pid birth
    read -r pid birth 2>/dev/null <"$1/pids/$2" || return 1
    [ -n "$birth" ] && [ "$(cluster_process_birth "$pid")" = "$birth" ]
}

# cluster_stop DIR NAME: TERM, and KILL after 20 s; waits until it is gone.
cluster_stop() {
    local directory=$1 name=$2 pid _
    [ -e "$directory/pids/$name" ] || return 0
    read -r pid _ <"$directory/pids/$name" || true
    if cluster_runs "$directory" "$name"; then
        kill -TERM "$pid" 2>/dev/null || true
        if ! wait_for 20 "! cluster_runs '$directory' '$name'"; then
            cluster_say "control plane: $name (pid $pid) ignores TERM; killing it."
            kill -KILL "$pid" 2>/dev/null || true
            wait_for 10 "! cluster_runs '$directory' '$name'" || return 1
        fi
    fi
    rm -f "$directory/pids/$name"
}
