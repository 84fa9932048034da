"""The health of a box: each check gives a verdict and, where something is to be done, the cure.

Everything is looked at through `Box`, so that a test can be any box; nothing is changed.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from courtyard.agent.control import daemon_listens
from courtyard.agent.tools.box import SERVICE, Box, group_name, used_bytes, words_of
from courtyard.config.read import check_site
from courtyard.config.site import Site
from courtyard.drivers.base import Text
from courtyard.drivers.lines.settings import BleLine, SerialLine

Verdict = Literal["ok", "warning", "fault"]
WORN: Final = 9
"""Tenths of its life that a flash chip has used: 80 to 90 % (JEDEC eMMC, DEVICE_LIFE_TIME_EST)."""
BONDS: Final = "var/lib/bluetooth"
FINE: Final = Text("", "")


class Check(NamedTuple):
    """What was looked at, what was found, and what to do."""

    name: str
    verdict: Verdict
    what: Text
    cure: Text = FINE


def examine(box: Box) -> list[Check]:
    """Every check.  Without a site that can run, those that need one are left out."""
    verdict = check_site(box.site)
    site = verdict.snapshot.site if verdict.snapshot is not None else None
    checks = [_site(box, len(verdict.mistakes)), *_service(box), *_clock(box), *_wear(box), *_data(box, site)]
    if site is not None:
        checks += [*_ports(box, site), *_platforms(box, site), *_secrets(box), *_bonds(box, site)]
    return checks


def _site(box: Box, mistakes: int) -> Check:
    if not mistakes:
        return Check("site", "ok", Text("The site file can run.", "站点文件可以使用。"))
    return Check(
        "site",
        "fault",
        Text(f"The site file has {mistakes} mistakes.", f"站点文件有 {mistakes} 处错误。"),
        Text(f"Run: courtyard check {box.site}", f"请运行：courtyard check {box.site}"),
    )


def _service(box: Box) -> Iterator[Check]:
    told = box.run(["systemctl", "show", SERVICE, "--property=LoadState,ActiveState,NRestarts,Result"])
    state = dict(line.partition("=")[::2] for line in (told or "").splitlines())
    if told is None or state.get("LoadState") != "loaded":
        yield Check(
            "service",
            "warning",
            Text("The service courtyard is not installed here.", "本机未安装 courtyard 服务。"),
            Text("Run: sudo systemd/install.sh", "请运行：sudo systemd/install.sh"),
        )
    elif state.get("ActiveState") != "active":
        cure = "sudo systemctl restart courtyard; journalctl -u courtyard -n 50"
        active, result = state.get("ActiveState"), state.get("Result")
        what = Text(f"The service is {active} ({result}).", f"服务状态为 {active}（{result}）。")
        yield Check("service", "fault", what, Text(f"Run: {cure}", f"请运行：{cure}"))
    elif int(state.get("NRestarts") or 0) > 3:
        count = state["NRestarts"]
        what = Text(f"The service was restarted {count} times.", f"服务已自动重启 {count} 次。")
        cure = "journalctl -u courtyard -p err"
        yield Check("service", "warning", what, Text(f"Run: {cure}", f"请运行：{cure}"))
    else:
        yield Check("service", "ok", Text("The service runs.", "服务正在运行。"))
    if daemon_listens(box.socket):
        yield Check("gateway", "ok", Text("The gateway answers.", "网关有应答。"))
    else:
        what = Text(f"No gateway answers at {box.socket}.", f"{box.socket} 处没有网关应答。")
        cure = "sudo systemctl start courtyard"
        yield Check("gateway", "fault", what, Text(f"Run: {cure}, or use sudo.", f"请运行：{cure}，或使用 sudo。"))


def _clock(box: Box) -> Iterator[Check]:
    clock = box.kernel_clock()
    if clock.synchronised:
        what = Text(
            f"The clock is synchronised (±{clock.error_ms} ms).", f"时钟已同步（误差 ±{clock.error_ms} 毫秒）。"
        )
        yield Check("clock", "ok", what)
    else:
        yield Check(
            "clock",
            "warning",
            Text(
                "The clock is not synchronised: times of records are marked as doubtful.",
                "时钟未同步，记录的时间将标为存疑。",
            ),
            Text(
                "Let the box reach a time server: timedatectl status; set NTP= in /etc/systemd/timesyncd.conf",
                "请让网关能访问时间服务器：timedatectl status；可在 /etc/systemd/timesyncd.conf 中设置 NTP=",
            ),
        )
    zone = box.root / "etc/localtime"
    if not zone.exists():
        what = Text("The system has no time zone; the site's own is used.", "系统未设置时区，将使用站点的时区。")
        cure = "sudo timedatectl set-timezone Asia/Shanghai"
        yield Check("time zone", "warning", what, Text(f"Run: {cure}", f"请运行：{cure}"))
    else:
        yield Check("time zone", "ok", Text("The system has a time zone.", "系统已设置时区。"))


def _wear(box: Box) -> Iterator[Check]:
    for disk in sorted((box.root / "sys/block").glob("mmcblk[0-9]")):
        life = words_of(disk / "device/life_time")
        used = max((int(word, 16) for word in life), default=0)
        percent = f"{max(used - 1, 0) * 10}–{used * 10} %"
        if not used:
            what = Text(f"{disk.name} does not tell its wear.", f"{disk.name} 不提供磨损信息。")
            yield Check("disk wear", "ok", what)
        elif used < WORN:
            what = Text(f"{disk.name} has used {percent} of its life.", f"{disk.name} 寿命已使用 {percent}。")
            yield Check("disk wear", "ok", what)
        else:
            yield Check(
                "disk wear",
                "fault" if used > 10 else "warning",
                Text(f"{disk.name} has used {percent} of its life.", f"{disk.name} 寿命已使用 {percent}。"),
                Text(
                    'Replace the disk soon; until then set reading_commit = "60s" in [journal].',
                    '请尽快更换存储卡；此前可在 [journal] 中设置 reading_commit = "60s"。',
                ),
            )


def _data(box: Box, site: Site | None) -> Iterator[Check]:
    if not box.data.is_dir():
        what = Text(f"There is no data directory {box.data}.", f"数据目录 {box.data} 不存在。")
        cure = f"sudo install -d -m 700 -o {box.user} -g {box.user} {box.data}"
        yield Check("data", "fault", what, Text(f"Run: {cure}", f"请运行：{cure}"))
        return
    if (mode := stat.S_IMODE(box.data.stat().st_mode)) & 0o077:
        what = Text(
            f"Others may look into {box.data} (mode {mode:o}).", f"其他用户可访问 {box.data}（权限 {mode:o}）。"
        )
        cure = f"sudo chmod 700 {box.data}"
        yield Check("data", "warning", what, Text(f"Run: {cure}", f"请运行：{cure}"))
    else:
        yield Check("data", "ok", Text("The data directory is the service's alone.", "数据目录仅服务可访问。"))
    quota = site.journal.quota + site.history.quota * site.history.enabled if site is not None else 0
    used, free = used_bytes(box.data), box.free_bytes(box.data)
    wanted = max(quota - used, 0) + 100_000_000
    sizes = Text(
        f"{free / 1e6:.0f} MB are free; the quotas may still take {max(quota - used, 0) / 1e6:.0f} MB.",
        f"磁盘剩余 {free / 1e6:.0f} MB；配额还可能占用 {max(quota - used, 0) / 1e6:.0f} MB。",
    )
    room = Text(
        "Make room, or lower the quotas of [journal] and [history].",
        "请清理磁盘，或调低 [journal]、[history] 的 quota。",
    )
    verdict: Verdict = "fault" if free < 50_000_000 else "ok" if free >= wanted else "warning"
    yield Check("disk space", verdict, sizes, FINE if verdict == "ok" else room)


def _ports(box: Box, site: Site) -> Iterator[Check]:
    groups = box.groups_of(box.user)
    for line in site.lines:
        if not isinstance(line, SerialLine):
            continue
        name, port = f"line {line.name}", box.root / line.port.lstrip("/")
        if not port.exists():
            yield Check(
                name,
                "fault",
                Text(f"There is no serial port {line.port}.", f"串口 {line.port} 不存在。"),
                Text(
                    "Is the adapter plugged in? Run: courtyard scan serial",
                    "请检查转换器是否插好。运行：courtyard scan serial",
                ),
            )
            continue
        status = port.stat()
        group = group_name(status.st_gid)
        if status.st_mode & 0o006 == 0o006 or (status.st_mode & 0o060 == 0o060 and group in groups):
            yield Check(name, "ok", Text(f"{line.port} is there.", f"串口 {line.port} 可用。"))
        else:
            what = Text(
                f"{box.user} may not use {line.port} (group {group}).",
                f"{box.user} 无权使用 {line.port}（组 {group}）。",
            )
            cure = f"sudo usermod -aG {group} {box.user} && sudo systemctl restart courtyard"
            yield Check(name, "fault", what, Text(f"Run: {cure}", f"请运行：{cure}"))


def _platforms(box: Box, site: Site) -> Iterator[Check]:
    for uplink in site.uplinks:
        url = urlsplit(uplink.url)
        host, port = url.hostname or "", url.port or {"mqtts": 8883, "mqtt": 1883}.get(url.scheme, 0)
        name = f"uplink {uplink.name}"
        if (why := box.reaches(host, port)) is None:
            yield Check(name, "ok", Text(f"{host}:{port} answers.", f"{host}:{port} 可以连接。"))
        else:
            yield Check(
                name,
                "fault",
                Text(f"{host}:{port} can not be reached: {why}", f"无法连接 {host}:{port}：{why}"),
                Text("Check address, network cable, SIM card and firewall.", "请检查地址、网线、SIM 卡和防火墙。"),
            )


def _secrets(box: Box) -> Iterator[Check]:
    folder = box.site.parent / "secrets"
    bad = [path.name for path in sorted(folder.glob("*")) if path.is_file() and path.stat().st_mode & stat.S_IRWXO]
    if bad:
        what = Text(
            f"Everybody can read these secrets: {', '.join(bad)}.", f"以下密码文件所有人可读：{'、'.join(bad)}。"
        )
        cure = f"sudo chmod o= {folder}/*"
        yield Check("secrets", "fault", what, Text(f"Run: {cure}", f"请运行：{cure}"))
    else:
        yield Check("secrets", "ok", Text("Secrets are the service's alone.", "密码文件仅服务可读。"))


def _bonds(box: Box, site: Site) -> Iterator[Check]:
    """Keys of paired wearables are bluetoothd's, and root's alone."""
    folder = box.root / BONDS
    if not any(isinstance(line, BleLine) for line in site.lines) or not folder.is_dir():
        return
    if (mode := stat.S_IMODE(folder.stat().st_mode)) & 0o077:
        what = Text(
            f"Others may look into /{BONDS}, which holds the keys of paired wearables (mode {mode:o}).",
            f"其他用户可访问 /{BONDS}，其中保存着已配对穿戴设备的密钥（权限 {mode:o}）。",
        )
        cure = f"sudo chmod 700 /{BONDS}"
        yield Check("bluetooth keys", "fault", what, Text(f"Run: {cure}", f"请运行：{cure}"))
    else:
        yield Check(
            "bluetooth keys", "ok", Text("Keys of paired wearables are root's alone.", "配对密钥仅 root 可读。")
        )
