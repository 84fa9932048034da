"""Who may do what: the one table of roles and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from courtyard.drivers.base import Text

Role: TypeAlias = Literal["viewer", "manager", "installer"]
Permission: TypeAlias = Literal[
    "wall",
    "view",
    "metrics",
    "acknowledge",
    "cameras",
    "residents",
    "drill",
    "report",
    "test",
    "configure",
    "erase",
    "logs",
    "audit",
    "users",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

_EVERYBODY: Final = frozenset[Role](ROLES)
_STAFF: Final = frozenset[Role](("manager", "installer"))
_MANAGER: Final = frozenset[Role](("manager",))
_INSTALLER: Final = frozenset[Role](("installer",))

ALLOWED: Final[Mapping[Permission, tuple[frozenset[Role], Text]]] = {
    "wall": (_EVERYBODY, Text("the wall display: what is wrong, without names", "大屏：当前异常，不含姓名")),
    "view": (_EVERYBODY, Text("see devices, alarms, charts and platforms", "查看设备、报警、曲线和平台")),
    "metrics": (_EVERYBODY, Text("read metrics of the gateway", "读取网关运行指标")),
    "report": (_EVERYBODY, Text("print reports", "打印报表")),
    "acknowledge": (_STAFF, Text("acknowledge, shelve and clear alarms", "确认、搁置和清除报警")),
    "cameras": (_STAFF, Text("see pictures of cameras", "查看摄像头画面")),
    "residents": (_MANAGER, Text("see residents who consented", "查看已同意的住户")),
    "drill": (_STAFF, Text("start a drill", "发起演练")),
    "erase": (_MANAGER, Text("erase the history of a device or resident", "删除设备或住户的历史数据")),
    "test": (_INSTALLER, Text("read and identify devices, scan lines", "试读、识别设备，扫描线路")),
    "configure": (_INSTALLER, Text("change the site and mend it", "修改和修复站点配置")),
    "logs": (_INSTALLER, Text("see logs and raw frames, take a support bundle", "查看日志和原始报文，导出支持包")),
    "audit": (_STAFF, Text("see who did what", "查看操作记录")),
    "users": (_STAFF, Text("manage accounts and tokens", "管理账户和令牌")),
}
"""Roles that may, and what it means in words."""

GRANTS: Final[Mapping[Role, frozenset[Role]]] = {
    "viewer": frozenset(),
    "manager": frozenset(("viewer", "manager")),
    "installer": _EVERYBODY,
}
"""Roles whose accounts a person of this role may add, remove and reset."""

TOKEN_SCOPES: Final[tuple[Permission, ...]] = ("wall", "view", "metrics", "acknowledge", "cameras", "report", "test")
"""What a token may be good for; never accounts, configuration or health data."""


def permissions_of(role: Role) -> frozenset[Permission]:
    """Everything that a role may."""
    return frozenset(permission for permission, (roles, _) in ALLOWED.items() if role in roles)
