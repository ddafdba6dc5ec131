"""How the local cloud misbehaves on request: faults that hit requests, by service, route, count and chance."""
