"""Text messages through a serial modem: 3GPP TS 27.005 (AT commands) and 3GPP TS 23.040 (TPDU)."""
