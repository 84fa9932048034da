"""Everything that may be wrong on the way to a broker, in words for the person who mends it.

`reasons` has the broker's own words.  Source of the numbers: OpenSSL's X509_V_ERR_* (verification results).
No text ever contains a secret: the only facts filled in are host, port, file names and reason codes.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from courtyard.drivers.base import DriverError, Fault, Text


class Words(NamedTuple):
    """What was found and what to do, English and Chinese, with {facts} to fill in."""

    code: str
    what_en: str
    what_zh: str
    cure_en: str
    cure_zh: str

    def fault(self, **facts: object) -> Fault:
        what = Text(self.what_en.format(**facts), self.what_zh.format(**facts))
        return Fault(self.code, what, Text(self.cure_en.format(**facts), self.cure_zh.format(**facts)))


_NETWORK = "Check the network cable, the SIM card and the router, and whether a firewall lets {host}:{port} through."
_NETWORK_ZH = "请检查网线、SIM 卡和路由器，以及防火墙是否放行 {host}:{port}。"
PLATFORM = "Ask the operator of the platform; the gateway keeps trying and keeps every record meanwhile."
PLATFORM_ZH = "请联系平台运维人员；网关会持续重试，期间保留所有记录。"
_CA = "Set ca_file to the certificate of the authority that signs the broker's."
_CA_ZH = "请将 ca_file 设为签发服务器证书的 CA 证书。"
_CLIENT = "Check certificate_file and key_file, and whether the platform knows this certificate and its authority."
_CLIENT_ZH = "请检查 certificate_file 和 key_file，并确认平台认可该证书及其 CA。"

DNS = Words(
    "uplink.dns",
    "The name {host} cannot be resolved.",
    "无法解析主机名 {host}。",
    "Check the host in the uplink's url, and the DNS server of this box.",
    "请检查上行 url 中的主机名以及本机的 DNS 服务器。",
)
REFUSED = Words(
    "uplink.refused",
    "{host}:{port} refuses the connection: nothing listens there.",
    "{host}:{port} 拒绝连接：该端口没有服务在监听。",
    "Check the port in the uplink's url and whether the broker runs. " + PLATFORM,
    "请检查 url 中的端口以及 MQTT 服务器是否运行。" + PLATFORM_ZH,
)
UNREACHABLE = Words(
    "uplink.unreachable",
    "{host}:{port} cannot be reached ({error}).",
    "无法到达 {host}:{port}（{error}）。",
    _NETWORK,
    _NETWORK_ZH,
)
TIMEOUT = Words(
    "uplink.timeout",
    "{host}:{port} did not answer in {seconds:g} s ({stage}).",
    "{host}:{port} 在 {seconds:g} 秒内未应答（{stage}）。",
    _NETWORK,
    _NETWORK_ZH,
)
LOST = Words(
    "uplink.lost",
    "The connection to {host}:{port} was lost ({error}).",
    "与 {host}:{port} 的连接中断（{error}）。",
    _NETWORK,
    _NETWORK_ZH,
)
SILENT = Words(
    "uplink.silent",
    "{host}:{port} stopped answering; the connection was given up.",
    "{host}:{port} 停止应答，连接已放弃。",
    _NETWORK,
    _NETWORK_ZH,
)
CLOSED_EARLY = Words(
    "uplink.protocol.closed",
    "{host}:{port} closed the connection before it answered MQTT.",
    "{host}:{port} 在应答 MQTT 之前关闭了连接。",
    "Check that this port speaks MQTT; an encrypted one needs mqtts:// in the url, and some want a client certificate.",
    "请确认该端口为 MQTT 服务；加密端口的 url 需使用 mqtts://，有的还要求客户端证书。",
)
URL = Words(
    "uplink.url",
    "The url of this uplink is not mqtt://host:port or mqtts://host:port.",
    "该上行的 url 不是 mqtt://主机:端口 或 mqtts://主机:端口。",
    "Correct url; user name and password do not belong there but in username and password_file.",
    "请改正 url；用户名和密码不写在 url 里，而写在 username 和 password_file。",
)
FILE_MISSING = Words(
    "uplink.file.missing",
    "The file {path} ({setting}) does not exist.",
    "文件 {path}（{setting}）不存在。",
    "Put the file there or correct {setting}.",
    "请放置该文件或改正 {setting}。",
)
FILE_PERMISSION = Words(
    "uplink.file.permission",
    "The file {path} ({setting}) may not be read by the gateway.",
    "网关无权读取文件 {path}（{setting}）。",
    "Let the group courtyard read it: chgrp courtyard {path} && chmod 640 {path}.",
    "请允许 courtyard 组读取：chgrp courtyard {path} && chmod 640 {path}。",
)
FILE_INVALID = Words(
    "uplink.file.invalid",
    "The file {path} ({setting}) cannot be used: {error}.",
    "文件 {path}（{setting}）无法使用：{error}。",
    "Certificates and keys must be PEM and belong together; a key must have no passphrase.",
    "证书和私钥须为 PEM 格式且相互匹配；私钥不得加密码。",
)
TLS_CLIENT = Words(
    "uplink.tls.client",
    "{host}:{port} does not accept this gateway's certificate ({error}).",
    "{host}:{port} 不接受本网关的客户端证书（{error}）。",
    _CLIENT,
    _CLIENT_ZH,
)
TLS_NOT_TLS = Words(
    "uplink.tls.plain",
    "{host}:{port} does not speak TLS.",
    "{host}:{port} 不是 TLS 端口。",
    "Use the broker's encrypted port (often 8883); mqtt:// without encryption only inside a trusted network.",
    "请使用服务器的加密端口（通常为 8883）；仅在可信内网中使用不加密的 mqtt://。",
)
TLS_OTHER = Words(
    "uplink.tls",
    "Encryption with {host}:{port} could not be agreed ({error}).",
    "与 {host}:{port} 的加密协商失败（{error}）。",
    PLATFORM,
    PLATFORM_ZH,
)
_UNKNOWN_CA = Words(
    "uplink.tls.unknown_ca",
    "The certificate of {host}:{port} is signed by an authority that this gateway does not know.",
    "{host}:{port} 的证书由本网关不认识的 CA 签发。",
    _CA,
    _CA_ZH,
)
_HOST_NAME = Words(
    "uplink.tls.host_name",
    "The certificate of {host}:{port} is for another host name.",
    "{host}:{port} 的证书属于其他主机名。",
    "Use in url the host name that the certificate names, or have the certificate made for {host}.",
    "请在 url 中使用证书所列的主机名，或为 {host} 重新签发证书。",
)
_EXPIRED = Words(
    "uplink.tls.expired",
    "The certificate of {host}:{port} has expired.",
    "{host}:{port} 的证书已过期。",
    "Have the platform renew its certificate; check the clock of this box too.",
    "请平台方更新证书；并检查本机时钟。",
)
_NOT_YET_VALID = Words(
    "uplink.tls.not_yet_valid",
    "By this box's clock, the certificate of {host}:{port} is not valid yet.",
    "按本机时钟，{host}:{port} 的证书尚未生效。",
    "Check the clock of this box (time server, battery).",
    "请检查本机时钟（时间服务器、时钟电池）。",
)
_TLS_VERIFY = Words(
    "uplink.tls.certificate",
    "The certificate of {host}:{port} is not acceptable ({error}).",
    "{host}:{port} 的证书不可接受（{error}）。",
    PLATFORM,
    PLATFORM_ZH,
)
VERIFY: Mapping[int, Words] = {
    2: _UNKNOWN_CA,  # unable to get issuer certificate
    9: _NOT_YET_VALID,
    10: _EXPIRED,
    18: _UNKNOWN_CA,  # self-signed
    19: _UNKNOWN_CA,  # self-signed in the chain
    20: _UNKNOWN_CA,  # unable to get local issuer certificate
    21: _UNKNOWN_CA,  # unable to verify the first certificate
    62: _HOST_NAME,
    64: _HOST_NAME,  # IP address mismatch
}
"""By ssl.SSLCertVerificationError.verify_code."""

_ALERTS = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED")
_CLIENT_ALERTS = (*_ALERTS, "CERTIFICATE_UNKNOWN", "UNSUPPORTED_CERTIFICATE", "DECRYPT_ERROR", "ACCESS_DENIED")
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")


def error_words(error: OSError) -> tuple[Words, str]:
    """Which words fit an error of the socket or of TLS, and its short name for the {error} fact."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return VERIFY.get(error.verify_code, _TLS_VERIFY), error.verify_message
    if isinstance(error, ssl.SSLError):
        reason = error.reason or type(error).__name__
        if any(reason.endswith(f"ALERT_{alert}") for alert in _CLIENT_ALERTS):
            return TLS_CLIENT, reason
        return (TLS_NOT_TLS if reason in _PLAIN else TLS_OTHER), reason
    if isinstance(error, socket.gaierror):
        return DNS, str(error.errno)
    if isinstance(error, TimeoutError):
        return SILENT, "ETIMEDOUT"
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return (REFUSED if isinstance(error, ConnectionRefusedError) else UNREACHABLE), name


class Refused(DriverError):
    """The broker or the way to it says no; `reason` is the MQTT reason code, where there is one."""

    def __init__(self, fault: Fault, reason: int | None = None) -> None:
        super().__init__(fault)
        self.reason = reason
