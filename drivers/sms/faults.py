"""What keeps a message from being sent, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from courtyard.drivers.base import DriverError, Fault, Text
from courtyard.drivers.sms.at import Ended


class Named(NamedTuple):
    """An error number of the standards: our code for it and its name."""

    code: str
    en: str
    zh: str


_REFUSED = "sms.refused"
CMS: Final[Mapping[int, Named]] = {
    1: Named("sms.number", "unassigned number", "空号"),
    8: Named("sms.barred", "barred by the operator", "被运营商禁止"),
    10: Named("sms.barred", "call barred", "呼叫受限"),
    21: Named(_REFUSED, "message rejected", "短信被拒绝"),
    27: Named("sms.number", "destination out of service", "对方无法接通"),
    28: Named("sms.number", "unidentified subscriber", "用户无法识别"),
    29: Named("sms.barred", "facility rejected", "业务被拒绝"),
    30: Named("sms.number", "unknown subscriber", "未知用户"),
    38: Named("sms.network", "network out of order", "网络故障"),
    41: Named("sms.network", "temporary failure of the network", "网络暂时故障"),
    42: Named("sms.network", "congestion", "网络拥塞"),
    47: Named("sms.network", "resources unavailable", "网络资源不足"),
    50: Named("sms.barred", "text messages not subscribed", "未开通短信业务"),
    69: Named("sms.barred", "text messages not implemented", "网络不支持短信业务"),
    300: Named("sms.modem", "failure of the modem", "模块故障"),
    301: Named("sms.modem", "message service reserved", "短信服务被占用"),
    302: Named("sms.modem", "operation not allowed", "操作不允许"),
    303: Named("sms.modem", "operation not supported", "操作不支持"),
    304: Named("sms.modem", "invalid PDU parameter", "PDU 参数无效"),
    305: Named("sms.modem", "invalid text mode parameter", "文本模式参数无效"),
    310: Named("sms.no_sim", "SIM card not inserted", "未插入 SIM 卡"),
    311: Named("sms.pin", "SIM PIN required", "需要 SIM PIN 码"),
    312: Named("sms.pin", "phone-SIM PIN required", "需要手机锁定密码"),
    313: Named("sms.no_sim", "SIM failure", "SIM 卡故障"),
    314: Named("sms.busy", "SIM busy", "SIM 卡忙"),
    315: Named("sms.no_sim", "wrong SIM", "SIM 卡错误"),
    316: Named("sms.puk", "SIM PUK required", "需要 SIM PUK 码"),
    320: Named("sms.modem", "memory failure", "存储器故障"),
    321: Named("sms.modem", "invalid memory index", "存储位置无效"),
    322: Named("sms.modem", "memory full", "存储已满"),
    330: Named("sms.centre", "service centre unknown", "短信中心号码未知"),
    331: Named("sms.not_registered", "no network service", "无网络服务"),
    332: Named("sms.network", "network time-out", "网络超时"),
    500: Named(_REFUSED, "unknown error", "未知错误"),
}
"""3GPP TS 27.005, 3.2.5; below 128 the causes of 3GPP TS 24.011, annex E-2."""
CME: Final[Mapping[int, Named]] = {
    3: Named("sms.modem", "operation not allowed", "操作不允许"),
    4: Named("sms.modem", "operation not supported", "操作不支持"),
    10: Named("sms.no_sim", "SIM card not inserted", "未插入 SIM 卡"),
    11: Named("sms.pin", "SIM PIN required", "需要 SIM PIN 码"),
    12: Named("sms.puk", "SIM PUK required", "需要 SIM PUK 码"),
    13: Named("sms.no_sim", "SIM failure", "SIM 卡故障"),
    14: Named("sms.busy", "SIM busy", "SIM 卡忙"),
    15: Named("sms.no_sim", "SIM wrong", "SIM 卡错误"),
    16: Named("sms.pin", "incorrect PIN", "PIN 码错误"),
    30: Named("sms.not_registered", "no network service", "无网络服务"),
    31: Named("sms.network", "network time-out", "网络超时"),
    32: Named("sms.barred", "emergency calls only", "仅限紧急呼叫"),
    100: Named("sms.modem", "unknown error", "未知错误"),
}
"""3GPP TS 27.007, 9.2."""

_OPERATOR = Text(
    "Ask the operator of the SIM card; check its contract and balance.", "请联系 SIM 卡运营商，检查资费和余额。"
)
_WAIT = Text("It is tried again; check the aerial if this repeats.", "会自动重试；若反复出现，请检查天线。")
_MODEM = Text("Switch the modem off and on; check its manual.", "请重新给模块上电，并查阅其说明书。")
_CURES: Final[Mapping[str, Text]] = {
    "sms.number": Text("Correct the number in the site file.", "请更正站点文件中的号码。"),
    "sms.barred": _OPERATOR,
    _REFUSED: _OPERATOR,
    "sms.network": _WAIT,
    "sms.busy": _WAIT,
    "sms.modem": _MODEM,
    "sms.no_sim": Text(
        "Switch off, insert the SIM card the right way round, switch on.", "请断电后按正确方向插入 SIM 卡，再上电。"
    ),
    "sms.pin": Text(
        "Put the PIN into a file and name it as pin_file; it is tried once only, so that the card is not locked.",
        "请将 PIN 码存入文件并填写 pin_file；同一 PIN 码只尝试一次，以免锁卡。",
    ),
    "sms.puk": Text("The card is locked: unlock it in a phone with its PUK.", "SIM 卡已锁：请在手机中用 PUK 码解锁。"),
    "sms.centre": Text(
        "Store the operator's service centre on the card: AT+CSCA.", "请设置运营商的短信中心号码（AT+CSCA）。"
    ),
    "sms.not_registered": Text(
        "Check aerial, reception and the card's contract; the modem looks for a network by itself.",
        "请检查天线、信号和 SIM 卡是否有效；模块会自动搜索网络。",
    ),
    "sms.silent": Text(
        "Check power, cable and baud of the modem, and that `port` is its AT port.",
        "请检查模块的电源、线缆和波特率，并确认 port 为 AT 指令端口。",
    ),
}
_WHATS: Final[Mapping[str, Text]] = {
    "sms.silent": Text("The modem does not answer ({command}).", "短信模块无应答（{command}）。"),
    "sms.not_registered": Text("The modem has found no mobile network.", "短信模块未注册到移动网络。"),
    "sms.pin": Text("The SIM card asks for its PIN.", "SIM 卡需要 PIN 码。"),
    "sms.pin_refused": Text("The SIM card refuses the PIN of pin_file.", "SIM 卡不接受 pin_file 中的 PIN 码。"),
    "sms.puk": Text("The SIM card is locked ({state}).", "SIM 卡已锁（{state}）。"),
    "sms.number": Text("{number} is no phone number.", "{number} 不是电话号码。"),
}


def failure(code: str, **facts: object) -> DriverError:
    """The error of that code with its facts filled in."""
    what = Text(*(text.format(**facts) for text in _WHATS[code]))
    return DriverError(Fault(code, what, _CURES.get(code, _CURES["sms.pin"])))


def refusal(ended: Ended, command: str) -> DriverError:
    """What the modem answered instead of OK, by its name in the standards; unknown numbers keep their number."""
    named = {"cms": CMS, "cme": CME}.get(ended.kind, {}).get(ended.number)
    label = f"+{ended.kind.upper()} ERROR {ended.number}" if ended.kind else "ERROR"
    if named is None:
        named = Named(_REFUSED if command.startswith("AT+CMGS") else "sms.modem", "no further reason", "未说明原因")
    what = Text(
        f"The modem refuses {command}: {named.en} ({label}).", f"短信模块拒绝 {command}：{named.zh}（{label}）。"
    )
    return DriverError(Fault(named.code, what, _CURES[named.code]))
