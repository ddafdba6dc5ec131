"""CBR v3, Cloud Backup and Recovery: vaults with servers, disks and file systems."""
