"""What requests and responses are made of: base models, field types, constraints."""
