# needs: prefect
import os
os.environ.update(PREFECT_HOME=os.getcwd(), PREFECT_LOGGING_LEVEL="CRITICAL", PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
from prefect import task
print(sum(task(lambda x: 2 * x, name="double").fn(i) for i in range(100)))
