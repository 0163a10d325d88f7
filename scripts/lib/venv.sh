# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# Makes and fills the virtual environment. Sourced by scripts/setup.

# The constraints in force: the pinned ones, less what a sourced ROS 2 brings itself.
ACTIVE_CONSTRAINTS="$VENV/metricseg-constraints.txt"

pip_install() {
    logged "$VENV/bin/pip" install --disable-pip-version-check -c "$ACTIVE_CONSTRAINTS" "$@" \
        || fail "pip install ${*: -1} failed, see $LOG"
}

make_venv() {
    local options=()
    [ "$WORLD" = wheels ] || options=(--system-site-packages)
    if [ -e "$VENV" ] && [ ! -e "$VENV/metricseg-origin" ]; then
        fail "$VENV was not made by scripts/setup: move it away"
    fi
    say "creating .venv with $("$PYTHON" -V) ($PYTHON)"
    rm -rf "$VENV" "$ROOT/build" "$ROOT/install"
    logged "$PYTHON" -m venv "${options[@]}" "$VENV" || fail "no virtual environment, see $LOG"
    origin > "$VENV/metricseg-origin"
}

# What the virtual environment cannot outlive.
origin() {
    printf '%s\n' "$ROOT" "$PYTHON" "$WORLD"
}

fill_venv() {
    [ "$(cat "$VENV/metricseg-origin" 2> /dev/null)" = "$(origin)" ] || make_venv
    cp "$CONSTRAINTS" "$ACTIVE_CONSTRAINTS"
    pip_install pip
    if [ "$WORLD" = wheels ]; then
        say "installing ROS 2 Kilted and what builds the packages"
        pip_install -r "$REQUIREMENTS/ros.txt" -r "$REQUIREMENTS/build.txt" numpy
        logged "$VENV/bin/python" "$ROOT/scripts/lib/relocate_wheels.py" \
            || fail "the ROS 2 wheels could not be adapted, see $LOG"
    fi
    install_cmake
    install_torch
    local lint=()
    [ "$WORLD" != wheels ] || lint=(-r "$REQUIREMENTS/lint.txt")
    say "installing what the node, the training and the tests need"
    pip_install -r "$REQUIREMENTS/runtime.txt" -r "$REQUIREMENTS/train.txt" \
        -r "$REQUIREMENTS/test.txt" "${lint[@]}"
}

install_cmake() {
    if ! command -v cmake > /dev/null || ! command -v make > /dev/null; then
        say "installing cmake and ninja, which this machine lacks"
        pip_install cmake ninja
    fi
}
