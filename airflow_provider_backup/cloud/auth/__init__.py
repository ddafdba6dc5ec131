"""Authentication: credentials, tokens, signatures, endpoints."""
