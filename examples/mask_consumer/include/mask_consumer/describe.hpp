// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

#ifndef MASK_CONSUMER__DESCRIBE_HPP_
#define MASK_CONSUMER__DESCRIBE_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "metricseg_msgs/mask.hpp"
#include "metricseg_msgs/msg/instance_array.hpp"
#include "metricseg_msgs/msg/mask.hpp"

namespace mask_consumer
{

/// Count the object's pixels.
///
/// In the crop, since a message may be wrong about the image's size: an image of that size is made
/// only by those who need one (metricseg_msgs::unpack).
inline std::ptrdiff_t area(const metricseg_msgs::msg::Mask & mask)
{
  const std::vector<std::uint8_t> crop = metricseg_msgs::unpack_crop(mask);  // 0 or 1
  return std::count(crop.begin(), crop.end(), 1);
}

/// What is in an image; then a line about each instance: id, class, score, pixels of its mask.
/// A mask that is inconsistent is named and left out.
inline std::string describe(const metricseg_msgs::msg::InstanceArray & message)
{
  std::ostringstream text;
  text << message.instances.size() << " instances in " << message.image_height << " x " <<
    message.image_width << " pixels of '" << message.header.frame_id << "'";
  for (const auto & instance : message.instances) {
    text << '\n' << instance.id << ' ' << instance.class_name << ' ' << instance.score << ' ';
    try {
      metricseg_msgs::check_inside(instance.mask, message.image_height, message.image_width);
      text << area(instance.mask) << " pixels";
    } catch (const std::exception & error) {
      text << "left out: " << error.what();
    }
  }
  return text.str();
}

}  // namespace mask_consumer

#endif  // MASK_CONSUMER__DESCRIBE_HPP_
