# needs: ray
import ray
ray.init(num_cpus=2, include_dashboard=False, logging_level=50, log_to_driver=False)
@ray.remote
def double(x):
    return 2 * x
print(sum(ray.get([double.remote(i) for i in range(20)])))
ray.shutdown()
