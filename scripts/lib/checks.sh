# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the machine must bring: a ROS 2 or none, a Python, a compiler. Sourced by scripts/setup.

# Sets WORLD: the prefix of the ROS 2 that is sourced, or wheels/NAME where none is. An environment
# that was made with ROS 2 sourced stays so in a shell where it is not.
choose_world() {
    local prefix recorded prefixes="${AMENT_PREFIX_PATH:-}"
    [ -f "$PINS" ] || fail "METRICSEG_ROS must be jazzy or kilted, got $DISTRIBUTION"
    recorded="$(origin_line 2)"
    WORLD="wheels/$DISTRIBUTION"
    if [ -n "${ROS_DISTRO:-}" ]; then
        [ "${METRICSEG_ROS:-$ROS_DISTRO}" = "$ROS_DISTRO" ] \
            || fail "METRICSEG_ROS is $METRICSEG_ROS but ROS 2 $ROS_DISTRO is sourced: unset one"
        for prefix in ${prefixes//:/ }; do
            [ ! -d "$prefix/share/rclpy" ] || { WORLD="$prefix"; return 0; }
        done
        fail "ROS_DISTRO is $ROS_DISTRO but no prefix in AMENT_PREFIX_PATH has rclpy: source its" \
            "setup.bash again, or unset ROS_DISTRO to use ROS 2 from wheels"
    elif [ -e "$recorded/setup.bash" ]; then
        WORLD="$recorded"
        set +u
        . "$WORLD/setup.bash"
        set -u
    fi
}

from_wheels() {
    [ "${WORLD%/*}" = wheels ]
}

# Prints the path of a Python's own interpreter, outside of any virtual environment, if that
# Python is of a version that is supported: to 3.14, and to 3.13 with ROS 2 from wheels.
usable_python() {
    local newest=14
    ! from_wheels || newest=13
    "$1" - "$newest" 2> /dev/null <<'PYTHON'
import sys
if not (3, 10) <= sys.version_info[:2] <= (3, int(sys.argv[1])):
    sys.exit(1)
print(getattr(sys, '_base_executable', sys.executable))
PYTHON
}

# Sets PYTHON. Where ROS 2 is sourced it must be the one that ROS 2 was built for.
choose_python() {
    local candidate candidates=(python3 python3.12 python3.11 python3.13 python3.10)
    from_wheels || candidates=(/usr/bin/python3 python3)
    ! same_place || candidates=("$(origin_line 3)" "${candidates[@]}")
    [ -z "${METRICSEG_PYTHON:-}" ] || candidates=("$METRICSEG_PYTHON")
    for candidate in "${candidates[@]}"; do
        PYTHON="$(usable_python "$candidate")" || continue
        from_wheels || "$PYTHON" -c 'import rclpy' 2>> "$LOG" || continue
        return 0
    done
    from_wheels \
        || fail "ROS 2 $ROS_DISTRO is sourced but rclpy cannot be imported (tried" \
            "${candidates[*]}): leave any conda environment, or set METRICSEG_PYTHON to the" \
            "Python of ROS 2; see $LOG"
    fail "ROS 2 is not sourced, and its wheels are for Python 3.10 to 3.13, of which none is here" \
        "(tried ${candidates[*]}): source ROS 2's setup.bash, or apt install python3 python3-venv" \
        "python3-dev, or set METRICSEG_PYTHON to one"
}

check_python() {
    local version
    version="$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    "$PYTHON" -c 'import ensurepip, venv' 2> /dev/null \
        || fail "$PYTHON lacks the venv module: apt install python$version-venv"
    "$PYTHON" -c 'import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' \
        || fail "$PYTHON lacks its C headers: apt install python$version-dev"
}

check_machine() {
    local compiler="${CXX:-c++}"
    case "$ROOT" in
        *[[:space:]:]*) fail "the path must hold no space and no colon, or CMake and the search" \
            "paths break: move $ROOT" ;;
    esac
    if from_wheels && [ "$(uname -sm)" != 'Linux x86_64' ]; then
        fail "ROS 2 is not sourced, and its wheels are for Linux on x86_64 only, not for" \
            "$(uname -sm): install ROS 2 and source its setup.bash"
    fi
    if ! command -v "$compiler" > /dev/null || ! command -v "${CC:-cc}" > /dev/null; then
        fail "no C and C++ compiler: apt install gcc g++ (or set CC and CXX)"
    fi
    echo '#include <vector>' | "$compiler" -x c++ -std=c++17 -fsyntax-only - 2>> "$LOG" \
        || fail "$compiler does not compile C++17: apt install g++"
}
