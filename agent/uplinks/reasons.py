"""What a broker's reason codes mean, in words for the person who mends it.

Source of the numbers: MQTT 5.0 section 2.4; paho translates those of MQTT 3.1.1 into them.
"""

from __future__ import annotations

from collections.abc import Mapping

from courtyard.agent.uplinks.faults import PLATFORM, PLATFORM_ZH, SILENT, UNREACHABLE, Words

_LOGIN = "Check username and password_file of this uplink, and the account on the platform."
_LOGIN_ZH = "请核对该上行的 username 和 password_file，以及平台上的账号。"
PROTOCOL = Words(
    "uplink.protocol",
    "{host}:{port} broke the MQTT protocol.",
    "{host}:{port} 的应答不符合 MQTT 协议。",
    "Check that this port speaks MQTT. " + PLATFORM,
    "请确认该端口为 MQTT 服务。" + PLATFORM_ZH,
)
QOS = Words(
    "uplink.protocol.qos",
    "The broker {host}:{port} does not take messages with acknowledgement (QoS 1).",
    "MQTT 服务器 {host}:{port} 不支持带确认的消息（QoS 1）。",
    "Use a broker that supports QoS 1; without it nothing could be proved delivered.",
    "请使用支持 QoS 1 的服务器；否则无法证明数据已送达。",
)
_PASSWORD = Words(
    "uplink.login.password",
    "{host}:{port} refuses the user name or the password.",
    "{host}:{port} 拒绝了用户名或密码。",
    _LOGIN,
    _LOGIN_ZH,
)
_NOT_AUTHORISED = Words(
    "uplink.login.not_authorised",
    "{host}:{port} does not let this gateway in (not authorised): user name, password or client id is wrong or locked.",
    "{host}:{port} 不允许本网关登录（未授权）：用户名、密码或客户端标识有误或被锁定。",
    _LOGIN,
    _LOGIN_ZH,
)
_CLIENT_ID = Words(
    "uplink.login.client_id",
    "{host}:{port} refuses the client id of this gateway.",
    "{host}:{port} 拒绝本网关的客户端标识。",
    "Register the gateway's id with the platform. " + _LOGIN,
    "请在平台登记网关编号。" + _LOGIN_ZH,
)
VERSION = Words(
    "uplink.protocol.version",
    "{host}:{port} speaks neither MQTT 5 nor MQTT 3.1.1.",
    "{host}:{port} 既不支持 MQTT 5 也不支持 MQTT 3.1.1。",
    PLATFORM,
    PLATFORM_ZH,
)
_BUSY = Words(
    "uplink.busy",
    "The broker {host}:{port} is not available now (reason {reason}).",
    "MQTT 服务器 {host}:{port} 暂不可用（原因码 {reason}）。",
    PLATFORM,
    PLATFORM_ZH,
)
_QUOTA = Words(
    "uplink.quota",
    "The platform's quota for this gateway is used up ({host}:{port}).",
    "平台分配给本网关的配额已用尽（{host}:{port}）。",
    "Have the platform raise the quota; the gateway waits and keeps every record meanwhile.",
    "请平台提高配额；网关会等待并保留所有记录。",
)
_MOVED = Words(
    "uplink.moved",
    "The broker has moved away from {host}:{port}.",
    "MQTT 服务器已从 {host}:{port} 迁走。",
    "Ask the platform for the new address and correct url.",
    "请向平台索取新地址并改正 url。",
)
_RETAIN = Words(
    "uplink.protocol.retain",
    "The broker {host}:{port} does not keep retained messages, which status and inventory need.",
    "MQTT 服务器 {host}:{port} 不支持保留消息，而状态和设备清单需要它。",
    "Have retained messages switched on at the broker.",
    "请在服务器上启用保留消息。",
)
TAKEN_OVER = Words(
    "uplink.taken_over",
    "Another client logged in at {host}:{port} with this gateway's id.",
    "另有客户端以本网关的标识登录了 {host}:{port}。",
    "Look for a second box with the same gateway id, a copied memory card, or a test program.",
    "请检查是否有相同网关编号的另一台设备、被复制的存储卡或测试程序。",
)
CONTESTED = Words(
    "uplink.contested",
    "{host}:{port} lets this gateway in and hangs up soon after, again and again.",
    "{host}:{port} 一再在登录后不久断开连接。",
    "Look for a second box with the same gateway id, a copied memory card, or a test program. " + PLATFORM,
    "请检查是否有相同网关编号的另一台设备、被复制的存储卡或测试程序。" + PLATFORM_ZH,
)
TOO_LARGE = Words(
    "uplink.protocol.too_large",
    "A message was too large for the broker {host}:{port}; it is sent again in smaller parts.",
    "消息超过 MQTT 服务器 {host}:{port} 的大小限制；将拆小后重发。",
    "Nothing to do; raise the broker's limit of message sizes if this comes often.",
    "无需处理；如频繁出现，请调大服务器的消息大小限制。",
)
OTHER_REASON = Words(
    "uplink.reason",
    "The broker {host}:{port} ended the connection (MQTT reason {reason}).",
    "MQTT 服务器 {host}:{port} 终止了连接（MQTT 原因码 {reason}）。",
    PLATFORM,
    PLATFORM_ZH,
)
REASONS: Mapping[int, Words] = {
    0x81: PROTOCOL,
    0x82: PROTOCOL,
    0x84: VERSION,
    0x85: _CLIENT_ID,
    0x86: _PASSWORD,
    0x87: _NOT_AUTHORISED,
    0x88: _BUSY,
    0x89: _BUSY,
    0x8A: _NOT_AUTHORISED,  # banned
    0x8B: _BUSY,  # shutting down
    0x8C: _PASSWORD,  # bad authentication method
    0x8D: SILENT,
    0x8E: TAKEN_OVER,
    0x95: TOO_LARGE,
    0x97: _QUOTA,
    0x9A: _RETAIN,
    0x9B: QOS,
    0x9C: _MOVED,
    0x9D: _MOVED,
    0x9F: _BUSY,
}
"""By reason code of CONNACK and DISCONNECT."""

