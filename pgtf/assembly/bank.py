"""The stored bank that methods are given: it also builds the networks of its tasks."""

from typing import Any

from pgtf.assembly.build import rebuilt
from pgtf.storage.bank import FilterBank


class NetworkBank(FilterBank):
    """Slices whose networks can be built again."""

    def network(self, name: str, prefix: str) -> Any:
        """Returns one of a task's networks as it was learned."""
        return rebuilt(self[name], self.of(self[name].borrows), (prefix,))[prefix]
