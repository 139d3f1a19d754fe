"""The --model_config_file of TensorFlow Serving."""

import os


def models_config(output: str) -> str:
    """The models in a folder that the server sees as /models.

    Args:
      output: Holds NAME/VERSION/ of each; what starts with a dot is no model.

    Returns:
      A ModelServerConfig in protobuf's text format.
    """
    lines = ["# Written anew by each export. A path is one inside the server's container: /models is this folder."]
    lines.append("model_config_list {")
    for name in sorted(os.listdir(output)):
        if not name.startswith(".") and versions(os.path.join(output, name)):
            name, path = quoted(name), quoted(f"/models/{name}")
            lines.append(f'  config {{ name: {name} base_path: {path} model_platform: "tensorflow" }}')
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """A string of protobuf's text format, in ASCII: every byte of its UTF-8 that could mean more is escaped."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b"\"\\'" else f"\\{byte:03o}" for byte in os.fsencode(text))
    return f'"{"".join(plain)}"'


def versions(folder: str) -> list[int]:
    """The versions of a model that there are."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [int(name) for name in names if name.isdecimal()]
