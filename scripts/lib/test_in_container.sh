#!/usr/bin/env bash
# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Usage, as root in a container with ROS 2 from apt: scripts/lib/test_in_container.sh
#
# Installs what package.xml names, builds with colcon, and runs colcon test. Not yet run.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"
apt-get update
apt-get install -y --no-install-recommends g++ git python3-dev python3-rosdep python3-venv
# The clone is the host's, whose user is not the container's; git refuses that otherwise.
git config --global --add safe.directory "$ROOT"
set +u
# shellcheck source=/dev/null
. "/opt/ros/$ROS_DISTRO/setup.bash"
set -u
[ -e /etc/ros/rosdep/sources.list.d ] || rosdep init
rosdep update --rosdistro "$ROS_DISTRO"
rosdep install --from-paths . metricseg_msgs --ignore-src -y
scripts/setup
scripts/run colcon test --base-paths . metricseg_msgs --return-code-on-test-failure \
    --event-handlers console_direct+
