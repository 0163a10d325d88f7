# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# Tells whether anything has changed since the last setup. Sourced by scripts/setup.

# Prints a checksum of the origin and of all that the environment (venv) or the built packages
# (build) are made from. Of the folders that colcon links file by file the names suffice.
stamp() {
    cd "$ROOT"
    {
        printf '%s\n' "$ROOT" "$WORLD" "${METRICSEG_PYTHON:-}"
        case "$1" in
            venv) cat scripts/constraints.txt scripts/requirements/* scripts/lib/*venv* \
                scripts/lib/*torch* scripts/lib/*.py ;;
            build) cat package.xml setup.py setup.cfg resource/* scripts/lib/{build,environment}.sh
                find metricseg_msgs -type f -print0 | sort -z | xargs -0 sha256sum
                for folder in launch config models; do
                    [ ! -d "$folder" ] || find "$folder" -type f | sort
                done ;;
        esac
    } | sha256sum
}

up_to_date() {
    local kind
    for kind in venv build; do
        [ "$(cat "$VENV/metricseg-$kind.stamp" 2> /dev/null)" = "$(stamp "$kind")" ] || return 1
    done
}
