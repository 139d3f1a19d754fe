"""Checks which methods, objectives and networks can be combined."""

from pgtf.methods import METHODS, Method
from pgtf.networks import NETWORKS, Network
from pgtf.objectives import Objective


def refusal(method: Method, objective: Objective, network: type[Network]) -> str:
    """Returns the reason why the three can't be combined; empty if they can.

    Args:
      method: Any row of METHODS.
      objective: Any row of OBJECTIVES.
      network: Any row of NETWORKS.
    """
    if network.makes != objective.makes:
        return f"The objective learns {objective.makes}, and the network makes {network.makes}"
    for name, shape in objective.networks.items():
        if tuple(shape) != tuple(network.input):
            return f"The objective gives {name} inputs of shape {shape}, and the network takes {network.input}"
    if method.needs and method.needs != network.takes:
        return f"The method needs a network of {method.needs}, and this one takes {network.takes}"
    if method.needs_distance and type(objective).distance is Objective.distance:
        return "The method prunes by a distance, and the objective has none"
    if method.compares_outputs and objective.own_outputs:
        return "The method compares outputs of two tasks' networks, and with this objective each task has its own"
    return ""


def advice(method: Method, objective: Objective, network: type[Network]) -> str:
    """Names the methods that go with the objective and the network or, if there are none, the networks."""
    methods = [name for name, kind in METHODS.items() if not refusal(kind(), objective, network)]
    if methods:
        return f"Choose another --method: {', '.join(methods)}"
    networks = [name for name, kind in NETWORKS.items() if not refusal(method, objective, kind)]
    return f"Choose another --network: {', '.join(networks)}" if networks else "Choose another --objective"
