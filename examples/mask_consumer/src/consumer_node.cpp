// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

// ros2 run mask_consumer consumer_node --ros-args -r instances:=segmenter/instances

#include <memory>

#include "mask_consumer/describe.hpp"
#include "metricseg_msgs/msg/instance_array.hpp"
#include "rclcpp/rclcpp.hpp"

int main(int argc, char ** argv)
{
  using metricseg_msgs::msg::InstanceArray;
  rclcpp::init(argc, argv);
  const auto node = std::make_shared<rclcpp::Node>("mask_consumer");
  const auto subscription = node->create_subscription<InstanceArray>(
    "instances", 1, [&node](const InstanceArray::ConstSharedPtr message) {
      RCLCPP_INFO_STREAM(node->get_logger(), mask_consumer::describe(*message));
    });
  rclcpp::spin(node);
  rclcpp::shutdown();
}
