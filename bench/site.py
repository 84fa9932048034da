"""Sites for measurements: many fast Modbus TCP devices, each on an endpoint of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

GATEWAY = "gw-bench"


def write_site(
    folder: Path,
    *,
    ports: Sequence[int],
    points: int,
    every_s: float,
    broker_port: int,
    extra: str = "",
    place: Callable[[int], str] = lambda number: "",
) -> Path:
    """A site with one device of `points` points per port; float points follow the two numbers of the load meter.

    `place` gives the place of a device by its number, empty for none.
    """
    names = [f"site.load.v{number:03d}" for number in range(points - 2)]
    catalogue = "\n".join(f'["{name}"]\ntype = "number"\nunit = "1"\nen = "Load"\nzh = "负载"\n' for name in names)
    numbers = "".join(
        f'["site.load.{name}"]\ntype = "number"\nunit = "1"\nen = "{name}"\nzh = "{name}"\n'
        for name in ("poll", "tick")
    )
    (folder / "points.toml").write_text(numbers + catalogue)
    registers = [("site.load.poll", 0, "uint32"), ("site.load.tick", 2, "uint32")]
    registers += [(name, 4 + index, "uint16") for index, name in enumerate(names)]
    profile = 'protocol = "modbus"\ntitle_en = "Load meter"\ntitle_zh = "负载表"\nmax_registers = 125\n'
    profile += "\n".join(
        f'[[points]]\npoint = "{name}"\naddress = {address}\ntype = "{kind}"\nunit = "1"\n'
        for name, address, kind in registers
    )
    (folder / "profiles" / "bench").mkdir(parents=True, exist_ok=True)
    (folder / "profiles" / "bench" / "load.toml").write_text(profile)
    lines = "".join(
        f'[[lines]]\nname = "tcp-{port}"\nkind = "tcp"\nhost = "127.0.0.1"\nport = {port}\n'
        f'[[devices]]\nid = "load-{port}"\nprofile = "bench/load"\nline = "tcp-{port}"\naddress = 1\n'
        f'every = "{every_s * 1000:g}ms"\n' + (f'place = "{place(number)}"\n' if place(number) else "")
        for number, port in enumerate(ports)
    )
    site = folder / "site.toml"
    site.write_text(
        f'[gateway]\nid = "{GATEWAY}"\nplace = "370213/005/012/0007"\nlanguage = "en"\n'
        f'[[uplinks]]\nname = "bench"\nurl = "mqtt://127.0.0.1:{broker_port}"\nfrom = "oldest"\n{extra}{lines}'
    )
    return site
