"""The worker process: Lambda's SQS event source mappings and EventBridge's schedules, on one machine."""
