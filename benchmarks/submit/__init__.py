"""Starting many backups through the operators, in several worker processes at once."""
