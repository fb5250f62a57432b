# needs: celery
import os, subprocess, sys, tempfile
from celery import Celery
app = Celery("app", broker="memory://", backend="cache+memory://")
@app.task
def double(x):
    return 2 * x
app.conf.task_always_eager = True
print(sum(double.delay(i).get() for i in range(200)), double.chunks(zip(range(10)), 5).apply().get())
