# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Build metricseg_ros as an ament_python package."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'metricseg_ros'
# Resolved, because colcon runs a link to this file in its build folder.
ROOT = Path(__file__).resolve().parent
SHARE = Path('share') / NAME
EXTRAS = ('runtime', 'train', 'label', 'generate', 'test')


def data_files(folder: str) -> list[tuple[str, list[str]]]:
    """
    List every file under a folder with the place in the share space where it goes.

    :param folder: path relative to the package's root; may be absent
    :return: pairs of target folder and the files that go there, relative to the root
    """
    targets: dict[str, list[str]] = {}
    for path in sorted((ROOT / folder).rglob('*')):
        relative = path.relative_to(ROOT)
        hidden = any(part.startswith(('.', '__')) for part in relative.parts)
        if path.is_file() and not hidden:
            targets.setdefault(str(SHARE / relative.parent), []).append(str(relative))
    return list(targets.items())


def requirements(name: str) -> list[str]:
    """
    Read one of the requirement files that scripts/setup installs.

    :param name: the file's name in scripts/requirements without its suffix
    :return: the requirements, one an entry
    """
    lines = (ROOT / 'scripts' / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


setup(
    name=NAME,
    version='0.1.0',
    description='Instance segmentation by metric learning for ROS 2.',
    author='metricseg_ros contributors',
    maintainer='metricseg_ros contributors',
    maintainer_email='maintainers@example.com',
    license='Apache-2.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['py.typed'], f'{NAME}.labelling': ['page/*']},
    python_requires='>=3.10',
    install_requires=['setuptools'],
    extras_require={name: requirements(name) for name in EXTRAS},
    zip_safe=False,
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (str(SHARE), ['package.xml']),
        *data_files('launch'),
        *data_files('config'),
        *data_files('demo'),
        *data_files('models'),
    ],
    entry_points={
        'console_scripts': [
            'metricseg = metricseg_ros.cli.main:main',
            'segmenter_node = metricseg_ros.ros.process.executables:segmenter_node',
            'camera_player = metricseg_ros.ros.process.executables:camera_player',
            'viewer = metricseg_ros.ros.process.executables:viewer',
        ],
    },
)
