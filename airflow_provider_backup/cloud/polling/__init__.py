"""One poll for everybody in an event loop who waits for backups of one service with one account."""
