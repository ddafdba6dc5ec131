"""How the local cloud misbehaves when it is told to: faults that hit requests, by service, route, count and chance."""
