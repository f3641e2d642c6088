"""Ask deployed models, from a program or a notebook, and tell them later what came true.

    from tidegate.client import Client

    with Client("prod", "flight-delay") as client:
        answers = client.predict(frame)  # pandas in, pandas out, the index kept
        client.feedback(answers, labels)  # weeks later

Needs boto3 for credentials and urllib3, which comes with it; pandas only for frames.
"""

from tidegate.client.api import Answer, Api, Session
from tidegate.client.model import Batch, Client, Counts, Prediction

__all__ = ["Answer", "Api", "Batch", "Client", "Counts", "Prediction", "Session"]
