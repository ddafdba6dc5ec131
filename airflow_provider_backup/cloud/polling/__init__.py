"""One shared poller for all waiters of one service, account and event loop."""
