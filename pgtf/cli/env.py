"""Prints versions, devices and memory, for bug reports.

pgtf env [--json]
"""

import importlib.metadata
import json
import os
import platform

from absl import flags

from pgtf.foundation import quiet
from pgtf.foundation.version import __version__

flags.DEFINE_bool("json", False, "Print JSON.")
PACKAGES = (
    "tensorflow",
    "keras",
    "tf-keras",
    "tensorflow-addons",
    "tensorflow-gan",
    "numpy",
    "safetensors",
    "Pillow",
    "absl-py",
    "ai-edge-litert",
)


def main(_):
    quiet.import_tensorflow()
    import tensorflow as tf  # Here, so that --help imports none.

    from pgtf.distribution.precision import instructions

    found = {
        "pgtf": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "bfloat16": ", ".join(sorted({"avx512_bf16", "amx_bf16"} & instructions())) or "none",
        "gpus": [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")],
    }
    if flags.FLAGS.json:
        print(json.dumps(found, default=str))
        return
    for name, value in found.items():
        print(f"{name:<18} {value or 'none'}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
