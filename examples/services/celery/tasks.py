"""A Celery worker. Each task's text is kept to find duplicates, for ever; its broker is a folder, or that of BROKER."""
import os
import time

from celery import Celery

app = Celery("tasks", broker=os.environ.get("BROKER", "filesystem://"))
app.conf.update(broker_connection_retry_on_startup=True, task_ignore_result=True)
if "BROKER" not in os.environ:
    os.makedirs("queue", exist_ok=True)
    app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "polling_interval": .02}
seen = {}


def normalise(text):
    return text.strip().lower()


@app.task
def index(number):
    time.sleep(.05)
    text = normalise(f" Document {number} " * 400)
    if text in seen.values():
        return
    seen[number] = text
