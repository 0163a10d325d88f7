# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Records the environment of the built packages, so that scripts/run starts in milliseconds.
# Sourced by scripts/setup.

# Prints a file that puts the packages in front of the caller's own paths, once.
environment_script() {
    echo '# Written by scripts/setup, sourced by scripts/run.'
    printf '[ "${METRICSEG_ENVIRONMENT:-}" != %q ] || return 0\n' "$VENV"
    from_wheels || printf '[ -n "${ROS_DISTRO:-}" ] || . %q\n' "$WORLD/setup.bash"
    printf 'export METRICSEG_ENVIRONMENT=%q VIRTUAL_ENV=%q\n' "$VENV" "$VENV"
    (
        unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH
        build_environment
        set +u
        . "$PLACE/install/local_setup.bash" >> "$LOG" 2>&1
        PATH="$VENV/bin:$PLACE/install/metricseg_ros/lib/metricseg_ros"
        for name in PATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH; do
            printf 'export %s=%q"${%s:+:$%s}"\n' "$name" "${!name}" "$name" "$name"
        done
    )
    command -v make > /dev/null || echo 'export CMAKE_GENERATOR=Ninja'
    ! from_wheels || echo 'export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1'
}
