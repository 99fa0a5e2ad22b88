"""The database: feeds and their cursors, events, runs and their steps. It is the truth; the queue only wakes."""
