# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Builds both packages and records their environment. Sourced by scripts/setup.

# What colcon gets to see: values for PATH and the like, in front of the user's own.
build_environment() {
    export PATH="$VENV/bin:$PATH" VIRTUAL_ENV="$VENV"
    command -v make > /dev/null || export CMAKE_GENERATOR=Ninja
    from_wheels || return 0
    unset PYTHONPATH
    export AMENT_PREFIX_PATH="$VENV" CMAKE_PREFIX_PATH="$VENV" _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
    export LD_LIBRARY_PATH
    LD_LIBRARY_PATH="$(printf '%s:' "$VENV"/lib "$VENV"/lib/python3*/site-packages/ros_*.libs)"
    LD_LIBRARY_PATH="${LD_LIBRARY_PATH%:}"
}

build_packages() {
    local built
    say "building metricseg_msgs and metricseg_ros"
    # Taken before the build: what changes meanwhile is built next time.
    built="$(stamp build)"
    rm -f "$VENV/metricseg-build.stamp"
    (build_environment && run_colcon) \
        || fail "colcon build failed, see $LOG and $PLACE/log/latest_build"
    environment_script > "$ENVIRONMENT"
    printf '%s\n' "$built" > "$VENV/metricseg-build.stamp"
}

run_colcon() {
    local folders=(. metricseg_msgs)
    # Messages of a package that has no wheels, for the tests.
    if from_wheels && [ "$SCOPE" = everything ]; then
        folders+=(test/interfaces)
    fi
    cd "$ROOT" && logged "$VENV/bin/python" -c 'from colcon_core.command import main; main()' \
        --log-base "$PLACE/log" build --build-base "$PLACE/build" \
        --install-base "$PLACE/install" --base-paths "${folders[@]}" --symlink-install --cmake-args \
        "-DPython3_EXECUTABLE=$VENV/bin/python" -DBUILD_TESTING=OFF
}
