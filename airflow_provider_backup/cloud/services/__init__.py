"""The services: a registry, and one package for each."""
