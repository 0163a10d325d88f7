// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

/// The mask codec as a program, for the tests. Sizes and places are arguments, bytes go through
/// standard input and output; an exception ends it with status 3 and its text on standard error.
///
///     codec pack IMAGE_HEIGHT IMAGE_WIDTH < pixels     prints row column height width, then bits
///     codec unpack IMAGE_HEIGHT IMAGE_WIDTH ROW COLUMN HEIGHT WIDTH < bits     prints the pixels
///     codec contains ... as unpack: the pixels again, each asked for by itself
///     codec unpack_crop ... as unpack: the pixels of the crop alone

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "metricseg_msgs/mask.hpp"

#ifdef WITH_MESSAGE
#include "metricseg_msgs/msg/mask.hpp"
using Mask = metricseg_msgs::msg::Mask;
#else
struct Mask
{
  std::uint32_t row, column, height, width;
  std::vector<std::uint8_t> bits;
};
#endif

namespace
{

using Bytes = std::vector<std::uint8_t>;

Bytes read_input()
{
  return Bytes(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

void write_output(const Bytes & bytes)
{
  std::cout.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
}

std::uint32_t number(const char * text)
{
  return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

void pack(std::uint32_t image_height, std::uint32_t image_width)
{
  const auto mask = metricseg_msgs::pack<Mask>(read_input(), image_height, image_width);
  std::cout << mask.row << ' ' << mask.column << ' ' << mask.height << ' ' << mask.width << '\n';
  write_output(mask.bits);
}

Bytes ask_for_each_pixel(
  const Mask & mask, std::uint32_t image_height, std::uint32_t image_width)
{
  Bytes pixels;
  for (std::uint32_t row = 0; row < image_height; ++row) {
    for (std::uint32_t column = 0; column < image_width; ++column) {
      pixels.push_back(metricseg_msgs::contains(mask, row, column));
    }
  }
  return pixels;
}

void run(const std::string & verb, char ** arguments)
{
  const auto image_height = number(arguments[0]), image_width = number(arguments[1]);
  if (verb == "pack") {
    return pack(image_height, image_width);
  }
  Mask mask;
  mask.row = number(arguments[2]);
  mask.column = number(arguments[3]);
  mask.height = number(arguments[4]);
  mask.width = number(arguments[5]);
  for (const auto byte : read_input()) {
    mask.bits.push_back(byte);
  }
  if (verb == "unpack_crop") {
    return write_output(metricseg_msgs::unpack_crop(mask));
  }
  write_output(
    verb == "contains" ? ask_for_each_pixel(mask, image_height, image_width) :
    metricseg_msgs::unpack(mask, image_height, image_width));
}

}  // namespace

int main(int argc, char ** argv)
{
  const std::string verb = argc > 1 ? argv[1] : "";
  if (argc != (verb == "pack" ? 4 : 8)) {
    return 2;
  }
  try {
    run(verb, argv + 2);
  } catch (const std::exception & error) {
    std::cerr << error.what();
    return 3;
  }
  return 0;
}
