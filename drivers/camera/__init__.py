"""Cameras: ONVIF for what they are and say, RTSP for what they see."""
