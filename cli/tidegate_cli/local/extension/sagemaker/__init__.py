"""SageMaker training jobs that really run: a request becomes a process of its own.

request -> validate -> inputs from S3 as the job's role -> entrypoint as a process -> model to S3
"""
