"""Addresses of cameras: what a site writes, what a camera claims, and what may be shown."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

DEVICE_PATH = "/onvif/device_service"
LONGEST = 2048
"""Characters of an address that a camera may give."""


def device_service(address: str) -> str:
    """The address of the device service: `192.168.1.64`, `host:2020` and whole addresses are understood.

    Raises ValueError for what is none.
    """
    url = urlsplit(address if "://" in address else f"http://{address}")
    if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
        raise ValueError(f"{address} is no address of a camera")
    path = url.path if url.path not in ("", "/") else DEVICE_PATH
    return urlunsplit((url.scheme, _netloc(url.hostname, url.port), path, url.query, ""))


def reached(claimed: str, device: str) -> str:
    """A service's address as it can be reached: path and query as claimed, scheme, host and port of the device service.

    Cameras behind a translation, with two addresses or with a name from the factory claim hosts that are not theirs
    here.  Raises ValueError for what is no address.
    """
    url, base = _split(claimed), urlsplit(device)
    return urlunsplit((base.scheme, base.netloc, url.path or DEVICE_PATH, url.query, ""))


def stream_address(claimed: str, device: str) -> str:
    """A stream's address as it can be reached: the claimed port and path on the camera's host, without credentials.

    Raises ValueError for anything but RTSP.
    """
    url, base = _split(claimed), urlsplit(device)
    if url.scheme not in ("rtsp", "rtsps"):
        raise ValueError("not RTSP")
    return urlunsplit((url.scheme, _netloc(base.hostname or "", url.port), url.path, url.query, ""))


def with_login(stream: str, username: str, password: str) -> str:
    """A stream's address as FFmpeg takes a login: for the one call that opens it, never to be kept or shown."""
    url = urlsplit(stream)
    return urlunsplit(url._replace(netloc=f"{quote(username, safe='')}:{quote(password, safe='')}@{url.netloc}"))


def _split(claimed: str) -> SplitResult:
    if len(claimed) > LONGEST or any(ord(char) <= 32 for char in claimed):
        raise ValueError("not an address")
    url = urlsplit(claimed)
    if url.port == 0:
        raise ValueError("not an address")
    return url


def _netloc(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name
