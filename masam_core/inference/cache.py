"""A cache of window embeddings, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from masam_core.inference.runtimes.runtime import Window


class EmbeddingCache:
    """Least recently used embeddings leave first; the sum of bytes never exceeds the limit."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self._items: OrderedDict[Hashable, Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Hashable) -> Window | None:
        """The embedding under a key, now the most recently used; or None."""
        item = self._items.get(key)
        if item is not None:
            self._items.move_to_end(key)
        return item

    def put(self, key: Hashable, embedding: Window) -> None:
        """Store an embedding; one larger than the whole limit is not kept."""
        self.discard(key)
        if embedding.bytes > self.limit_bytes:
            return
        self._items[key] = embedding
        self.bytes += embedding.bytes
        while self.bytes > self.limit_bytes:
            self.discard(next(iter(self._items)))

    def discard(self, key: Hashable) -> None:
        """Forget one entry, if it is there."""
        item = self._items.pop(key, None)
        if item is not None:
            self.bytes -= item.bytes

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self.bytes = 0
