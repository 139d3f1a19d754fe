"""Signatures of an exported network. Decoding, padding and encoding are part of the graph."""

from typing import Callable

import tensorflow as tf

from pgtf.data.pixels import RGB, TYPES, Pixels
from pgtf.data.writing import ending_for
from pgtf.runs.translate import LEAST


class Signatures:
    """The three signatures of a SavedModel, each for batches of any size.

    floats: images [n, h, w, channels], float32 in [-1, 1], of any height and width, to such images.
    images: images of the type and the range of the task's files, uint8 for RGB, to such images.
    encoded: image_bytes [n], JPEG or PNG files of any sizes, to PNG files. The suffix _bytes makes TensorFlow Serving's
        REST interface encode them as {"b64": …}. None if PNG can't hold the task's inputs or outputs: floats, or more
        than four channels. JPEG files are for RGB only.

    Each takes the name of a task as a second argument if `takes_task`.

    Args:
      network: (images, training=) -> images, both [n, h, w, channels] in [-1, 1]; or (images, task, training=).
      multiple: The number that the network's input height and width must be multiples of.
      takes_task: Whether the network takes a task's name.
      pixels: The pixels of inputs and of outputs. Default: RGB.
    """

    def __init__(
        self,
        network: Callable,
        multiple: int,
        takes_task: bool = False,
        pixels: tuple[Pixels, Pixels] = (RGB, RGB),
    ):
        given, made = pixels

        def floats(images: tf.Tensor, *task: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"images": _at_any_size(lambda x, training: network(x, *task, training=training), images, multiple)}

        def images(images: tf.Tensor, *task: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"images": _unscaled(floats(_scaled(images, given), *task)["images"], made)}

        def encoded(image_bytes: tf.Tensor, *task: tf.Tensor) -> dict[str, tf.Tensor]:
            def translated(content: tf.Tensor) -> tf.Tensor:
                return tf.io.encode_png(images(_decoded_as(content, given)[None], *task)["images"][0])

            # One image at a time: sizes differ, and each image already uses every core.
            png = tf.map_fn(translated, image_bytes, fn_output_signature=tf.string, parallel_iterations=1)
            return {"image_bytes": png}

        shape, task = [None, None, None, given.channels], [tf.TensorSpec([], tf.string, "task")] if takes_task else []
        self.floats = tf.function(floats, [tf.TensorSpec(shape, tf.float32, "images"), *task])
        self.images = tf.function(images, [tf.TensorSpec(shape, given.dtype, "images"), *task])
        self.encoded = None
        if ending_for(given.channels, given.dtype) == ending_for(made.channels, made.dtype) == ".png":
            self.encoded = tf.function(encoded, [tf.TensorSpec([None], tf.string, "image_bytes"), *task])


class ScoreSignatures:
    """The three signatures of a SavedModel that scores the classes of images, each for batches of any size.

    floats: images [n, h, w, 3], float32 in [-1, 1], to scores [n, classes] and probabilities [n, classes].
    images: images, uint8 [n, h, w, 3], to the same.
    encoded: image_bytes [n], JPEG or PNG files of any sizes, to the same.

    Images of another size than that of training are resized, bicubic with antialiasing.

    Each takes the name of a task as a second argument if `takes_task`.

    Args:
      network: (images, training=) -> scores; or (images, task, training=).
      size: (height, width) of the training images.
      takes_task: Whether the network takes a task's name.
    """

    def __init__(self, network: Callable, size: tuple[int, int], takes_task: bool = False):
        def at_size(images: tf.Tensor) -> tf.Tensor:
            return tf.cond(
                tf.reduce_all(tf.shape(images)[1:3] == size),
                lambda: images,
                lambda: tf.clip_by_value(tf.image.resize(images, size, "bicubic", antialias=True), -1.0, 1.0),
            )

        def floats(images: tf.Tensor, *task: tf.Tensor) -> dict[str, tf.Tensor]:
            scores = network(tf.ensure_shape(at_size(images), [None, *size, 3]), *task, training=False)
            return {"scores": scores, "probabilities": tf.nn.softmax(scores)}

        def images(images: tf.Tensor, *task: tf.Tensor) -> dict[str, tf.Tensor]:
            return floats(tf.cast(images, tf.float32) / 127.5 - 1, *task)

        def encoded(image_bytes: tf.Tensor, *task: tf.Tensor) -> dict[str, tf.Tensor]:
            def decoded(content: tf.Tensor) -> tf.Tensor:
                return tf.ensure_shape(at_size(tf.cast(_decoded(content), tf.float32)[None] / 127.5 - 1)[0], [*size, 3])

            shape = tf.TensorSpec([*size, 3], tf.float32)
            return floats(tf.map_fn(decoded, image_bytes, fn_output_signature=shape), *task)

        shape, task = [None, None, None, 3], [tf.TensorSpec([], tf.string, "task")] if takes_task else []
        self.floats = tf.function(floats, [tf.TensorSpec(shape, tf.float32, "images"), *task])
        self.images = tf.function(images, [tf.TensorSpec(shape, tf.uint8, "images"), *task])
        self.encoded = tf.function(encoded, [tf.TensorSpec([None], tf.string, "image_bytes"), *task])


