"""A simulated ONVIF camera: its SOAP services, WS-Discovery and RTSP with real H.264."""
