"""Cloud Server Backup Service, version 1: policies, backups of whole servers, and what waiting for them needs."""
