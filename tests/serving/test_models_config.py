"""models.config is what protobuf's own reader takes for the models that there are."""

import os

from absl.testing import absltest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from pgtf.serving.models_config import models_config

# What is used of tensorflow_serving/config/model_server_config.proto: {message: {field: (number, type)}}.
PROTO = {
    "ModelConfig": {"name": (1, "string"), "base_path": (2, "string"), "model_platform": (4, "string")},
    "ModelConfigList": {"config": (1, "ModelConfig")},
    "ModelServerConfig": {"model_config_list": (1, "ModelConfigList")},
}


def parsed(text):
    """[(name, base_path, model_platform)] of a ModelServerConfig."""
    file = descriptor_pb2.FileDescriptorProto(name="model_server_config.proto", package="serving")
    for message, fields in PROTO.items():
        described = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            described.field.add(
                name=field,
                number=number,
                label=3 if field == "config" else 1,  # repeated or optional
                type=9 if kind == "string" else 11,  # a string or a message
                type_name=None if kind == "string" else f".serving.{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("serving.ModelServerConfig"))
    config = text_format.Parse(text, kind()).model_config_list.config
    return [(model.name, model.base_path, model.model_platform) for model in config]


class ModelsConfigTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def models(self, *paths):
        for path in paths:
            os.makedirs(os.path.join(self.folder, path))
        return parsed(models_config(self.folder))

    def test_names_are_read_as_they_are(self):
        names = ["maps", "a \"b\", 'c'", "back\\slash", "trailing\\", "\\n", "tab\t#{}", "Größe 街", "e\x01\x7f9"]
        found = self.models(*(f"{name}/1" for name in names))
        self.assertEqual(found, [(name, f"/models/{name}", "tensorflow") for name in sorted(names)])
        self.assertTrue(models_config(self.folder).isascii())

    def test_only_models_are_listed(self):
        folders = ("maps/1", "facades/12", ".exporting-x/1", "hidden/.exporting-y", "notes/about", "empty")
        self.assertEqual([name for name, *_ in self.models(*folders)], ["facades", "maps"])

    def test_none(self):
        self.assertEqual(self.models(), [])


if __name__ == "__main__":
    absltest.main()
