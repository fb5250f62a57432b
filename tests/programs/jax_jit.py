# needs: jax
import jax, jax.numpy as jnp
f = jax.jit(jax.grad(lambda x: (x ** 3).sum()))
print(f(jnp.arange(5.0)), jax.devices()[0].platform)
