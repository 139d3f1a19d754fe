"""The --model_config_file of TensorFlow Serving."""

import os

from pgtf import files

NAME = "models.config"


def write_models_config(output: str) -> None:
    """Writes the models in a folder to its models.config. Writes none where there are no models and it is not there."""
    path = os.path.join(output, NAME)
    if os.path.exists(path) or _models(output):
        files.write(path, models_config(output).encode())


def models_config(output: str) -> str:
    """The models in a folder that the server sees as /models.

    Args:
      output: Holds NAME/VERSION/ of each; what starts with a dot is no model.

    Returns:
      A ModelServerConfig in protobuf's text format.
    """
    lines = ["# Written anew by each export. A path is one inside the server's container: /models is this folder."]
    lines.append("model_config_list {")
    for model in _models(output):
        name, path = quoted(model), quoted(f"/models/{model}")
        lines.append(f'  config {{ name: {name} base_path: {path} model_platform: "tensorflow" }}')
    return "\n".join([*lines, "}", ""])


def _models(output: str) -> list[str]:
    return [
        name for name in sorted(os.listdir(output)) if not name.startswith(".") and versions(os.path.join(output, name))
    ]


def quoted(text: str) -> str:
    """A string of protobuf's text format, in ASCII: every byte of its UTF-8 that could mean more is escaped."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b"\"\\'" else f"\\{byte:03o}" for byte in os.fsencode(text))
    return f'"{"".join(plain)}"'


def versions(folder: str) -> list[int]:
    """The versions of a model that there are."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(name) for name in names if name.isdecimal()]
