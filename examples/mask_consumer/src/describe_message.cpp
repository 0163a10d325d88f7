// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

/// Describe one serialized InstanceArray, as a recording holds it, from standard input.

#include <iostream>
#include <iterator>
#include <vector>

#include "fastcdr/Cdr.h"
#include "fastcdr/FastBuffer.h"
#include "fastcdr/exceptions/Exception.h"
#include "mask_consumer/describe.hpp"
#include "metricseg_msgs/msg/detail/instance_array__rosidl_typesupport_fastrtps_cpp.hpp"

/// Read a message; throw an exception of Fast CDR if it is not whole.
metricseg_msgs::msg::InstanceArray read(std::vector<char> & bytes)
{
  eprosima::fastcdr::FastBuffer buffer(bytes.data(), bytes.size());
  eprosima::fastcdr::Cdr cdr(buffer);
  cdr.read_encapsulation();
  metricseg_msgs::msg::InstanceArray message;
  metricseg_msgs::msg::typesupport_fastrtps_cpp::cdr_deserialize(cdr, message);
  return message;
}

int main()
{
  std::vector<char> bytes{
    std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  try {
    std::cout << mask_consumer::describe(read(bytes)) << '\n';
  } catch (const eprosima::fastcdr::exception::Exception & error) {  // no std::exception
    std::cerr << "no whole InstanceArray in " << bytes.size() << " bytes: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
