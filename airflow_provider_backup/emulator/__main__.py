"""``python -m airflow_provider_backup.emulator``."""

import sys

from airflow_provider_backup.emulator.cli import main

sys.exit(main())
