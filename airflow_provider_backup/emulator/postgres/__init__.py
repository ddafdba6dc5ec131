"""Real PostgreSQL servers behind the PostgreSQL instances of RDS, for ``--postgres``.

Each instance has a server process and a cluster directory of its own, and a backup is a copy of that directory. One
server with a database for each instance would start faster, but an instance has many databases and roles, and a copy by
``CREATE DATABASE ... TEMPLATE`` takes one database and none of the roles, and only while no session is open on it.
``pg_basebackup`` copies all of a running server in a tenth of a second, as the service's own physical backups do;
a server takes 20 MB of memory and starts in a tenth of a second.
"""
