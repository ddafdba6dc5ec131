"""What the database services of the local cloud share; each has a package of its own for what differs.

Automatic backup policies run by their schedules; each instance has one automatic backup from the start.
"""
