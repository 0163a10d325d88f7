# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Tells whether anything has changed since the last setup. Sourced by scripts/setup.

# Prints a checksum of all that the environment (venv) or the built packages (build) are made
# from. Of the folders that colcon links file by file the names suffice.
stamp() {
    cd "$ROOT" || return
    {
        head -n 4 "$ORIGIN"
        if [ "$1" = venv ]; then
            cat "$CONSTRAINTS" "$PINS" "$REQUIREMENTS"/* scripts/lib/{venv,torch}.sh scripts/lib/*.py
        else
            cat package.xml setup.py setup.cfg resource/* scripts/lib/{build,environment}.sh
            find metricseg_msgs test/interfaces -type f -print0 | sort -z | xargs -0 sha256sum
            for folder in launch config demo models; do
                [ ! -d "$folder" ] || find "$folder" -type f | sort
            done
        fi
    } 2> /dev/null | sha256sum
}

up_to_date() {
    local kind
    same_place && [ "$(origin_line 4)" = "$SCOPE" ] || return 1
    case "${METRICSEG_PYTHON:-}" in
        '' | "$(origin_line 3)" | "$(origin_line 5)") ;;
        *) return 1 ;;
    esac
    for kind in venv build; do
        [ "$(cat "$VENV/metricseg-$kind.stamp" 2> /dev/null)" = "$(stamp "$kind")" ] || return 1
    done
}
