"""Rules for texts that a pattern alone does not say: places, time zones, broker addresses."""

from __future__ import annotations

import re
import zoneinfo
from urllib.parse import SplitResult, urlsplit

from courtyard.drivers.base import Text

_NUMBER = "(?:[0-9]{1,4}[a-z]?|[a-z])"
_SEGMENTS = (f"b{_NUMBER}", f"u{_NUMBER}", "fb?[0-9]{1,3}", "r[0-9a-z]{1,8}")
_OTHER = "x-[0-9a-z]+(?:-[0-9a-z]+)*"
PLACE_PATTERN = "^(?=[bx])" + "".join(f"(?:(?:^|/){segment})?" for segment in _SEGMENTS) + f"(?:(?:^|/){_OTHER})*$"
PLACE_ALLOWED = Text(
    "building b, unit u, floor f (fb for basements), room r, anything else x-, in this order: b03/u02/f06/r601, "
    "b03/x-lift1",
    "依次为楼栋 b、单元 u、楼层 f（地下室 fb）、房间 r，其他位置 x-：b03/u02/f06/r601、b03/x-lift1",
)
URL_ALLOWED = Text(
    "mqtts://host:port, mqtt://host:port without encryption; tcp://host:port or udp://host:port for gb26875",
    "mqtts://host:port，不加密时为 mqtt://host:port；gb26875 为 tcp://host:port 或 udp://host:port",
)
TIMEZONE_ALLOWED = Text("a name such as Asia/Shanghai", "时区名称，例如 Asia/Shanghai")
SCHEMES = {"mqtt": 1883, "mqtts": 8883}
"""URL scheme of a broker to default port."""
CENTRE_SCHEMES = ("tcp", "udp")
"""URL schemes of a fire-control centre; it has no port by default."""


def is_place(text: str) -> bool:
    return re.match(PLACE_PATTERN, text) is not None and not text.endswith("\n")


def is_timezone(text: str) -> bool:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as Asia
        return False
    return True


def is_mqtt_url(text: str) -> bool:
    """Scheme mqtt or mqtts, a host, perhaps a port; nothing behind."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    return url.scheme in SCHEMES and port != 0 and _names_a_host(url)


def is_uplink_url(text: str) -> bool:
    """A broker, or tcp or udp with a host and a port."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    return is_mqtt_url(text) or (url.scheme in CENTRE_SCHEMES and bool(port) and _names_a_host(url))


def _names_a_host(url: SplitResult) -> bool:
    """A host, and nothing behind it or its port."""
    bare = not (url.path.strip("/") or url.query or url.fragment or "@" in url.netloc)
    return bare and re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", url.hostname or "") is not None


def without_credentials(url: str) -> str | None:
    """The URL without user name and password, or None when it has none."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not separator or "@" not in authority:
        return None
    return f"{scheme}://{rest[authority.rindex('@') + 1 :]}"
