"""Conditions that the gateway computes from readings: one file per kind; `rulebook` joins them to devices.

A rule watching a device is an evaluator: a few numbers of state, no tasks, no clock of its own (time comes with
each reading or tick).  It says something only when its answer changes.

Restarts: an evaluator begins without an opinion.  The alarm itself survives in the journal; the first reading that
decides either way is passed on, and the engine, which knows whether the alarm is active, records it only if it is
a change.  So a condition that ended while the gateway was down returns with the first reading, one that still holds
is not raised twice, and a duration (`for`) or a night's observation that was interrupted begins again.
"""
