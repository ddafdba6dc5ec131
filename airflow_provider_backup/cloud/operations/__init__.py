"""What services have in common: backups, policies, their states, lists and schedules."""
