// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

#ifndef MASK_CONSUMER__DESCRIBE_HPP_
#define MASK_CONSUMER__DESCRIBE_HPP_

#include <algorithm>
#include <cstdint>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "metricseg_msgs/mask.hpp"
#include "metricseg_msgs/msg/instance_array.hpp"

namespace mask_consumer
{

/// One line about each instance: id, class, score and the pixels of its mask, counted in the image.
/// A mask that is inconsistent is named and left out.
inline std::string describe(const metricseg_msgs::msg::InstanceArray & message)
{
  std::ostringstream text;
  for (const auto & instance : message.instances) {
    text << instance.id << ' ' << instance.class_name << ' ' << instance.score << ' ';
    try {
      const std::vector<std::uint8_t> mask = metricseg_msgs::unpack(
        instance.mask, message.image_height, message.image_width);  // row by row, 0 or 1
      text << std::count(mask.begin(), mask.end(), 1) << " pixels\n";
    } catch (const std::exception & error) {
      text << "left out: " << error.what() << '\n';
    }
  }
  return text.str();
}

}  // namespace mask_consumer

#endif  // MASK_CONSUMER__DESCRIBE_HPP_
