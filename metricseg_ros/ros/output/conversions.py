# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From instances to messages; every header is the one of the image that was segmented."""

from __future__ import annotations

from dataclasses import dataclass
import math
import sys

from metricseg_msgs.msg import Instance, InstanceArray, Mask
from metricseg_ros.packed_mask import pack
from metricseg_ros.ros.output.byte_arrays import byte_array
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import Instances
import numpy as np
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header


@dataclass(frozen=True)
class Provenance:
    """
    Who made the instances, as the messages say it.

    :param class_names: name of class id i at index i - 1.
    :param backend: who ran the network: tensorrt, onnxruntime or torch.
    :param provider: the backend's own name of who computed.
    :param device: where: cpu, or cuda and the GPU's name.
    :param precision: of the network's arithmetic.
    :param note: what the user ought to know, as why it is not the GPU; may be empty.
    """

    model: str
    class_names: tuple[str, ...]
    backend: str
    provider: str
    device: str
    precision: str
    note: str = ''


def provenance_of(segmenter: InstanceSegmenter) -> Provenance:
    """Tell who makes the instances; a backend may change between two images."""
    report, description = segmenter.backend.report, segmenter.description
    return Provenance(description.name, description.classes, report.backend, report.provider,
                      report.device, report.precision, report.note)


def instance_array(header: Header, instances: Instances, provenance: Provenance,
                   depth_used: bool) -> InstanceArray:
    """Pack instances into a message; the latencies are left to who knows them."""
    height, width = instances.image_size
    message = InstanceArray(
        header=header, image_height=height, image_width=width, model=provenance.model,
        backend=provenance.backend, provider=provenance.provider, device=provenance.device,
        precision=provenance.precision, depth_used=depth_used, age_ms=math.nan)
    message.instances = [_instance(instances, index, provenance.class_names)
                         for index in range(len(instances))]
    return message


def label_map_image(header: Header, instances: Instances) -> Image:
    """
    Give the label map as an image.

    :return: mono16 image: 0 background, else the id of the best instance at each pixel.
    """
    return _image(header, instances.label_map, 'mono16')


def rgb_image(header: Header, image: np.ndarray) -> Image:
    """Give an RGB array as an image message."""
    return _image(header, image, 'rgb8')


def _image(header: Header, pixels: np.ndarray, encoding: str) -> Image:
    height, width = pixels.shape[:2]
    return Image(header=header, height=height, width=width, encoding=encoding,
                 is_bigendian=int(sys.byteorder == 'big'), step=pixels.nbytes // height,
                 data=byte_array(pixels))


def _instance(instances: Instances, index: int, class_names: tuple[str, ...]) -> Instance:
    crop, packed = instances.crops[index], pack(instances.crops[index])
    class_id = int(instances.class_ids[index])
    left, top = (int(value) for value in instances.boxes[index, :2])
    row, column = (int(value) for value in instances.seeds[index])
    return Instance(
        id=int(instances.ids[index]), class_id=class_id, class_name=class_names[class_id - 1],
        score=float(instances.scores[index]), area=int(np.count_nonzero(crop)),
        box=RegionOfInterest(x_offset=left, y_offset=top, height=crop.shape[0],
                             width=crop.shape[1]),
        seed_row=row, seed_column=column,
        similarity_threshold=float(instances.similarity_thresholds[index]),
        mask=Mask(row=top + packed.row, column=left + packed.column, height=packed.height,
                  width=packed.width, bits=byte_array(packed.bits)))
