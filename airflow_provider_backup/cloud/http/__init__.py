"""Requests and answers: transport, pipeline, retries, rate limits, errors, JSON, clocks."""
