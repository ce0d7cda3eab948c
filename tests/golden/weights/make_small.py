"""Makes small_*: files of a few hundred bytes, written by Python's own pickle and zipfile modules around stand-ins for the
names of PyTorch and NumPy (neither is needed). Every file holds `a` = [[1, -2, 0.5], [3, 4, -0.25]] and `b` = [7, -8] (int64);
the pickles of arrays also `s`, a number that is no tensor. Run in this folder with Python 3.8 or newer."""
import collections, io, pickle, struct, sys, types, zipfile

A, B = [1, -2, 0.5, 3, 4, -0.25], [7, -8]
packed_a, packed_b = struct.pack("<6f", *A), struct.pack("<2q", *B)


def module(name):
    sys.modules[name] = m = types.ModuleType(name)
    return m


def function(where, name):
    def f(*_): raise RuntimeError
    f.__name__ = f.__qualname__ = name
    f.__module__ = where
    setattr(sys.modules[where], name, f)
    return f


def kind(where, name):
    c = type(name, (), {"__module__": where})
    setattr(sys.modules[where], name, c)
    return c


for m in ("torch", "torch._utils", "numpy", "numpy.core", "numpy.core.multiarray", "numpy.core.numeric"): module(m)
rebuild = function("torch._utils", "_rebuild_tensor_v2")
reconstruct = function("numpy.core.multiarray", "_reconstruct")
frombuffer = function("numpy.core.numeric", "_frombuffer")
scalar = function("numpy.core.multiarray", "scalar")
Float, Long, ndarray, dtype = kind("torch", "FloatStorage"), kind("torch", "LongStorage"), kind("numpy", "ndarray"), kind("numpy", "dtype")


class Storage:
    def __init__(self, type_, key, count): self.id = ("storage", type_, key, "cpu", count)


class Made:                                                    # pickles as a call, whatever is called
    def __init__(self, maker, args, state=None): self.how = (maker, args) if state is None else (maker, args, state)
    def __reduce__(self): return self.how


def tensor(storage, size, stride):
    return Made(rebuild, (storage, 0, size, stride, False, collections.OrderedDict()))


class Pickler(pickle.Pickler):
    def persistent_id(self, x): return x.id if isinstance(x, Storage) else None


def dump(x, protocol):
    out = io.BytesIO()
    Pickler(out, protocol).dump(x)
    return out.getvalue()


tensors = collections.OrderedDict(a=tensor(Storage(Float, "0", 6), (2, 3), (3, 1)), b=tensor(Storage(Long, "1", 2), (2,), (1,)))


def write_zip(name, members, method):
    with zipfile.ZipFile(name, "w", method) as z:
        for path, data in members:
            z.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data, compress_type=method)


write_zip("small_zip.pth", [("s/data.pkl", dump(tensors, 2)), ("s/byteorder", b"little"), ("s/data/0", packed_a),
                            ("s/data/1", packed_b), ("s/version", b"3\n")], zipfile.ZIP_STORED)
write_zip("small_deflated.pth", [("s/data.pkl", dump(tensors, 2)), ("s/data/0", packed_a), ("s/data/1", packed_b)], zipfile.ZIP_DEFLATED)
big = [("s/data.pkl", dump(tensors, 4)), ("s/byteorder", b"big"), ("s/data/0", struct.pack(">6f", *A)), ("s/data/1", struct.pack(">2q", *B))]
write_zip("small_big_endian.pth", big, zipfile.ZIP_STORED)
stream = pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2)
stream += pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2)
stream += dump(tensors, 2) + pickle.dumps(["0", "1"], 2) + struct.pack("<q", 6) + packed_a + struct.pack("<q", 2) + packed_b
open("small_stream.pth", "wb").write(stream)


def array(code, shape, data, order="<", fortran=False):
    type_ = Made(dtype, (code, False, True), (3, order, None, None, None, -1, -1, 0))
    return Made(reconstruct, (ndarray, (0,), b"b"), (1, shape, type_, fortran, data))


f8 = Made(dtype, ("f8", False, True), (3, "<", None, None, None, -1, -1, 0))
arrays = {"blobs": {"a": array("f4", (2, 3), packed_a), "b": array("i8", (2,), packed_b), "s": Made(scalar, (f8, struct.pack("<d", 0.5)))}}
for protocol in range(5): open(f"small_arrays_{protocol}.pkl", "wb").write(pickle.dumps(arrays, protocol))
fortran = struct.pack(">6f", *[A[i] for i in (0, 3, 1, 4, 2, 5)])
view = Made(frombuffer, (bytearray(packed_b), Made(dtype, ("i8", False, True), (3, "<", None, None, None, -1, -1, 0)), (2,), "C"))
open("small_arrays_5.pkl", "wb").write(pickle.dumps({"a": array("f4", (2, 3), fortran, ">", True), "b": view, "s": 0.5}, 5))


def npy(code, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (code, shape)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n" + data


write_zip("small_stored.npz", [("a.npy", npy("<f4", (2, 3), packed_a)), ("b.npy", npy("<i8", (2,), packed_b))], zipfile.ZIP_STORED)
write_zip("small_deflated.npz", [("a.npy", npy("<f4", (2, 3), packed_a)), ("b.npy", npy("<i8", (2,), packed_b))], zipfile.ZIP_DEFLATED)
