"""Templates in, HTML out, cut into the pieces that change while somebody looks.

A piece is what stands between `{% call live("key") %}` and `{% endcall %}`; pieces may hold pieces.  Two renderings of
one page differ in the pieces whose own text differs; only these travel to a page that is open.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup, escape

from courtyard.agent.web import words
from courtyard.agent.web.assets import address
from courtyard.agent.web.drawing import cells
from courtyard.agent.web.model import Words
from courtyard.drivers.base import Language

FOLDER = Path(__file__).parent
TOKEN: Final = secrets.token_hex(8)
MARK: Final = re.compile(f"<!--{TOKEN}:([^>]*)-->")
"""Where a piece stands in another.  Nobody who writes a device's name knows the token."""
_MARKED: Final = f"<!--{TOKEN}:"
MOST_KEPT: Final = 5000
MOST_DATED: Final = 1000


class Rendered(NamedTuple):
    """A page as a whole, and its pieces, each with marks where other pieces stand in it."""

    pieces: Mapping[str, str]
    root: str

    @property
    def html(self) -> str:
        return self._whole(self.root)

    def piece(self, key: str) -> str:
        """One piece with all that stands in it."""
        return self._whole(self.pieces[key])

    def changed(self, before: Mapping[str, str], bare: Mapping[str, str] | None = None) -> dict[str, str]:
        """The pieces that are other than `before` (as `bare` gives them), but not those inside one of them.

        `bare`: what `bare` gives of this one, where that is known.
        """
        bare = self.bare() if bare is None else bare
        changed = {key for key in bare if bare[key] != before.get(key)}
        inside = {inner for key in changed for inner in self._within(key)}
        return {key: self.piece(key) for key in changed - inside}

    def bare(self) -> dict[str, str]:
        """The pieces with neutral marks, to be compared with another rendering."""
        return {key: MARK.sub(r"<\1>", text) if _MARKED in text else text for key, text in self.pieces.items()}

    def _within(self, key: str) -> set[str]:
        direct = set(MARK.findall(self.pieces[key]))
        return direct.union(*(self._within(each) for each in direct)) if direct else direct

    def _whole(self, text: str) -> str:
        return MARK.sub(lambda found: self._whole(self.pieces[found[1]]), text)


class _Kept(NamedTuple):
    """A piece as it was made of one value."""

    of: Any
    key: str
    text: str
    mark: Markup


class Renderer:
    """All templates, each loaded when first used."""

    def __init__(
        self, templates: jinja2.BaseLoader | None = None, compiled: jinja2.BytecodeCache | None = None
    ) -> None:
        """`compiled`: where they are in compiled form; what is missing there is compiled."""
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._environment = jinja2.Environment(
            loader=templates or jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=compiled,
            undefined=jinja2.StrictUndefined,
        )
        self._environment.globals |= {
            "t": _t,
            "live": _live,
            "icon": _icon,
            "asset": address,
            "class_name": words.state_class,
        }
        self._environment.filters |= {
            "say": _say,
            "moment": _moment,
            "age": _age,
            "span": _worded(words.span),
            "size": words.size,
            "number": words.number,
            "value": _worded(words.value),
            "unit": words.unit,
            "quality": _worded(words.quality),
            "place": _worded(words.place),
            "state": _worded(words.state),
            "cells": _worded(cells),
            "share": words.share,
        }

    def warm(self) -> None:
        """Compiles every template."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def page(self, template: str, language: Language, zone: ZoneInfo, values: Mapping[str, Any]) -> Rendered:
        """Renders a template; `values` are its variables."""
        pieces: dict[str, str] = {}
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        context = {**values, "lang": language, "zone": zone, "_pieces": pieces, "_kept": self._kept}
        root = self._environment.get_template(template).render(context)
        return Rendered(pieces, root)


@jinja2.pass_context
def _t(context: jinja2.runtime.Context, en: str, zh: str) -> str:
    return zh if context["lang"] == "zh-CN" else en


@jinja2.pass_context
def _live(
    context: jinja2.runtime.Context,
    key: str,
    tag: str = "div",
    *,
    caller: Callable[[], Markup],
    of: Any = None,
    **attributes: str,
) -> Markup:
    """`{% call live("key", "tr", class="fault") %}…{% endcall %}`

    With `of`, the one value that decides everything in it besides language and time zone, and with no piece in it,
    it is made again only for another `of`.
    """
    own = (context.name or "", key, context["lang"], context["zone"].key)
    kept: _Kept | None = None if of is None else context["_kept"].get(own)
    if kept is None or not (kept.of is of or kept.of == of):
        shown = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"' for name, text in attributes.items())
        safe_key = str(escape(key))
        text = f'<{tag} data-live="{safe_key}"{shown}>{caller()}</{tag}>'
        kept = _Kept(of, safe_key, text, Markup(f"<!--{TOKEN}:{safe_key}-->"))
        if of is not None:
            context["_kept"][own] = kept
    context["_pieces"][kept.key] = kept.text
    return kept.mark


@jinja2.pass_context
def _say(context: jinja2.runtime.Context, text: Words | None) -> str:
    return text.say(context["lang"]) if text is not None else ""


@jinja2.pass_context
def _moment(context: jinja2.runtime.Context, at_ms: int | None) -> Markup:
    """Date and time on the site's clock."""
    return _time(context, at_ms, "")


@jinja2.pass_context
def _age(context: jinja2.runtime.Context, at_ms: int | None) -> Markup:
    """The same, which the page's script turns into `12 s ago` and keeps so."""
    return _time(context, at_ms, " data-age")


def _time(context: jinja2.runtime.Context, at_ms: int | None, extra: str) -> Markup:
    if at_ms is None:
        return Markup("–")
    return _dated(at_ms, context["zone"], extra)


@lru_cache(maxsize=MOST_DATED)
def _dated(at_ms: int, zone: ZoneInfo, extra: str) -> Markup:
    return Markup(f'<time datetime="{words.iso(at_ms)}"{extra}>{words.local(at_ms, zone)}</time>')


def _worded(function: Callable[..., str]) -> Callable[..., str]:
    """A filter that is told the language of the page."""

    @jinja2.pass_context
    def filtered(context: jinja2.runtime.Context, value: Any) -> str:
        return function(value, context["lang"])

    return filtered


@lru_cache(maxsize=64)
def _icon(name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(address("icons.svg"), name)
