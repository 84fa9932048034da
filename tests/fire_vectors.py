"""Published frames of fire panels, with what they must decode to.

Origins: `published` frames are samples of public implementations, vendor documents and serial captures; `computed`
ones were made from the published rule; a `refused` one has one byte changed.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Vector(NamedTuple):
    """`fields` and `event` are what must be found, at least; `event` None: the frame says nothing."""

    name: str
    origin: str
    protocol: str
    frame: bytes
    fields: dict[str, Any]
    event: dict[str, Any] | None


class Refused(NamedTuple):
    """A frame that must be refused, and why."""

    name: str
    protocol: str
    frame: bytes
    flaw: str
    at: int


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


_HEAD_2012 = "01 00 01 01 20 3A 09 1A 09 0C 79 03 00 00 00 00 38 5B 01 00 00 00"
_DOWN_2012 = "01 00 01 01 20 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00"
_HEAD_2026 = "01 01 0F 1E 0E 16 0B 1A 44 33 22 11 00 00 01 00 00 00 00 00"

GB_FIRE = _hex(
    f"40 40 03 01 {_HEAD_2026} 30 00 02 02 01 01 01 2A 0C 00 06 00 02 00 33 BA C5 C2 A5 32 B5 A5 D4 AA 36 B2 E3 D7 DF"
    " C0 C8 00 00 00 00 00 00 00 00 00 00 00 00 00 00 0F 1E 0E 16 0B 1A 3E 23 23"
)
GB_CONFIRM = _hex("40 40 03 01 01 01 0F 1E 0E 16 0B 1A 01 00 00 00 00 00 44 33 22 11 00 00 00 00 03 2A 23 23")
JBF_FIRE = _hex("82 38 30 30 31 30 31 30 32 30 33 30 3E 30 3A 30 39 31 30 31 38 30 30 3D 30 83")
GST_FIRE = _hex("AA 15 36 50 89 03 D1 00 01 00 35 00 23 34 05 54 48 00 31 00 36 18 67 B6")
PRINTER_FIRE = _hex(
    "1B 36 30 38 2F 31 32 2F 30 32 20 20 31 37 3A 32 34 0A 20 20 30 30 34 2D 30 30 34 0A 1B 39 CA D7 B4 CE BB F0 BE AF"
    " 0A C8 B9 C2 A5 D2 BB B2 E3 C9 CF BF D5 0A B8 D0 D1 CC CC BD B2 E2 C6 F7 0A 0A"
)
ESPA_FIRE = _hex(
    "01 31 02 31 1F 31 30 31 1E 32 1F 46 49 52 45 20 42 33 20 55 32 20 46 36 1E 33 1F 32 1E 34 1F 33 1E 35 1F 33 1E 36"
    " 1F 31 03 44"
)
JB_FIRES = _hex(
    "FE 01 6E 42 00 02 00"
    " 01 03 1E 0A 00 05 01 10 01 20 14 57 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF"
    " 01 03 1D 0A 00 05 01 10 01 20 14 59 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF"
    " 3E 04 FF"
)
FS_FIRE = _hex("F0 00 14 A5 C3 1B 05 00 81 11 09 12 0E 0A 03 01 01 01 01 02 01 00 01 CF 5F")

VECTORS = (
    Vector(
        "gb smoke detector fire",
        "published",
        "gb26875",
        _hex(
            f"40 40 {_HEAD_2012} 30 00 02 02 01 01 01 28 0A 00 02 00 02 00 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20"
            " 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 00 02 3A 09 1A 09 0C 46 23 23"
        ),
        {"command": 2, "type": 2, "count": 1, "source": 0x379, "destination": 0x15B38, "time": "2012-09-26T09:58:32"},
        {"kind": "fire", "source": "1-2-10", "detector": "smoke", "time": "2012-09-26T09:58:02"},
    ),
    Vector(
        "gb confirmation",
        "published",
        "gb26875",
        _hex("40 40 01 00 01 01 23 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00 00 00 03 AB 23 23"),
        {"command": 3, "serial": 1, "length": 0},
        None,
    ),
    Vector(
        "gb denial",
        "published",
        "gb26875",
        _hex("40 40 01 00 01 01 23 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00 00 00 06 AE 23 23"),
        {"command": 6},
        None,
    ),
    Vector(
        "gb device mains fault",
        "published",
        "gb26875",
        _hex(f"40 40 {_HEAD_2012} 09 00 02 15 01 08 02 3A 09 1A 09 0C 42 23 23"),
        {"type": 21, "objects": [{"status": 8, "status_name": "mains power fault", "time": "2012-09-26T09:58:02"}]},
        {"kind": "mains_fault", "source": "uitd"},
    ),
    Vector(
        "gb patrol check answered",
        "published",
        "gb26875",
        _hex(f"40 40 {_HEAD_2012} 0A 00 02 18 01 20 01 02 3A 09 1A 09 0C 5F 23 23"),
        {"type": 24},
        {"kind": "other", "label": "answer to a patrol check"},
    ),
    Vector(
        "gb device version",
        "published",
        "gb26875",
        _hex(f"40 40 {_HEAD_2012} 04 00 02 19 01 01 01 C7 23 23"),
        {"type": 25, "objects": [{"major": 1, "minor": 1}]},
        {"kind": "other", "source": "uitd", "label": "software version"},
    ),
    Vector(
        "gb device time answered",
        "published",
        "gb26875",
        _hex(f"40 40 {_HEAD_2012} 08 00 05 1C 01 02 3A 09 1A 09 0C 43 23 23"),
        {"command": 5, "type": 28, "objects": [{"time": "2012-09-26T09:58:02"}]},
        {"kind": "other", "source": "uitd", "label": "clock", "time": "2012-09-26T09:58:02"},
    ),
    Vector(
        "gb clock synchronisation",
        "published",
        "gb26875",
        _hex(f"40 40 {_DOWN_2012} 08 00 01 5A 01 02 3A 09 1A 09 0C 7D 23 23"),
        {"command": 1, "type": 90, "objects": [{"time": "2012-09-26T09:58:02"}]},
        None,
    ),
    Vector(
        "gb patrol check",
        "published",
        "gb26875",
        _hex(f"40 40 {_DOWN_2012} 03 00 01 5B 01 0A 0F 23 23"),
        {"command": 1, "type": 91, "objects": [{"minutes": 10}]},
        None,
    ),
    Vector(
        "gb initialisation, decoded only",
        "published",
        "gb26875",
        _hex(f"40 40 {_DOWN_2012} 03 00 01 59 01 00 03 23 23"),
        {"command": 1, "type": 89, "type_name": "initialise transmission device"},
        None,
    ),
    Vector(
        "gb state request",
        "published",
        "gb26875",
        _hex(f"40 40 {_DOWN_2012} 03 00 04 51 01 00 FE 23 23"),
        {"command": 4, "type": 81, "objects": [{"reserved": 0}]},
        None,
    ),
    Vector(
        "gb heartbeat",
        "computed",
        "gb26875",
        _hex(f"40 40 02 01 {_HEAD_2026} 00 00 02 28 23 23"),
        {"serial": 258, "time": "2026-11-22T14:30:15", "length": 0},
        None,
    ),
    Vector(
        "gb fire with text",
        "computed",
        "gb26875",
        GB_FIRE,
        {"serial": 259, "version": "1.1"},
        {"kind": "fire", "source": "1-6-12", "detector": "smoke", "text": "3号楼2单元6层走廊"},
    ),
    Vector(
        "gb tank level",
        "computed",
        "gb26875",
        _hex(f"40 40 04 01 {_HEAD_2026} 12 00 02 03 01 0C 01 5C 01 00 01 00 02 EB 00 0F 1E 0E 16 0B 1A 0E 23 23"),
        {
            "objects": [
                {
                    "system_type": 12,
                    "system_type_name": "sprinkler system",
                    "system_address": 1,
                    "component_type": 92,
                    "component_type_name": "fire water tank",
                    "component_address": 0x10001,
                    "component_address_bytes": "01 00 01 00",
                    "point": 1,
                    "loop": 1,
                    "analogue_type": 2,
                    "analogue_type_name": "height",
                    "value": 235,
                    "quantity": 2.35,
                    "unit": "m",
                    "time": "2026-11-22T14:30:15",
                }
            ]
        },
        {
            "kind": "other",
            "source": "t12-1-1-1",
            "label": "height",
            "time": "2026-11-22T14:30:15",
            "details": {"system_type": 12, "component_type": 92, "analogue_type": 2, "value": 2.35, "unit": "m"},
        },
    ),
    Vector(
        "gb system fire and mains fault",
        "computed",
        "gb26875",
        _hex(f"40 40 06 01 {_HEAD_2026} 0C 00 02 01 01 01 01 03 01 0F 1E 0E 16 0B 1A B6 23 23"),
        {"type": 1},
        {"kind": "fire", "source": "1"},
    ),
    Vector("gb confirmation of the fire", "computed", "gb26875", GB_CONFIRM, {"serial": 259, "command": 3}, None),
    Vector(
        "jbf host poll",
        "computed",
        "jbf",
        _hex("82" + "30" * 24 + "83"),
        {"command": 0, "checksum": 0},
        None,
    ),
    Vector(
        "jbf fire, checksum corrected",
        "computed",
        "jbf",
        JBF_FIRE,
        {"command": 0x80, "controller": 1, "loop": 1, "point": 2, "component_type": 3, "time": "2014-10-09T16:24:00"},
        {"kind": "fire", "source": "1-1-2", "time": "2014-10-09T16:24:00"},
    ),
    Vector(
        "ld128 fire",
        "published",
        "ld128",
        _hex("01 03 02"),
        {"command": 1, "loop": 3, "address": 2},
        {"kind": "fire", "source": "3-2", "verified": False},
    ),
    Vector(
        "ld128 fault",
        "published",
        "ld128",
        _hex("02 04 05"),
        {"command": 2, "loop": 4, "address": 5},
        {"kind": "fault", "active": True, "source": "4-5"},
    ),
    Vector(
        "ld128 fault restored",
        "published",
        "ld128",
        _hex("05 04 06"),
        {"command": 5, "loop": 4, "address": 6},
        {"kind": "fault", "active": False, "source": "4-6"},
    ),
    Vector(
        "jb3208 two fires",
        "published",
        "jb3208",
        JB_FIRES,
        {"controller": 1, "information": 110, "count": 2},
        {"kind": "fire", "source": "1-3-30", "detector": "manual", "time": "2010-01-20T14:57:00"},
    ),
    Vector(
        "jb3208 two faults",
        "published",
        "jb3208",
        _hex(
            "FE 01 6F 42 00 02 00"
            " 01 4D 02 00 00 00 08 10 01 20 15 05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
            " 01 05 56 1D 00 00 08 10 01 20 15 05 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF"
            " DF 33 FF"
        ),
        {"information": 111, "count": 2},
        {"kind": "fault", "source": "1-77-2", "time": "2010-01-20T15:05:00"},
    ),
    Vector(
        "jb3208 reset",
        "published",
        "jb3208",
        _hex("FE 01 00 01 00 00 48 00 FF"),
        {"information": 0, "body": "00"},
        {"kind": "reset", "source": "1"},
    ),
    Vector("jb3208 poll", "computed", "jb3208", _hex("FE 01 64 01 00 64 56 DB FF"), {"information": 100}, None),
    Vector("fs5101 reset", "published", "fs5101", _hex("F0 01 01 A1 A1 CA"), {"command": 0xA1}, {"kind": "reset"}),
    Vector("fs5101 poll", "published", "fs5101", _hex("F0 01 01 A2 91 A9"), {"command": 0xA2}, None),
    Vector("fs5101 second poll", "published", "fs5101", _hex("F0 00 01 AC 47 57"), {"command": 0xAC}, None),
    Vector(
        "fs5101 answer", "published", "fs5101", _hex("F0 01 03 A2 00 00 E2 71"), {"address": 1, "data": "00 00"}, None
    ),
    Vector(
        "fs5101 standby power fault",
        "published",
        "fs5101",
        _hex("F0 00 14 A5 C2 05 09 01 81 11 09 0F 0F 1D 0A 00 00 01 00 00 00 00 00 51 B2"),
        {"function": 0xC2, "information_type": 5, "state": 9, "controller": 0x81, "time": "2017-09-15T15:29:10"},
        {"kind": "battery_fault", "active": True},
    ),
    Vector(
        "fs5101 standby power restored",
        "published",
        "fs5101",
        _hex("F0 00 14 A5 C2 05 0A 01 81 11 09 0F 0F 1D 36 00 00 01 00 00 00 00 00 21 86"),
        {"state": 10, "time": "2017-09-15T15:29:54"},
        {"kind": "battery_fault", "active": False},
    ),
    Vector(
        "fs5101 fire with an information type of its own",
        "published",
        "fs5101",
        FS_FIRE,
        {"information_type": 0x1B, "information_type_name": "unknown information type 0x1B", "loop": 1, "point": 1},
        {"kind": "fire", "source": "129-1-1"},
    ),
    Vector(
        "gst24 smoke detector fire",
        "published",
        "gst24",
        GST_FIRE,
        {"command": 0x15, "user_code": "365089", "device_type": 3},
        {"kind": "fire", "source": "365089", "detector": "smoke", "verified": True},
    ),
    Vector(
        "gst24 manual call point fire",
        "published",
        "gst24",
        _hex("AA 15 01 10 18 0B F3 00 01 00 31 18 67 55 63 32 40 45 88 34 71 29 27 83"),
        {"user_code": "011018", "device_type": 0x0B},
        {"kind": "fire", "detector": "manual"},
    ),
    Vector(
        "gst24 lift action",
        "published",
        "gst24",
        _hex("AA 22 39 50 77 1F EB 00 01 00 35 00 23 34 05 54 48 27 90 23 31 18 67 8E"),
        {"user_code": "395077"},
        {"kind": "feedback", "detector": "lift"},
    ),
    Vector("gst24 reset", "published", "gst24", _hex("AA 04 55 55 55 55 02"), {"command": 4}, {"kind": "reset"}),
    Vector("gst24 bare reset", "published", "gst24", _hex("AA 04 00 00"), {"command": 4}, {"verified": False}),
    Vector("gst24 idle", "published", "gst24", _hex("AA 08 10 13 10 13 F8"), {"command": 8}, None),
    Vector(
        "gst24 report without sum",
        "published",
        "gst24",
        _hex("AA 01 01 18 00 00 00"),
        {"user_code": "011800"},
        {"kind": "other", "verified": False},
    ),
    Vector(
        "gst232 fire",
        "published",
        "gst232",
        _hex("0D DD 00 10 04 03 01 18 BB"),
        {"user_code": "001004", "event": 1, "device_type": 3},
        {"kind": "fire", "source": "001004", "detector": "smoke"},
    ),
    Vector("gst232 fault", "computed", "gst232", _hex("0E EE 00 10 04 03 09 20 BB"), {"event": 9}, {"kind": "fault"}),
    Vector("gst232 reset", "published", "gst232", _hex("0A AA BB"), {"prefix": "0A AA"}, {"kind": "reset"}),
    Vector("gst232 silence", "published", "gst232", _hex("FA AB BB"), {"prefix": "FA AB"}, {"kind": "silence"}),
    Vector(
        "printer first fire",
        "published",
        "gst-printer",
        PRINTER_FIRE,
        {
            "time": "08/12/02  17:24",
            "address": "004-004",
            "event": "首次火警",
            "place": "裙楼一层上空",
            "device": "感烟探测器",
        },
        {"kind": "fire", "source": "004-004", "detector": "smoke", "verified": True, "time": "2002-08-12T17:24:00"},
    ),
    Vector(
        "espa call",
        "published",
        "espa",
        _hex(
            "01 31 02 31 1F 35 35 30 1E 32 1F 43 41 4C 4C 20 4D 45 20 31 30 31 1E 33 1F 33 1E 34 1F 33 1E 35 1F 33 1E"
            " 36 1F 33 03 23"
        ),
        {"header": "1", "call_address": "550", "message": "CALL ME 101", "priority": "3", "bcc": "23"},
        {"kind": "other", "source": "550"},
    ),
    Vector(
        "espa fire",
        "computed",
        "espa",
        ESPA_FIRE,
        {"call_address": "101", "message": "FIRE B3 U2 F6", "priority": "1", "call_type": "3"},
        {"kind": "fire", "source": "101", "text": "FIRE B3 U2 F6"},
    ),
    Vector("espa enquiry", "computed", "espa", b"2\x05", {"station": "2"}, None),
)

REFUSED = (
    Refused("gb confirmation", "gb26875", GB_CONFIRM[:27] + b"\x2b##", "checksum", 27),
    Refused("gb end", "gb26875", GB_CONFIRM[:-1] + b"$", "end", 28),
    Refused("gb length", "gb26875", GB_CONFIRM[:24] + b"\x01\x04" + GB_CONFIRM[26:], "length", 24),
    Refused(
        "jbf vendor sample",
        "jbf",
        _hex("82 38 30 30 31 30 31 30 32 30 33 30 3E 30 3A 30 39 31 30 31 38 30 30 38 37 83"),
        "checksum",
        23,
    ),
    Refused("jbf digit", "jbf", JBF_FIRE[:7] + b"\x40" + JBF_FIRE[8:], "digit", 7),
    Refused("jbf short", "jbf", JBF_FIRE[:11] + b"\x83", "end", 11),
    Refused("gst24 sum", "gst24", GST_FIRE[:-1] + b"\xb7", "checksum", 23),
    Refused("gst232 sum", "gst232", _hex("0D DD 00 10 04 03 01 19 BB"), "checksum", 7),
    Refused("gst232 end", "gst232", _hex("0D DD 00 10 04 03 01 18 BA"), "end", 8),
    Refused("jb3208 document order of the CRC", "jb3208", JB_FIRES[:-3] + b"\x04\x3e\xff", "checksum", 71),
    Refused("jb3208 end", "jb3208", JB_FIRES[:-1] + b"\xfe", "end", 73),
    Refused("fs5101 crc", "fs5101", FS_FIRE[:-1] + b"\x5e", "checksum", 23),
    Refused(
        "espa bcc",
        "espa",
        _hex("01 31 02 31 1F 31 30 31 1E 32 1F 46 49 52 45 20 42 33 20 55 32 20 46 36 1E 34 1F 31 03 46"),
        "checksum",
        29,
    ),
    Refused("printer without event", "gst-printer", b"\x1b6 1-2\n\n", "content", 0),
    Refused("ld128 cut off", "ld128", b"\x01\x03", "truncated", 2),
)

FIRES = {
    "gb26875": GB_FIRE,
    "jbf": JBF_FIRE,
    "gst24": GST_FIRE,
    "gst232": _hex("0D DD 00 10 04 03 01 18 BB"),
    "gst-printer": PRINTER_FIRE,
    "ld128": b"\x01\x03\x02",
    "jb3208": JB_FIRES,
    "fs5101": FS_FIRE,
    "espa": ESPA_FIRE,
}
"""One good fire frame of every protocol."""
