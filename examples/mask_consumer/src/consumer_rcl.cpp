// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

/// Print COUNT messages of a topic, by rcl alone: consumer_rcl TOPIC COUNT. Status 2 for bad
/// arguments, 3 for a failure, 4 when nothing came for a minute.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "mask_consumer/describe.hpp"
#include "metricseg_msgs/msg/instance_array.hpp"
#include "rcl/rcl.h"
#include "rosidl_typesupport_cpp/message_type_support.hpp"

namespace
{

using metricseg_msgs::msg::InstanceArray;

void check(rcl_ret_t code, const std::string & what)
{
  if (code != RCL_RET_OK) {
    throw std::runtime_error(what + ": " + rcl_get_error_string().str);
  }
}

/// A node with one subscription, which live as long as the process.
class Listener
{
public:
  explicit Listener(const std::string & topic)
  {
    const auto allocator = rcl_get_default_allocator();
    check(rcl_init_options_init(&options_, allocator), "options");
    check(rcl_init(0, nullptr, &options_, &context_), "init");
    const auto node_options = rcl_node_get_default_options();
    check(rcl_node_init(&node_, "mask_consumer", "", &context_, &node_options), "node");
    const auto type = rosidl_typesupport_cpp::get_message_type_support_handle<InstanceArray>();
    const auto subscription_options = rcl_subscription_get_default_options();
    check(
      rcl_subscription_init(
        &subscription_, &node_, type, topic.c_str(), &subscription_options), "subscription");
    check(rcl_wait_set_init(&wait_set_, 1, 0, 0, 0, 0, 0, &context_, allocator), "wait set");
  }

  /// Wait a minute at most for a message.
  bool take(InstanceArray & message)
  {
    check(rcl_wait_set_clear(&wait_set_), "clear");
    check(rcl_wait_set_add_subscription(&wait_set_, &subscription_, nullptr), "add");
    if (rcl_wait(&wait_set_, RCL_S_TO_NS(60)) == RCL_RET_TIMEOUT) {
      return false;
    }
    check(rcl_take(&subscription_, &message, nullptr, nullptr), "take");
    return true;
  }

private:
  rcl_init_options_t options_ = rcl_get_zero_initialized_init_options();
  rcl_context_t context_ = rcl_get_zero_initialized_context();
  rcl_node_t node_ = rcl_get_zero_initialized_node();
  rcl_subscription_t subscription_ = rcl_get_zero_initialized_subscription();
  rcl_wait_set_t wait_set_ = rcl_get_zero_initialized_wait_set();
};

}  // namespace

int main(int argc, char ** argv)
{
  if (argc != 3) {
    std::cerr << "usage: consumer_rcl TOPIC COUNT\n";
    return 2;
  }
  try {
    Listener listener(argv[1]);
    for (int left = std::atoi(argv[2]); left > 0; --left) {
      InstanceArray message;
      if (!listener.take(message)) {
        return 4;
      }
      std::cout << mask_consumer::describe(message) << std::flush;
    }
  } catch (const std::exception & error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
  return 0;
}
