"""Who asks: credentials, tokens, signatures, endpoints."""