PUBLISH_NOT_AUTHORISED = Words(
    "uplink.publish.not_authorised",
    "{host}:{port} does not let this gateway publish on {topic}; sending is paused.",
    "{host}:{port} 不允许本网关向 {topic} 发布消息；发送已暂停。",
    "Give the account the right to publish on courtyard/v1/{gateway}/#; nothing is lost meanwhile.",
    "请授予该账号向 courtyard/v1/{gateway}/# 发布的权限；期间不会丢失数据。",
)
PUBLISH_REFUSED = Words(
    "uplink.publish.refused",
    "{host}:{port} refuses messages on {topic} (reason {reason}).",
    "{host}:{port} 拒绝 {topic} 上的消息（原因码 {reason}）。",
    "The record that it refuses is looked for and set aside; the others go on. " + PLATFORM,
    "网关会找出被拒绝的记录并搁置，其余记录照常发送。" + PLATFORM_ZH,
)
PUBLISH_QUOTA = Words(
    "uplink.publish.quota",
    "{host}:{port} takes no more messages now (quota exceeded); sending is paused.",
    "{host}:{port} 暂不接收更多消息（配额超限）；发送已暂停。",
    "Have the platform raise the quota; nothing is lost meanwhile.",
    "请平台提高配额；期间不会丢失数据。",
)
PUBLISH: Mapping[int, Words] = {0x87: PUBLISH_NOT_AUTHORISED, 0x97: PUBLISH_QUOTA}
"""By reason code of PUBACK; anything else is PUBLISH_REFUSED."""
SUBSCRIBE_REFUSED = Words(
    "uplink.subscribe",
    "{host}:{port} does not let this gateway receive on {topic} (reason {reason}).",
    "{host}:{port} 不允许本网关订阅 {topic}（原因码 {reason}）。",
    "Give the account the right to subscribe to courtyard/v1/{gateway}/#; sending goes on without it.",
    "请授予该账号订阅 courtyard/v1/{gateway}/# 的权限；数据发送不受影响。",
)

BLAMELESS = frozenset({UNREACHABLE.code, SILENT.code, TAKEN_OVER.code, _BUSY.code, _QUOTA.code, _MOVED.code})
"""Ends of a connection that no message can have caused."""
