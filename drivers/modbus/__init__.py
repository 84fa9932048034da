"""Modbus masters: serial RTU, Modbus TCP, RTU over TCP."""
