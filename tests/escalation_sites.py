"""Sites with escalations, as texts; « marks where a mistake of that code must be found."""

from __future__ import annotations

from tests.config_rig import GOOD

CENTRE = (
    '[[uplinks]]\nname = "fire"\nurl = "tcp://10.0.0.5:5200"\nformat = "gb26875"\n'
    "station = { address = 7 }\nonly_escalated = true\n"
)
LIFE = (
    '[[escalations]]\nname = "life"\nuplinks = ["community"]\nsteps = [\n'
    '  { kind = "output", after = "30s", output = "siren" },\n'
    '  { kind = "sms", after = "60s", numbers = ["+8613812345678", "119"] },\n'
    '  { kind = "uplink", after = "60s", uplink = "fire" },\n]\n'
)
MODEM = '[modem]\nport = "/dev/ttyACM0"\n'
SITE = "\n".join([GOOD, CENTRE, LIFE, MODEM])


def exchanged(old: str, new: str) -> str:
    """The site with one piece of text exchanged."""
    assert old in SITE, old
    return SITE.replace(old, new, 1)


MEASURED = '{{ device = "meter", point = {}, component_type = 92, component = {} }}'


def measured(*analogues: str) -> str:
    """The site with values that its centre gets."""
    return exchanged("station = { address = 7 }", f"station = {{ address = 7, analogues = [{', '.join(analogues)}] }}")


MISTAKES: dict[str, str] = {
    "station.point": measured(MEASURED.format('«"air.temperature"', 1)),
    "station.unit": measured(MEASURED.format('«"water.volume.total"', 1)),
    "station.analogue_twice": measured(MEASURED.format('"water.flow"', 1), MEASURED.format('"meter.run_time"', "«1")),
    "uplink.scheme": exchanged('"tcp://10.0.0.5:5200"', '«"mqtt://10.0.0.5:5200"'),
    "uplink.station_missing": exchanged('format = "gb26875"\nstation = { address = 7 }', 'format = «"gb26875"'),
    "uplink.only_gb26875": exchanged('name = "community"', 'name = "community"\n«station = { address = 7 }'),
    "uplink.no_login": exchanged('name = "fire"', 'name = "fire"\n«username = "me"'),
    "uplink.never_handed": exchanged('  { kind = "uplink", after = "60s", uplink = "fire" },\n', "").replace(
        "only_escalated = true", "only_escalated = «true"
    ),
    "reference.uplink": exchanged('uplink = "fire" }', 'uplink = «"fir" }'),
    "escalation.cannot_confirm": exchanged('uplinks = ["community"]', 'uplinks = [«"fire"]'),
    "escalation.not_second": exchanged("only_escalated = true\n", "").replace(
        'uplink = "fire" }', 'uplink = «"fire" }'
    ),
    "escalation.order": exchanged('"uplink", after = "60s"', '"uplink", after = «"5s"'),
    "escalation.step_twice": exchanged(
        '  { kind = "sms"', '  «{ kind = "output", after = "30s", output = "siren" },\n  { kind = "sms"'
    ),
    "escalation.no_modem": exchanged(MODEM, "").replace("numbers = [", "numbers = «["),
    "escalation.too_many": exchanged(
        "steps = [\n",
        "steps = «["
        + "".join(f'{{ kind = "sms", numbers = ["10{n}"] }},' for n in range(9))
        + ']\n[[escalations]]\nname = "other"\nsteps = [\n',
    ),
    "modem.port_twice": exchanged('"/dev/ttyACM0"', '«"/dev/ttyUSB0"'),
}
