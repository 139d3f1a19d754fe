"""Methods: each defines how a later task's kernels are made, initialized and trained. METHODS lists them by name."""

from pgtf.methods.bank import Bank, BankTask, LentFilters
from pgtf.methods.base import Method, Phase, PhaseContext, WeightOwnership
from pgtf.methods.cpg import Cpg
from pgtf.methods.delta import Delta
from pgtf.methods.distilled import Distilled
from pgtf.methods.finetune import Finetune
from pgtf.methods.frozen import Frozen
from pgtf.methods.full import Full, Half, Quarter
from pgtf.methods.layered import Layered
from pgtf.methods.lora import Lora
from pgtf.methods.low_rank import LowRank
from pgtf.methods.mapping_only import MappingOnly
from pgtf.methods.mask import Mask
from pgtf.methods.minegan import MineGAN
from pgtf.methods.modulated import Modulated
from pgtf.methods.packnet import PackNet
from pgtf.methods.pae import Pae
from pgtf.methods.piggyback import Factorized, Piggyback
from pgtf.methods.progressive import Progressive
from pgtf.methods.sharing_strategies import LayerWise, WidthWise

METHODS: dict[str, type[Method]] = {
    "full": Full,
    "half": Half,
    "quarter": Quarter,
    "piggyback": Piggyback,
    "factorized": Factorized,
    "finetune": Finetune,
    "mask": Mask,
    "modulated": Modulated,
    "low_rank": LowRank,
    "lora": Lora,
    "delta": Delta,
    "frozen": Frozen,
    "layered": Layered,
    "width_wise": WidthWise,
    "layer_wise": LayerWise,
    "mapping_only": MappingOnly,
    "minegan": MineGAN,
    "packnet": PackNet,
    "pae": Pae,
    "cpg": Cpg,
    "progressive": Progressive,
    "distilled": Distilled,
}

__all__ = [
    "METHODS",
    "Bank",
    "BankTask",
    "Cpg",
    "Delta",
    "Distilled",
    "Factorized",
    "Finetune",
    "Frozen",
    "Full",
    "Half",
    "LayerWise",
    "Layered",
    "LentFilters",
    "Lora",
    "LowRank",
    "MappingOnly",
    "Mask",
    "Method",
    "MineGAN",
    "Modulated",
    "PackNet",
    "Pae",
    "Phase",
    "PhaseContext",
    "Piggyback",
    "Progressive",
    "Quarter",
    "WeightOwnership",
    "WidthWise",
]
