"""The objects of a service on D-Bus, with their properties, and the signals by which others follow them.

Plain messages instead of one Python object an interface: that is what makes hundreds of devices cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbus_fast import Message, MessageType, Variant

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
_STANDARD = (OBJECT_MANAGER, PROPERTIES, INTROSPECTABLE)
_ERROR = "org.freedesktop.DBus.Error."

Interfaces = dict[str, dict[str, Variant]]


class BusError(Exception):
    """What a caller gets instead of an answer."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text)
        self.name, self.text = name, text


class Objects:
    """`send` takes messages; `may_set` is asked before a property is set by a caller, and does what it means."""

    def __init__(self, send: Callable[[Message], object], may_set: Callable[[str, str, str, Any], bool]) -> None:
        self._send, self._may_set = send, may_set
        self.known: dict[str, Interfaces] = {}

    def add(self, path: str, interfaces: Interfaces) -> None:
        """A new object, or further interfaces of one."""
        self.known.setdefault(path, {}).update(interfaces)
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def remove(self, path: str, *interfaces: str) -> None:
        """An object, or some of its interfaces."""
        gone = self.known.get(path)
        if gone is None:
            return
        names = list(interfaces or gone)
        for name in names:
            gone.pop(name, None)
        if not gone:
            del self.known[path]
        self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, names])

    def remove_below(self, path: str) -> None:
        """An object and everything under it, the leaves first."""
        for each in sorted((known for known in self.known if known.startswith(f"{path}/")), reverse=True):
            self.remove(each)
        self.remove(path)

    def change(
        self, path: str, interface: str, changed: Mapping[str, Variant], invalidated: Sequence[str] = ()
    ) -> None:
        """New values of properties; nothing where there is no such object."""
        properties = self.known.get(path, {}).get(interface)
        if properties is None:
            return
        properties.update(changed)
        for name in invalidated:
            properties.pop(name, None)
        body = [interface, dict(changed), list(invalidated)]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def announce(self) -> None:
        """Tells of everything, as a service does that has just started."""
        for path, interfaces in list(self.known.items()):
            self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def answer(self, message: Message) -> Message | None:
        """The answer to a call of a standard interface; None for every other call."""
        if message.interface not in _STANDARD:
            return None
        try:
            return self._standard(message)
        except BusError as error:
            return Message.new_error(message, error.name, error.text)

    def _standard(self, message: Message) -> Message:
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self.known])
        if message.member == "Introspect":
            return Message.new_method_return(message, "s", ["<node/>"])
        path, (interface, *more) = str(message.path), message.body
        properties = self.known.get(path, {}).get(interface)
        if properties is None:
            raise BusError(_ERROR + "UnknownObject", f"no {interface} at {path}")
        if message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [properties])
        if more[0] not in properties:
            raise BusError(_ERROR + "InvalidArgs", f"no property {more[0]}")
        if message.member == "Get":
            return Message.new_method_return(message, "v", [properties[more[0]]])
        if not self._may_set(path, interface, more[0], more[1].value):
            self.change(path, interface, {more[0]: more[1]})
        return Message.new_method_return(message)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._send(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body,
            )
        )
