"""What all services of the local cloud share: state, gateway, IAM, accounts."""
