"""Relational Database Service v3 (MySQL, PostgreSQL, SQL Server, MariaDB), Flexus RDS included."""
