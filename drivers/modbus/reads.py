"""What one read asks for.  Pure, and without any library, so that a site can be checked quickly."""

from __future__ import annotations

from typing import NamedTuple

BIT_FUNCTIONS = (1, 2)


class Read(NamedTuple):
    """Registers (functions 3, 4) or bits (1, 2) from a PDU address on."""

    function: int
    address: int
    quantity: int

    @property
    def end(self) -> int:
        return self.address + self.quantity

    @property
    def payload_bytes(self) -> int:
        return (self.quantity + 7) // 8 if self.function in BIT_FUNCTIONS else 2 * self.quantity
