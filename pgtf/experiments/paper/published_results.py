"""Published results: Piggyback GAN (section 4), masks (tables 2 and 5), CPG (tables 1, 2), width-wise (table 1)."""

from collections.abc import Mapping

Figures = Mapping[str, float]  # {column title: value}


def _said(acc: float, fid: float) -> Figures:
    return {"Acc, %": acc, "FID": fid}


TABLE_1 = {
    "full": _said(97.90, 156.23),
    "half": _said(88.10, 189.08),
    "quarter": _said(84.87, 285.71),
    "factorized": _said(99.82, 303.90),
    "piggyback": _said(97.99, 171.04),
}
# The keys are the first tasks.
TABLE_2 = {
    "cityscapes": _said(97.99, 171.04),
    "facades": _said(97.08, 174.67),
    "edges2handbags": _said(98.09, 166.20),
}
TABLE_3 = {
    "piggyback": _said(89.80, 137.87),
    "mask": _said(88.09, 178.16),
    "finetune": _said(24.92, 259.76),
    "full": _said(91.10, 130.71),
    "progressive": {"FID": 141.29},
}
TABLE_4A = {
    "piggyback": _said(90.30, 113.89),
    "mask": _said(88.29, 149.51),
    "finetune": _said(24.85, 262.37),
    "full": _said(91.04, 109.46),
}
TABLE_4B = {
    "piggyback": _said(77.97, 106.95),
    "mask": _said(70.58, 118.26),
    "finetune": _said(50.00, 135.05),
    "full": _said(78.97, 101.09),
}


def _mean_error(*errors: float) -> Figures:
    return {"error of later tasks, %": sum(errors) / len(errors)}


# Masks, table 2: VGG-16; CUBS, Stanford Cars, Flowers, WikiArt, Sketch. Other tasks than ours, so their mean alone.
MASKS_2 = {
    "Classifier Only": _mean_error(36.49, 54.66, 20.01, 49.53, 58.53),
    "PackNet ↓": _mean_error(22.30, 15.81, 10.33, 32.80, 28.62),
    "PackNet ↑": _mean_error(29.69, 21.66, 10.25, 31.48, 24.88),
    "Piggyback masks": _mean_error(20.99, 11.87, 7.19, 29.91, 22.70),
    "Individual networks, fine-tuned": _mean_error(21.30, 12.49, 7.35, 29.84, 23.54),
}
# Masks, table 5: ResNet-50, the same tasks.
MASKS_5 = {
    "ImageNet": _mean_error(18.41, 10.38, 5.23, 28.67, 20.09),
    "Places365": _mean_error(28.50, 13.70, 10.92, 31.24, 23.17),
    "random": _mean_error(66.24, 77.79, 71.17, 64.74, 43.75),
}


def _transfer(near: float, far: float) -> Figures:
    return {"FID of cats, near domain": near, "FID of flowers, far domain": far}


# Width-wise, table 1: FFHQ to MetFaces, near, and to LSUN churches, far. Other domains than ours.
WIDTH_1 = {
    "fully trainable": _transfer(22.1, 10.7),
    "MineGAN": _transfer(59.5, 254),
    "layer-wise, 10 %": _transfer(50, 191),
    "layer-wise, 1 %": _transfer(52.1, 136),
    "width-wise, 10 %": _transfer(27.8, 22.5),
    "width-wise, 1 %": _transfer(39.2, 31.1),
}
# CPG, tables 1 and 2: mean accuracy of twenty tasks.
CPG = {"PackNet": 67.5, "PAE": 77.1, "CPG": 80.9, "scratch": 78.8}
