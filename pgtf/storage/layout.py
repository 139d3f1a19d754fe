"""The names of files and folders in a run directory. No other module spells them.

config.cfg is named in pgtf/config/flagfile.py, because a config is read without storage.
"""

# In the run directory.
LEDGER = "ledger.json"
LOG = "log.jsonl"
TASKS = "tasks"
SAMPLES = "samples"
TENSORBOARD = "tensorboard"
EVALUATION = "evaluation"

# In the folder of a task, tasks/NN-NAME.
SLICE = "slice.json"
TENSORS = "slice.safetensors"
PROBES = "probes.safetensors"
REPLAYS = "replays.json"
BEGUN = "begun.json"
NEAREST = "nearest.json"
DROPPED = "dropped.json"
CHECKPOINTS = "train"

# In the folder of evaluations.
MATRIX = "matrix.json"
MATRIX_CSV = "matrix.csv"
