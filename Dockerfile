# The segmenter in a container. Not yet built: there was no container engine at hand.
#
#     docker build -t metricseg_ros .
#     docker build -t metricseg_ros --build-arg ROS_DISTRO=humble --build-arg TORCH=cuda .
#
# compose.yaml starts it with a camera and a bridge to Foxglove.
ARG ROS_DISTRO=jazzy

FROM ros:${ROS_DISTRO}-ros-base AS peripherals
RUN apt-get update && apt-get install -y --no-install-recommends \
        "ros-$ROS_DISTRO-foxglove-bridge" "ros-$ROS_DISTRO-v4l2-camera" \
    && rm -rf /var/lib/apt/lists/*

FROM ros:${ROS_DISTRO}-ros-base AS segmenter
ARG TORCH=cpu
WORKDIR /opt/metricseg_ros
# What package.xml names, cv_bridge, vision_msgs and tf2_ros among it; a robot has no screen.
COPY package.xml ./
COPY metricseg_msgs/package.xml metricseg_msgs/
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3-dev python3-venv \
    && rosdep update --rosdistro "$ROS_DISTRO" \
    && rosdep install --from-paths . metricseg_msgs --ignore-src -y --skip-keys rviz2 \
        --dependency-types build --dependency-types buildtool --dependency-types exec \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN . "/opt/ros/$ROS_DISTRO/setup.sh" && METRICSEG_TORCH="$TORCH" scripts/setup --runtime \
    && rm -rf /root/.cache/pip /root/.cache/uv
ENTRYPOINT ["/ros_entrypoint.sh", "/opt/metricseg_ros/scripts/run"]
CMD ["ros2", "launch", "metricseg_ros", "segmenter.launch.py"]
