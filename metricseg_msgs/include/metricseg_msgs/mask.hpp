// Copyright 2026 metricseg_ros contributors
// SPDX-License-Identifier: Apache-2.0

/// Packs and unpacks the masks of metricseg_msgs/msg/Mask.
///
/// Needs nothing but the standard library: `MaskT` is any struct with the message's fields `row`,
/// `column`, `height`, `width` and `bits`, as metricseg_msgs::msg::Mask. An image of pixels is a
/// buffer of height * width bytes, row by row; 0 is background, anything else is the object.
/// Whatever does not fit together throws std::invalid_argument.
///
///     for (const auto & instance : message.instances) {
///       auto pixels = metricseg_msgs::unpack(
///         instance.mask, message.image_height, message.image_width);
///     }

#ifndef METRICSEG_MSGS__MASK_HPP_
#define METRICSEG_MSGS__MASK_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace metricseg_msgs
{

/// Return the bytes that one packed row takes.
inline std::size_t bytes_per_row(std::size_t width)
{
  return (width + 7) / 8;
}

/// Throw std::invalid_argument unless the mask has as many bytes as its size asks for.
template<typename MaskT>
void check_bits(const MaskT & mask)
{
  const std::uint64_t expected = std::uint64_t{mask.height} * bytes_per_row(mask.width);
  if (mask.bits.size() != expected) {
    throw std::invalid_argument(
            "mask of " + std::to_string(mask.height) + " x " + std::to_string(mask.width) +
            " pixels must have " + std::to_string(expected) + " bytes of bits, got " +
            std::to_string(mask.bits.size()));
  }
}

/// Throw std::invalid_argument unless the mask is sound and lies inside the image.
template<typename MaskT>
void check_inside(const MaskT & mask, std::uint32_t image_height, std::uint32_t image_width)
{
  check_bits(mask);
  if (std::uint64_t{mask.row} + mask.height > image_height ||
    std::uint64_t{mask.column} + mask.width > image_width)
  {
    throw std::invalid_argument(
            "mask of " + std::to_string(mask.height) + " x " + std::to_string(mask.width) +
            " pixels at row " + std::to_string(mask.row) + ", column " +
            std::to_string(mask.column) + " must lie inside the image, got an image of " +
            std::to_string(image_height) + " x " + std::to_string(image_width));
  }
}

/// Tell whether one pixel of the crop, counted from the crop's corner, is the object. Unchecked.
template<typename MaskT>
bool crop_pixel(const MaskT & mask, std::size_t row, std::size_t column)
{
  return (mask.bits[row * bytes_per_row(mask.width) + column / 8] >> (7 - column % 8)) & 1;
}

/// Tell whether a pixel of the image is the object; a pixel outside of the crop is not.
template<typename MaskT>
bool contains(const MaskT & mask, std::uint32_t row, std::uint32_t column)
{
  check_bits(mask);
  if (row < mask.row || row - mask.row >= mask.height ||
    column < mask.column || column - mask.column >= mask.width)
  {
    return false;
  }
  return crop_pixel(mask, row - mask.row, column - mask.column);
}

/// Set the mask's pixels to `value` in an image whose rows begin `step` bytes apart.
///
/// \param[in,out] pixels at least (image_height - 1) * step + image_width bytes; the rest is kept
/// \param[in] step at least image_width, as sensor_msgs/Image.step of an image of bytes
template<typename MaskT>
void draw(
  const MaskT & mask, std::uint8_t * pixels, std::uint32_t image_height,
  std::uint32_t image_width, std::size_t step, std::uint8_t value = 1)
{
  check_inside(mask, image_height, image_width);
  if (step < image_width) {
    throw std::invalid_argument(
            "step must be at least the image's width of " + std::to_string(image_width) +
            " bytes, got " + std::to_string(step));
  }
  for (std::size_t row = 0; row < mask.height; ++row) {
    std::uint8_t * line = pixels + (mask.row + row) * step + mask.column;
    for (std::size_t column = 0; column < mask.width; ++column) {
      if (crop_pixel(mask, row, column)) {
        line[column] = value;
      }
    }
  }
}

/// Return the mask as an image of height * width bytes: 1 where the object is, else 0.
template<typename MaskT>
std::vector<std::uint8_t> unpack(
  const MaskT & mask, std::uint32_t image_height, std::uint32_t image_width)
{
  check_inside(mask, image_height, image_width);
  std::vector<std::uint8_t> pixels(std::size_t{image_height} * image_width, 0);
  draw(mask, pixels.data(), image_height, image_width, image_width);
  return pixels;
}

/// Return the crop alone as an image of mask.height * mask.width bytes: 1 where the object is.
///
/// The pixel at (row, column) of it is at (mask.row + row, mask.column + column) of the image. Takes
/// no more than eight times the mask's bytes, whatever size the image is said to have.
template<typename MaskT>
std::vector<std::uint8_t> unpack_crop(const MaskT & mask)
{
  check_bits(mask);
  std::vector<std::uint8_t> pixels(std::size_t{mask.height} * mask.width);
  for (std::size_t index = 0; index < pixels.size(); ++index) {
    pixels[index] = crop_pixel(mask, index / mask.width, index % mask.width);
  }
  return pixels;
}

/// Pack the given rectangle of an image, whatever it holds.
template<typename MaskT>
MaskT pack_crop(
  const std::uint8_t * pixels, std::uint32_t image_width, std::uint32_t row,
  std::uint32_t column, std::uint32_t height, std::uint32_t width)
{
  MaskT mask;
  mask.row = row;
  mask.column = column;
  mask.height = height;
  mask.width = width;
  mask.bits.assign(std::size_t{height} * bytes_per_row(width), 0);
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t * line = pixels + (row + y) * image_width + column;
    std::uint8_t * packed = mask.bits.data() + y * bytes_per_row(width);
    for (std::size_t x = 0; x < width; ++x) {
      packed[x / 8] |= static_cast<std::uint8_t>((line[x] != 0) << (7 - x % 8));
    }
  }
  return mask;
}

/// Pack an image's pixels that are not 0, cropped to their bounding box.
///
/// \param[in] pixels image_height * image_width bytes, row by row
/// \return the mask; 0 x 0 pixels at row 0, column 0 if every pixel is 0
template<typename MaskT>
MaskT pack(
  const std::vector<std::uint8_t> & pixels, std::uint32_t image_height,
  std::uint32_t image_width)
{
  if (pixels.size() != std::uint64_t{image_height} * image_width) {
    throw std::invalid_argument(
            "pixels must be " + std::to_string(image_height) + " x " +
            std::to_string(image_width) + " bytes, got " + std::to_string(pixels.size()));
  }
  std::uint32_t top = image_height, bottom = 0, left = image_width, right = 0;
  for (std::uint32_t row = 0; row < image_height; ++row) {
    for (std::uint32_t column = 0; column < image_width; ++column) {
      if (pixels[std::size_t{row} * image_width + column] != 0) {
        top = std::min(top, row);
        bottom = std::max(bottom, row + 1);
        left = std::min(left, column);
        right = std::max(right, column + 1);
      }
    }
  }
  if (bottom == 0) {
    return pack_crop<MaskT>(pixels.data(), image_width, 0, 0, 0, 0);
  }
  return pack_crop<MaskT>(
    pixels.data(), image_width, top, left, bottom - top, right - left);
}

}  // namespace metricseg_msgs

#endif  // METRICSEG_MSGS__MASK_HPP_
