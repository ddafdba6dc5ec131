"""What waits for a backup that somebody else started."""
