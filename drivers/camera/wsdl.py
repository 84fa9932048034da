"""The services of onvif-zeep, parsed once for all cameras: each further camera costs kilobytes instead of 18 MB.

What is mended of onvif-zeep 0.2.12: it adds a handler to the root logger when it is imported, parses every WSDL for
every camera, subscribes to events when it is constructed, calls without time-outs, and knows no Media2.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import logging
import threading
from pathlib import Path
from typing import Any

from zeep import Client, Settings
from zeep.transports import Transport
from zeep.wsdl import Document

_OWN = Path(__file__).parent
_lock = threading.Lock()
_documents: dict[str, Document] = {}
_OFFLINE: Any = Transport()
"""Reads files only: every schema is beside its WSDL."""
SETTINGS = Settings(strict=False, raw_response=True, xml_huge_tree=False)


def _import_onvif() -> Any:
    """The package, with the root logger left as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    import onvif.client

    root.handlers[:], root.level = handlers, level
    return onvif.client


def _folder() -> Path:
    """Where the WSDLs of onvif-zeep were installed, which is not always where it looks itself."""
    for file in importlib.metadata.files("onvif-zeep") or ():
        if file.name == "devicemgmt.wsdl":
            return Path(str(file.locate())).parent
    raise FileNotFoundError("onvif-zeep is installed without its WSDLs")


def document(name: str) -> Document:
    """The parsed WSDL of that file name.  From any thread; the first call of each takes some 100 ms."""
    with _lock:
        if name not in _documents:
            _documents[name] = Document(str(_path(name)), _OFFLINE, settings=Settings(strict=False))
        return _documents[name]


def _path(name: str) -> Path:
    own = _OWN / name
    return own if own.is_file() else _folder() / name


def service(name: str, binding: str, address: str, transport: Transport, login: Any, skew: datetime.timedelta) -> Any:
    """An `ONVIFService` whose operations return the raw HTTP response.

    `login` is None for what is asked without one.  `skew` is how far the camera's clock is ahead of ours.
    """
    onvif = _import_onvif()
    client = Client(document(name), transport=transport, settings=SETTINGS, wsse=login and _token(onvif, login, skew))
    return onvif.ONVIFService(address, "", "", str(_path(name)), zeep_client=client, binding_name=binding)


def _token(onvif: Any, login: Any, skew: datetime.timedelta) -> Any:
    return onvif.UsernameDigestTokenDtDiff(
        login.username, login.password, dt_diff=skew, use_digest=True, zulu_timestamp=True
    )
