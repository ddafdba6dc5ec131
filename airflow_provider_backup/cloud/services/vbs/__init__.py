"""Volume Backup Service, version 2: policies for disks, backups of single disks, and what waiting for them needs."""
