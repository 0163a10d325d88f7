// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

/// Describe one serialized InstanceArray, as a recording holds it, from standard input.

#include <iostream>
#include <iterator>
#include <vector>

#include "fastcdr/Cdr.h"
#include "fastcdr/FastBuffer.h"
#include "mask_consumer/describe.hpp"
#include "metricseg_msgs/msg/detail/instance_array__rosidl_typesupport_fastrtps_cpp.hpp"

int main()
{
  std::vector<char> bytes{
    std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  eprosima::fastcdr::FastBuffer buffer(bytes.data(), bytes.size());
  eprosima::fastcdr::Cdr cdr(buffer);
  cdr.read_encapsulation();
  metricseg_msgs::msg::InstanceArray message;
  metricseg_msgs::msg::typesupport_fastrtps_cpp::cdr_deserialize(cdr, message);
  std::cout << mask_consumer::describe(message);
  return 0;
}
