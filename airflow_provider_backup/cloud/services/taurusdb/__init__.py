"""TaurusDB v3, also known as GaussDB for MySQL."""
