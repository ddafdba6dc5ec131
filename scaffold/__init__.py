"""Starts a new service as a copy of the most similar one, and writes the table of operators in the README."""
