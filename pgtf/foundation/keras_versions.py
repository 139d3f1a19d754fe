"""The differences between Keras 2.15 and Keras 3; no other file depends on which of them is installed."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

IS_KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

# For add_weight: the layer reads the variable in its own type, also where the rest computes in 16 bits.
KEEPS_DTYPE: dict[str, Any] = {"autocast" if IS_KERAS_3 else "experimental_autocast": False}
# For a Keras optimizer: no XLA. Keras 3 compiles whole steps only, see `compile_learner`.
NO_XLA: dict[str, Any] = {} if IS_KERAS_3 else {"jit_compile": False}


def tf_variable(variable: Any) -> tf.Variable:
    """Returns the tf.Variable of a weight; Keras 3 wraps it. Call it outside of a layer's call, which casts it."""
    return variable.value if IS_KERAS_3 and isinstance(variable, keras.Variable) else variable


def weight_settings(**settings: Any) -> dict[str, Any]:
    """Returns settings of a tf.Variable as add_weight takes them; Keras 3 synchronizes as TensorFlow chooses."""
    if not IS_KERAS_3:
        return settings
    return {"trainable": settings["trainable"], "aggregation": settings["aggregation"].name.lower()}


def compile_learner(learner: keras.Model, *, steps_per_execution: int) -> None:
    """Compiles a model that has its own train_step, without XLA and without a Keras optimizer."""
    if IS_KERAS_3:
        # Replicas can't communicate within its loop over several steps.
        alone = tf.distribute.get_strategy().num_replicas_in_sync == 1
        learner.compile(optimizer=None, jit_compile=False, steps_per_execution=steps_per_execution if alone else 1)
    else:
        learner.compile(steps_per_execution=steps_per_execution)


def checkpointed(learner: Any) -> Any:
    """Returns the object that a checkpoint of a learner saves and restores.

    Keras 3 leaves variables in lists and dicts out of TensorFlow's checkpoints, so they are listed here.
    """
    if not IS_KERAS_3:
        return learner
    networks = [*learner.generators.values(), *learner.discriminators.values()]
    parts = [*networks, *learner.optimizers.values(), *learner.means.values()]
    variables = {id(variable): tf_variable(variable) for part in parts for variable in part.variables}
    inner = [checkpointed(one) for one in getattr(learner, "learners", {}).values()]
    return tf.train.Checkpoint(learner=learner, variables=list(variables.values()), inner=inner)


def index_in(optimizer: keras.optimizers.Optimizer, variable: Any) -> int:
    """Returns the position of a variable among those that the optimizer was built with."""
    if IS_KERAS_3:
        return int(optimizer._get_variable_index(variable))
    return int(optimizer._index_dict[optimizer._var_key(variable)])


def _scales(optimizer: Any) -> bool:
    return isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)


def last_learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Returns the learning rate of the last step; Keras 3 itself has that of the next one."""
    rate = optimizer.learning_rate
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if IS_KERAS_3 and isinstance(inner._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = inner._learning_rate(tf.maximum(tf.convert_to_tensor(inner.iterations) - 1, 0))
    return float(tf.convert_to_tensor(rate))


def scaled_loss(optimizer: keras.optimizers.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """Returns the loss whose gradients the optimizer takes: scaled, if it is a LossScaleOptimizer."""
    if not _scales(optimizer):
        return loss
    return optimizer.scale_loss(loss) if IS_KERAS_3 else optimizer.get_scaled_loss(loss)


def unscaled_gradients(optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Returns the gradients as `apply_gradients` wants them: Keras 3's LossScaleOptimizer unscales them itself."""
    return optimizer.get_unscaled_gradients(gradients) if _scales(optimizer) and not IS_KERAS_3 else gradients


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, pairs: Iterable[tuple[Any, Any]], *, replicas: int = 1
) -> None:
    """Moves variables by their gradients, summed over the replicas.

    Args:
      optimizer: A Keras optimizer.
      pairs: [(gradient, variable)].
      replicas: Their number. With one, Keras 2.15 would keep the whole graph for the sum.
    """
    if IS_KERAS_3:
        optimizer.apply_gradients(pairs)
    else:
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=replicas == 1)
