"""Published results of Piggyback GAN (Zhai et al., ECCV 2020), from the tables of its section 4."""

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
