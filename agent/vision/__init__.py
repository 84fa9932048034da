"""What a lift camera sees, and what follows: tracks, votes, warnings, held doors.  No model and no picture in here."""
