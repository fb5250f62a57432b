# needs: dask distributed
import dask.bag as db
from dask.distributed import Client, LocalCluster
if __name__ == "__main__":
    print(db.from_sequence(range(1000), npartitions=4).map(lambda x: x * 2).sum().compute(scheduler="threads"))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster, Client(cluster) as client:
        print(sum(client.gather(client.map(abs, range(-50, 0)))))
