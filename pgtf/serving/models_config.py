"""The file for TensorFlow Serving's --model_config_file."""

import os

from pgtf.foundation import files

NAME = "models.config"


def write_models_config(output: str) -> None:
    """Writes the list of models in a folder to its models.config. Writes no new file if there are no models."""
    path = os.path.join(output, NAME)
    if os.path.exists(path) or _models(output):
        files.write(path, models_config(output).encode())


def models_config(output: str) -> str:
    """Returns the server configuration for the models in a folder that is mounted as /models.

    Args:
      output: Folder with NAME/VERSION/ for each model. Names that start with a dot are ignored.

    Returns:
      A ModelServerConfig in protobuf's text format.
    """
    lines = ["# Rewritten by each export. Paths are inside the server's container, where /models is this folder."]
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
    """Quotes a string for protobuf's text format, in ASCII: quotes, backslashes and other bytes are escaped."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b"\"\\'" else f"\\{byte:03o}" for byte in os.fsencode(text))
    return f'"{"".join(plain)}"'


def versions(folder: str) -> list[int]:
    """Lists the version numbers in a model's folder."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(name) for name in names if name.isdecimal()]
