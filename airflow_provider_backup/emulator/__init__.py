"""A local cloud: identity service and backup services that real clients can talk to. A development tool, no product.

Nothing is imported here, because pytest loads the plugin below this package in every run.
"""
