"""Fire panels: what their serial and network protocols say, read without ever being able to command a panel.

Everything here is pure: bytes in, values out.  `framing` cuts a stream into frames, one module per protocol says
what a frame means, `events` normalises that, `dissect` takes a frame apart for people.  No module can build a
frame that resets, silences, starts or initialises a panel.
"""
