"""An asynchronous client for the backup services of Huawei Cloud and its sisters; it imports nothing of Airflow."""
