"""The triggerer of a real Airflow with 1,000 deferred tasks."""
