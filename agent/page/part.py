"""The part of the daemon that serves the page; everything heavy is imported when it first starts."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from courtyard.agent.accounts.book import FIRST_USER, AccountBook
from courtyard.agent.control import Handler
from courtyard.agent.journal_faults import fault_of
from courtyard.agent.latest import Latest
from courtyard.agent.memory import trim
from courtyard.agent.page.certificate import CertificateFailed, tls_context
from courtyard.agent.page.evidence import EvidenceFiles
from courtyard.agent.page.hands import GatewayHands
from courtyard.agent.page.lift_models import GatewayLiftModels
from courtyard.agent.page.mending import SiteMending
from courtyard.agent.page.past import JournalPast
from courtyard.agent.page.pictures import CameraPictures
from courtyard.agent.page.settings import tables
from courtyard.agent.page.tail import LogTail
from courtyard.agent.page.views import GatewayViews, Sources
from courtyard.agent.page.watch import Watch
from courtyard.agent.page.wearing import Wearing
from courtyard.agent.refusal import Refusal
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.web.app import Doors, WebApp
from courtyard.agent.web.compiled import compiled
from courtyard.agent.web.model import SettingsTable, Words
from courtyard.agent.web.render import Renderer
from courtyard.agent.web.server import WebServer
from courtyard.agent.wiring import Gateway
from courtyard.config.last_good import NAME as LAST_GOOD
from courtyard.config.mistakes import Mistake
from courtyard.config.page import Web
from courtyard.config.redact import Redactor
from courtyard.config.site_file import SiteFile
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Text

if TYPE_CHECKING:
    from courtyard.agent.page.commissioning.desk import GatewayDesk
    from courtyard.agent.web.commissioning.model import Desk

log = logging.getLogger(__name__)

DAMAGE: Final = ("db.damaged", "rows.corrupt", "evidence.dropped")
SUBJECT: Final = "page"
SETTINGS_EVERY_S: Final = 2.0


class Page:
    """Serves the page of one gateway while it runs."""

    def __init__(
        self,
        gateway: Gateway,
        latest: Latest,
        supervisor: Supervisor,
        data: Path,
        site_file: Path,
        *,
        mistakes: Callable[[], Sequence[Mistake]],
        redactor: Redactor,
        handlers: Mapping[str, Handler],
        take: Callable[[], Awaitable[bool]],
        commissioned: Callable[[], bool],
    ) -> None:
        """`handlers` answer the control socket, and long work of the page; `take` takes a site file that was saved and
        says whether the gateway restarts for it."""
        self._gateway, self._latest, self._data, self._site_file = gateway, latest, data, site_file
        self._mistakes = mistakes
        self._settings: tuple[SettingsTable, ...] = ()
        self._tail = LogTail(redactor)
        self._watch = Watch(gateway.journal.status, data)
        self._pictures = CameraPictures(
            lambda: gateway.snapshot, gateway.lines.driver_of, SiteFile(site_file, data), gateway.lifts.states
        )
        self._lift_models = GatewayLiftModels(
            lambda: gateway.snapshot, data, SiteFile(site_file, data), gateway.clock.wall_ms
        )
        wearing = Wearing(lambda: gateway.snapshot, gateway.care.consents)
        gateway.pipeline.observers.append(wearing.note)
        sources = Sources(
            snapshot=lambda: gateway.snapshot,
            faults=lambda: gateway.faults,
            since=lambda: gateway.fault_since,
            reports=lambda: [uplink.report() for uplink in gateway.upstream],
            counters=gateway.lines.counters_of,
            frames=gateway.lines.frames,
            findable=gateway.identification.able,
            dropped=gateway.pipeline.dropped,
            mistakes=mistakes,
            settings=lambda: self._settings,
            log=self._tail.lines,
            has_history=lambda: gateway.history is not None,
            courses=gateway.second_path.escalations.courses,
            cameras=self._pictures.cameras,
            residents=wearing.residents,
            findings=lambda: [
                Words.of(fault_of(each).what) for each in gateway.journal.findings if each.code in DAMAGE
            ],
        )
        self._views = GatewayViews(sources, gateway.book, latest, self._watch, gateway.clock, supervisor)
        self._hands = GatewayHands(
            gateway.acts,
            gateway.lines.read,
            gateway.identification.show,
            self._views.frames,
            self._views.values,
            clear_damage=gateway.journal_health.clear,
        )
        gateway.book.listen(lambda _: self._views.changed())
        self._redactor, self._handlers, self._take, self._commissioned = redactor, handlers, take, commissioned
        self._desk: GatewayDesk | None = None

    async def run(self, web: Web) -> None:
        """Serves until cancelled.  What a person must mend is a fault of the gateway while it lasts."""
        root = logging.getLogger()
        root.addHandler(self._tail)
        accounts = AccountBook(self._data / "accounts", wall_ms=self._gateway.clock.wall_ms)
        try:
            await self._open(accounts)
            await self._watch.look()
            doors = Doors(
                JournalPast(self._data / "journal"),
                SiteMending(self._site_file, self._data),
                self._pictures,
                self._open_desk,
                EvidenceFiles(self._data),
                self._lift_models,
                lambda: not self._commissioned(),
            )
            renderer = Renderer(compiled=await compiled(self._data / "page/templates"))
            app = WebApp(
                self._views,
                self._hands,
                accounts,
                self._gateway.history,
                secure=web.tls,
                doors=doors,
                renderer=renderer,
            )
            server = WebServer(app.asgi(), web.listen, web.port, await self._tls(web))
            server.on_listening = lambda: self._listening(server, web)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch.run())
                group.create_task(self._follow_settings())
                group.create_task(server.run())
        except* DriverError as errors:
            fault = next(_faults(errors))
            self._gateway.pipeline.health(SUBJECT, fault)
            raise DriverError(fault, SUBJECT) from None
        finally:
            root.removeHandler(self._tail)
            if self._desk is not None:
                await self._desk.close()
            await accounts.close()

    async def _open_desk(self) -> Desk:
        await asyncio.to_thread(import_module, "courtyard.agent.page.commissioning.desk")
        from courtyard.agent.page.commissioning.desk import GatewayDesk

        self._desk = GatewayDesk(
            self._gateway,
            self._views,
            SiteFile(self._site_file, self._data),
            self._data,
            self._redactor,
            self._handlers,
            self._take,
            self._commissioned,
        )
        return self._desk.desk

    async def _open(self, accounts: AccountBook) -> None:
        try:
            code = await accounts.open()
        except Refusal as refusal:
            cure = Text("Look at the folder accounts in the data directory.", "请检查数据目录中的 accounts 文件夹。")
            raise DriverError(Fault("web.accounts", refusal.text, cure), SUBJECT) from refusal
        if code is not None:
            log.warning(
                "nobody has logged in to the page yet: user %s, one-time code %s (it stands in %s too)",
                FIRST_USER,
                code,
                accounts.first_code_file,
            )

    async def _tls(self, web: Web) -> ssl.SSLContext | None:
        if not web.tls:
            return None
        try:
            return await tls_context(self._data / "page", self._gateway.snapshot.site.gateway.id)
        except (CertificateFailed, OSError) as error:
            what = Text(f"The page has no certificate: {error}.", f"页面没有可用的证书：{error}。")
            cure = Text("Check the free space and owner of the data directory.", "请检查数据目录的剩余空间和所有者。")
            raise DriverError(Fault("web.certificate", what, cure), SUBJECT) from error

    def _listening(self, server: WebServer, web: Web) -> None:
        self._gateway.pipeline.health(SUBJECT, None)
        log.info("page", extra={"listen": web.listen, "port": server.port, "tls": web.tls})

    async def _follow_settings(self) -> None:
        shown: Snapshot | None = None
        while True:
            snapshot = self._gateway.snapshot
            if snapshot is not shown:
                self._latest.keep(snapshot.devices)
                self._settings = await asyncio.to_thread(tables, snapshot.site, self._running_file())
                await asyncio.to_thread(trim)
                shown = snapshot
            await asyncio.sleep(SETTINGS_EVERY_S)

    def _running_file(self) -> Path:
        broken = any(each.severity == "mistake" for each in self._mistakes())
        return self._data / LAST_GOOD if broken else self._site_file


def _faults(errors: BaseExceptionGroup[DriverError]) -> Iterator[Fault]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _faults(error)
        else:
            yield error.fault
