"""GaussDB (openGauss) v3."""
