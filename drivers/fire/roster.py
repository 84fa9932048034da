"""The panels of one line, found by what their packets say who they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from courtyard.drivers.fire.post import PanelPost
from courtyard.drivers.fire.settings import FirePanel

MOST_STRANGERS = 64


class Roster:
    """Posts by id.  A transmission device that no site lists gets a post under the name of the line.

    Raises ValueError when the panels do not fit on one line together.
    """

    def __init__(self, line: str, panels: Sequence[FirePanel], now: float) -> None:
        self._line = line
        self._posts: dict[str, PanelPost] = {}
        self._strangers: dict[int, PanelPost] = {}
        self.take(panels, now)

    def take(self, panels: Sequence[FirePanel], now: float) -> list[PanelPost]:
        """Takes a new list; panels of which no more changed than the names and places of their parts keep their post.
        Returns the posts that are no more."""
        if not panels or len({panel.protocol for panel in panels}) != 1:
            raise ValueError("a line carries panels of one protocol, at least one")
        first = panels[0]
        if len(panels) > 1 and (
            first.protocol != "gb26875" or len({panel.address for panel in panels} - {None}) < len(panels)
        ):
            raise ValueError("several panels share a line only in GB/T 26875.3, each with an address of its own")
        before, self._posts = self._posts, {}
        for panel in panels:
            known = before.get(panel.id)
            if known is not None and known.is_still(panel):
                known.rename(panel)
                self._posts[panel.id] = known
            else:
                self._posts[panel.id] = PanelPost(panel, now)
        addresses = {panel.address for panel in panels}
        self._strangers = {address: post for address, post in self._strangers.items() if address not in addresses}
        kept = set(map(id, self._posts.values()))
        return [post for post in before.values() if id(post) not in kept]

    @property
    def first(self) -> PanelPost:
        """The only panel of most lines."""
        return next(iter(self._posts.values()))

    def __iter__(self) -> Iterator[PanelPost]:
        return iter(self._posts.values())

    def get(self, device: str) -> PanelPost | None:
        return self._posts.get(device)

    def find(self, sender: int | None, now: float) -> PanelPost:
        """Whose packet it is."""
        posts = self._posts.values()
        if sender is None or (len(posts) == 1 and self.first.panel.address is None):
            return self.first
        for post in posts:
            if post.panel.address == sender:
                return post
        return self._stranger(sender, now)

    def strangers(self) -> tuple[PanelPost, ...]:
        """Those that report here although the site does not list them."""
        return tuple(self._strangers.values())

    def _stranger(self, sender: int, now: float) -> PanelPost:
        known = self._strangers.get(sender)
        if known is None:
            if len(self._strangers) >= MOST_STRANGERS:
                del self._strangers[next(iter(self._strangers))]
            panel = FirePanel(id=self._line, protocol="gb26875", address=sender)
            known = self._strangers[sender] = PanelPost(panel, now, prefix=f"{sender:012x}/")
        return known
