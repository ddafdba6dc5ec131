"""How one task instance owns one operation: idempotency, submission, deferral, cancellation."""
