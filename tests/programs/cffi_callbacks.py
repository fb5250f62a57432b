# needs: cffi
# holds: 3000000 in hold
from cffi import FFI
ffi = FFI()
ffi.cdef("void *malloc(size_t); void free(void *); void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")
c = ffi.dlopen(None)
def hold():
    return c.malloc(3_000_000)
p = hold()
a = ffi.new("int[]", [5, 3, 9, 1])
@ffi.callback("int(const void *, const void *)")
def compare(x, y):
    return ffi.cast("int *", x)[0] - ffi.cast("int *", y)[0]
c.qsort(a, 4, 4, compare)
print(list(a), p != ffi.NULL)
c.free(p)
