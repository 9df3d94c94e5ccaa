"""The queue of runs: fair between sessions, first come first served within one, bounded."""

from collections import OrderedDict, deque
from itertools import zip_longest
from typing import Generic, Protocol, TypeVar

from engine.errors import InvalidRequest

PER_SESSION, IN_ALL = 8, 32  # runs that wait


class Owned(Protocol):
    @property
    def owner(self) -> str: ...


Item = TypeVar("Item", bound=Owned)


class Waiting(Generic[Item]):
    """Sessions take turns: one run of each, then the next of each. Not safe for threads alone."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, deque[Item]] = (
            OrderedDict()
        )  # whose turn is next stands first

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))

    def put(self, item: Item) -> None:
        """Raises InvalidRequest where this session, or all together, have enough waiting."""
        own = self._turns.get(item.owner, ())
        if len(own) >= PER_SESSION:
            raise InvalidRequest(
                f"{PER_SESSION} runs are waiting already. Stop one, or wait for one to end."
            )
        if len(self) >= IN_ALL:
            raise InvalidRequest(
                f"{IN_ALL} runs of all users are waiting. Nothing is lost: try again in a while."
            )
        self._turns.setdefault(item.owner, deque()).append(item)

    def take(self) -> Item:
        """The next one; its session then waits until all others had their turn."""
        owner, own = next(iter(self._turns.items()))
        item = own.popleft()
        if own:
            self._turns.move_to_end(owner)
        else:
            del self._turns[owner]
        return item

    def remove(self, item: Item) -> None:
        own = self._turns[item.owner]
        own.remove(item)
        if not own:
            del self._turns[item.owner]

    def in_order(self) -> list[Item]:
        """All that wait, in the order in which they will be taken."""
        rounds = zip_longest(*self._turns.values())
        return [item for turn in rounds for item in turn if item is not None]
