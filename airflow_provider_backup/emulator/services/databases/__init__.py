"""What the database services of the local cloud share; each has a package of its own for what differs.

Automatic backup policies are kept but never run; each instance has one automatic backup from the start.
"""
