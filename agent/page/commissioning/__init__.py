"""Does what the commissioning pages ask for: edits of the site file, scans, trials, drills, reports."""