def _scaled(images: tf.Tensor, pixels: Pixels) -> tf.Tensor:
    """Converts images of a type to float32 in [-1, 1]."""
    values = tf.cast(images, tf.float32)
    if pixels.is_rgb:
        return values / 127.5 - 1
    return tf.clip_by_value((values - pixels.low) / ((pixels.high - pixels.low) / 2) - 1, -1, 1)


def _unscaled(images: tf.Tensor, pixels: Pixels) -> tf.Tensor:
    """Converts images in [-1, 1] to a type, rounded if it is an integer."""
    values = (images + 1) * ((pixels.high - pixels.low) / 2)
    if pixels.low:
        values += pixels.low
    if pixels.dtype == "float32":
        return values
    return tf.cast(tf.clip_by_value(tf.round(values), *TYPES[pixels.dtype]), pixels.dtype)


def _decoded_as(content: tf.Tensor, pixels: Pixels) -> tf.Tensor:
    """Decodes an image file with the channels and the type of a task's inputs."""
    if pixels.channels == 3 and pixels.dtype == "uint8":
        return _decoded(content)
    return tf.io.decode_png(content, channels=pixels.channels, dtype=pixels.dtype)


class LatentSignatures:
    """The three signatures of a SavedModel that generates images, each for batches of any size.

    floats: latents [n, length], from N(0, 1), to images, float32 [n, h, w, 3], about [-1, 1].
    images: latents to uint8 images.
    encoded: latents to image_bytes [n], PNG files.

    Args:
      network: (latents, training=) -> images.
      length: Number of values of a latent.
    """

    def __init__(self, network: Callable, length: int):
        def floats(latents: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"images": network(latents, training=False)}

        def images(latents: tf.Tensor) -> dict[str, tf.Tensor]:
            levels = tf.round((floats(latents)["images"] + 1) * 127.5)
            return {"images": tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8)}

        def encoded(latents: tf.Tensor) -> dict[str, tf.Tensor]:
            made = images(latents)["images"]
            return {"image_bytes": tf.map_fn(tf.io.encode_png, made, fn_output_signature=tf.string)}

        signature = [tf.TensorSpec([None, length], tf.float32, "latents")]
        self.floats, self.images, self.encoded = (tf.function(one, signature) for one in (floats, images, encoded))


def _at_any_size(network: Callable, images: tf.Tensor, multiple: int) -> tf.Tensor:
    """Runs a network that takes multiples of `multiple` on images of any size: pads by reflection and crops back."""
    places = []
    for axis in (1, 2):
        size = tf.shape(images)[axis]
        least = -(-LEAST // multiple) * multiple
        whole = tf.maximum(-(-size // multiple) * multiple, least)
        before = (whole - size) // 2
        # Repeated reflection on both sides: 2 1 [0 1 2] 1 0 1 …
        period = tf.maximum(2 * (size - 1), 1)
        place = (tf.range(whole) - before) % period
        images = tf.gather(images, tf.minimum(place, period - place), axis=axis)
        places.append((before, before + size))
    (top, bottom), (left, right) = places
    return network(images, training=False)[:, top:bottom, left:right]


def _decoded(content: tf.Tensor) -> tf.Tensor:
    """Decodes an image file to uint8 [h, w, 3]. Gray becomes RGB, transparent becomes white."""
    image = tf.cond(
        tf.io.is_jpeg(content),
        lambda: tf.io.decode_jpeg(content, dct_method="INTEGER_ACCURATE"),  # As in Pillow, which training uses.
        lambda: tf.io.decode_image(content, expand_animations=False),
    )
    image = tf.cast(image, tf.float32)
    channels = tf.shape(image)[-1]
    opaque = channels % 2  # One or three channels: no alpha channel.
    alpha = tf.maximum(image[..., -1:] / 255, tf.cast(opaque, tf.float32))
    colours = alpha * image[..., : channels - 1 + opaque] + 255 * (1 - alpha)
    return tf.cast(tf.round(tf.broadcast_to(colours, [*tf.unstack(tf.shape(image)[:2]), 3])), tf.uint8)
