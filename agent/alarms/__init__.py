"""The life of an alarm: a table of transitions and the engine that keeps every alarm through crashes."""
