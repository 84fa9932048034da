"""Where an uplink connects to and with which secrets.

Secrets and certificates are read at every connect, so that a renewed file is used without a restart.
Everything that touches a file blocks and belongs into a thread.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from courtyard.agent.uplinks.faults import FILE_INVALID, FILE_MISSING, FILE_PERMISSION, URL, Refused
from courtyard.config.uplink import Uplink

CREDENTIAL = "credential:"
PORTS = {"mqtt": 1883, "mqtts": 8883}
MAX_PASSWORD = 16_384
"""Characters; MQTT 5.0 section 3.1.3.6 allows 65,535 bytes."""


class Endpoint(msgspec.Struct, frozen=True):
    """One broker, as the site names it, with the folders in which relative names are looked up."""

    host: str
    port: int
    tls: bool
    settings: Uplink
    directory: Path
    credentials: Path | None = None

    @classmethod
    def of(cls, settings: Uplink, directory: Path, credentials: Path | None = None) -> Endpoint:
        """`directory` is the site file's; `credentials` is systemd's $CREDENTIALS_DIRECTORY.  Raises Refused."""
        try:
            parts = urlsplit(settings.url)
            port = parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise Refused(URL.fault()) from error
        if not parts.hostname or parts.username or parts.password:
            raise Refused(URL.fault())
        return cls(parts.hostname, port, parts.scheme == "mqtts", settings, directory, credentials)

    def locate(self, name: str) -> Path:
        """The file of a setting: a systemd credential where `credential:NAME` or the file's own name is one."""
        if self.credentials is not None:
            given = self.credentials / name.removeprefix(CREDENTIAL).rpartition("/")[2]
            if name.startswith(CREDENTIAL) or given.exists():
                return given
        return self.directory / name

    def password(self) -> str | None:
        """The content of `password_file` without the line end.  Blocks.  Raises Refused."""
        if self.settings.password_file is None:
            return None
        path = self.locate(self.settings.password_file)
        try:
            password = _read(path, "password_file").decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise Refused(FILE_INVALID.fault(path=path, setting="password_file", error="not UTF-8")) from error
        if not 0 < len(password) <= MAX_PASSWORD:
            raise Refused(FILE_INVALID.fault(path=path, setting="password_file", error="empty or too long"))
        return password

    def tls_context(self) -> ssl.SSLContext | None:
        """What TLS needs: at least 1.2, the peer and its host name always checked.  Blocks.  Raises Refused."""
        if not self.tls:
            return None
        settings = self.settings
        authority = None
        if settings.ca_file is not None:
            path = self.locate(settings.ca_file)
            authority = _read(path, "ca_file").decode("ascii", "replace")
        try:
            context = ssl.create_default_context(cadata=authority)
        except (ssl.SSLError, ValueError) as error:
            raise Refused(FILE_INVALID.fault(path=path, setting="ca_file", error="no PEM certificate")) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate_file is not None:
            path = self.locate(settings.certificate_file)
            _read(path, "certificate_file")
            key = self.locate(settings.key_file) if settings.key_file is not None else None
            if key is not None:
                _read(key, "key_file")
            try:
                context.load_cert_chain(path, key, password=lambda: b"")
            except (ssl.SSLError, ValueError) as error:
                reason = (error.reason if isinstance(error, ssl.SSLError) else None) or "not PEM, or not a pair"
                named = FILE_INVALID.fault(path=path, setting="certificate_file", error=reason)
                raise Refused(named) from error
        return context


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Refused(FILE_MISSING.fault(path=path, setting=setting)) from error
    except PermissionError as error:
        raise Refused(FILE_PERMISSION.fault(path=path, setting=setting)) from error
    except OSError as error:
        raise Refused(FILE_INVALID.fault(path=path, setting=setting, error=error.strerror)) from error
