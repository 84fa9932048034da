"""The journal: the durable, ordered log of bytes, with progress per uplink."""
