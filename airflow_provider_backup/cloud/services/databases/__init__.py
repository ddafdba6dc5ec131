"""What RDS, GaussDB (openGauss) and TaurusDB have in common; each of them has a folder of its own for the rest."""
