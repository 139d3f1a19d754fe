"""Settings of data: where images are, and how they are read, resized and cached."""

import dataclasses

from pgtf.config.group import Group, pixels
from pgtf.data.pixels import RequestedPixels
from pgtf.foundation.settings import refuse, setting


@dataclasses.dataclass(frozen=True)
class DataSettings(Group):
    """The source of the images and their sizes."""

    data_dir: str = setting(
        "",
        "Folder with a folder for each task: TASK/{train,val,test}/*.jpg|png with input and target side by side, "
        "TASK/{trainA,trainB,testA,testB} with equal names in A and B, or TASK/{train,test}.csv with lines "
        "input,target (pix2pix); TASK/{trainA,trainB,testA,testB} (CycleGAN); TASK/{train,val,test}/CLASS/*.jpg, "
        "TASK/{train,val,test}.csv with lines image,label, or .npz with images and labels "
        "(classification); TASK/*.jpg or TASK/{train,test}/*.jpg (unconditional). TASK.zip, .tar or .tar.gz stands for "
        "the folder TASK. Default: none; images are drawn by a script.",
        may_change=True,
    )
    direction: tuple[str, ...] = setting(
        (),
        "TASK:BtoA for each task whose files have the target on the left, or whose input is B. Default: AtoB.",
        may_change=True,
    )
    image_size: str = setting(
        "256", "Size of training images in pixels: 256, or HEIGHTxWIDTH. A U-Net needs a power of two."
    )
    load_size: str = setting(
        "", "Size that images are resized to before the random crop. Default: 286/256 of image_size."
    )
    padding: int = setting(
        0,
        "Pixels of gray around training images before the random crop. The default load_size is then image_size.",
        least=0,
        most=1024,
    )
    flip: bool = setting(True, "Flip half of the training images left to right. --noflip for digits or text.")
    drawn_images: int = setting(400, "Number of training images of a drawn task.", above=0)
    validation: float = setting(
        0.0,
        "Fraction of the training images that is held out, rounded to one in N and chosen by the hash of the names. "
        "Sample pictures, --evaluate_every and --keep_weights=best use these instead of test images. Default: 0.",
        least=0,
        most=0.5,
        may_change=True,
    )
    input_channels: int = setting(
        0,
        "Channels of the inputs. An 8-bit picture can become 1 (gray), 2, 3 or 4 (with alpha). Other files must have "
        "as many, or one. Default: 0, those of the files; 8-bit pictures are then RGB, with transparency on white.",
        least=0,
        may_change=True,
    )
    output_channels: int = setting(
        0,
        "Channels of the targets and outputs, as --input_channels. Default: 0, those of the files.",
        least=0,
        may_change=True,
    )
    input_range: str = setting(
        "",
        "LOW:HIGH: the values of inputs that are scaled to -1 and 1; values outside are clipped. measured: the least "
        "and the greatest value of the training images. Default: 0:255 for uint8, 0:65535 for uint16, measured for "
        "floats.",
        may_change=True,
    )
    output_range: str = setting(
        "", "The same for the targets and outputs. Default: as for --input_range.", may_change=True
    )
    bad_images: str = setting(
        "refuse",
        "Broken images: refuse stops and names them, skip leaves them out and counts them.",
        choices=("refuse", "skip"),
        may_change=True,
    )
    cache_mb: int = setting(
        2048, "MiB of memory for decoded images. Images beyond it are decoded in each epoch.", least=0, may_change=True
    )

    def check(self) -> None:
        if not all(direction.endswith((":AtoB", ":BtoA")) for direction in self.direction):
            refuse("direction", "TASK:AtoB or TASK:BtoA", self.direction)
        directed = [direction.rsplit(":", 1)[0] for direction in self.direction]
        if len(set(directed)) < len(directed):
            refuse("direction", "one for each task", ",".join(self.direction))
        if self.load[0] < self.size[0] or self.load[1] < self.size[1]:
            refuse("load_size", f"at least the image size, {self.image_size}", self.load_size)

        for side, asked in zip(("input", "output"), self.pixels):
            asked.check(side)

    @property
    def pixels(self) -> tuple[RequestedPixels, RequestedPixels]:
        """The requested pixels of inputs and of targets."""
        inputs = RequestedPixels(self.input_channels, self.input_range)
        return inputs, RequestedPixels(self.output_channels, self.output_range)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of training images."""
        return pixels("image_size", self.image_size)

    @property
    def load(self) -> tuple[int, int]:
        """(height, width) that images are resized to before the crop."""
        if self.load_size:
            return pixels("load_size", self.load_size)
        if self.padding:
            return self.size
        height, width = self.size
        return round(height * 286 / 256), round(width * 286 / 256)

    def flipped(self, task: str) -> bool:
        """Returns whether a task goes from B to A."""
        return f"{task}:BtoA" in self.direction
