"""A Celery worker. Each task's text is kept to find duplicates, for ever; its broker is a folder."""
import os

from celery import Celery

os.makedirs("queue", exist_ok=True)
app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": "queue", "data_folder_out": "queue", "polling_interval": .02},
    broker_connection_retry_on_startup=True, task_ignore_result=True)
seen = {}


def normalise(text):
    return text.strip().lower()


@app.task
def index(number):
    text = normalise(f" Document {number} " * 400)
    if text in seen.values():
        return
    seen[number] = text
