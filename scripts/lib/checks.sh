# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# What the machine must bring: a Python, a compiler. Sourced by scripts/setup.

# Prints the path of a Python's own interpreter, outside any virtual environment, if that Python
# is of a version that ROS 2 is built for.
usable_python() {
    "$1" - 2> /dev/null <<'PYTHON'
import sys
if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit(1)
print(getattr(sys, '_base_executable', sys.executable))
PYTHON
}

# Sets PYTHON. Where ROS 2 is sourced it must be the Python that ROS 2 was built for.
choose_python() {
    local candidate candidates=(python3 python3.12 python3.11 python3.13 python3.10)
    [ "$WORLD" = wheels ] || candidates=(python3 /usr/bin/python3)
    [ -z "${METRICSEG_PYTHON:-}" ] || candidates=("$METRICSEG_PYTHON")
    for candidate in "${candidates[@]}"; do
        PYTHON="$(usable_python "$candidate")" || continue
        [ "$WORLD" = wheels ] || "$PYTHON" -c 'import rclpy' 2> /dev/null || continue
        return 0
    done
    [ "$WORLD" = wheels ] \
        || fail "ROS 2 $ROS_DISTRO is sourced but rclpy cannot be imported (tried" \
            "${candidates[*]}): leave any conda or virtual environment, or set METRICSEG_PYTHON" \
            "to the Python of ROS 2"
    fail "no Python 3.10 to 3.13 (tried ${candidates[*]}): apt install python3 python3-venv" \
        "python3-dev, or set METRICSEG_PYTHON to one"
}

check_python() {
    local version
    version="$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    "$PYTHON" -c 'import ensurepip, venv' 2> /dev/null \
        || fail "$PYTHON lacks the venv module: apt install python$version-venv"
    "$PYTHON" -c 'import sys, sysconfig, pathlib
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' \
        || fail "$PYTHON lacks its C headers: apt install python$version-dev"
}

check_compiler() {
    local compiler="${CXX:-c++}"
    command -v "$compiler" > /dev/null && command -v "${CC:-cc}" > /dev/null \
        || fail "no C and C++ compiler: apt install g++ (or set CC and CXX)"
    echo 'int main() {}' | "$compiler" -x c++ -std=c++17 -o /dev/null - 2> /dev/null \
        || fail "$compiler does not compile C++17: apt install g++"
}

# Sets WORLD: the prefix of the ROS 2 that is sourced, or wheels where none is. An environment
# that was made with ROS 2 sourced stays so in a shell where it is not.
choose_world() {
    local prefix recorded
    WORLD=wheels
    recorded="$(sed -n 2p "$VENV/metricseg-origin" 2> /dev/null || true)"
    if [ -n "${METRICSEG_ENVIRONMENT:-}" ]; then
        WORLD="$recorded"
    elif [ -n "${ROS_DISTRO:-}" ]; then
        for prefix in ${AMENT_PREFIX_PATH//:/ }; do
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
