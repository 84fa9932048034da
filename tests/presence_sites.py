"""Sites that locate residents, and what can be wrong with one; « marks where the mistake must be found."""

from __future__ import annotations

from tests.blestack_sites import BAND, with_wearables

RESIDENT = '[[residents]]\nid = "r-1"\nwearables = ["band"]\n'
PRESENCE = '[presence]\nreceivers = [{ name = "air", place = "b03/u02/f06/r601" }]\n'
GOOD = with_wearables(BAND, RESIDENT, PRESENCE)
MISTAKES = {
    "presence.receiver": GOOD.replace('name = "air", place', 'name = «"ari", place'),
    "presence.receiver_twice": GOOD.replace('r601" }]', 'r601" }, { name = «"air", place = "b03/x-hall" }]'),
    "presence.nobody": with_wearables(BAND, "«" + PRESENCE),
}
