"""The page as a part of the daemon: its code is loaded when a site first has one, and it follows the site's [web]."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from courtyard.agent.control import Handler
from courtyard.agent.latest import Latest
from courtyard.agent.site_in_force import SiteInForce
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.wiring import Gateway
from courtyard.config.page import Web
from courtyard.config.redact import Redactor

if TYPE_CHECKING:
    from courtyard.agent.page.part import Page

PAGE = "page"


class PagePart:
    """Used from the event loop only; the arguments are those of `courtyard.agent.page.part.Page`."""

    def __init__(
        self,
        gateway: Gateway,
        supervisor: Supervisor,
        data: Path,
        site: SiteInForce,
        *,
        redactor: Redactor,
        handlers: Mapping[str, Handler],
        take: Callable[[], Awaitable[bool]],
    ) -> None:
        self._gateway, self._supervisor, self._data, self._site = gateway, supervisor, data, site
        self._redactor, self._handlers, self._take = redactor, handlers, take
        self._web: Web | None = None
        self._page: Page | None = None

    def start(self) -> None:
        """Serves the page, if the site has one."""
        self._web = web = self._gateway.snapshot.site.web
        if web is not None:
            self._supervisor.start(PAGE, lambda: self._run(web))

    async def adjust(self) -> None:
        """The site has changed; the page begins anew where its settings differ, and ends where it has none."""
        if self._gateway.snapshot.site.web != self._web:
            await self._supervisor.stop([PAGE])
            self._gateway.pipeline.health(PAGE, None)
            self.start()

    async def _run(self, web: Web) -> None:
        if self._page is None:
            part = await asyncio.to_thread(import_module, "courtyard.agent.page.part")
            latest, site = Latest(), self._site
            self._gateway.pipeline.observers.append(latest.note)
            self._page = part.Page(
                self._gateway,
                latest,
                self._supervisor,
                self._data,
                site.path,
                mistakes=lambda: (*site.mistakes, *site.warnings),
                redactor=self._redactor,
                handlers=self._handlers,
                take=self._take,
                commissioned=lambda: not site.provisional,
            )
        await self._page.run(web)
