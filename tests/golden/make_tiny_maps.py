"""Appends arrays of reference/methods/tiny.npz to tiny_maps.txt: python3 make_tiny_maps.py tiny.npz NAME ... >> tiny_maps.txt
Every step-th value in file order, with norm and sum of the whole array. NAME:sum adds up the channels first. Needs no library."""
import ast, math, struct, sys, zipfile


def read(archive, name):
    raw = archive.read(name + ".npy")
    size, = struct.unpack("<H", raw[8:10])
    head = ast.literal_eval(raw[10:10 + size].decode())
    assert head["descr"] == "<f4" and not head["fortran_order"]
    return head["shape"], struct.unpack("<%df" % ((len(raw) - 10 - size) // 4), raw[10 + size:])


with zipfile.ZipFile(sys.argv[1]) as archive:
    for name in sys.argv[2:]:
        shape, values = read(archive, name.split(":")[0])
        if name.endswith(":sum"):
            plane = len(values) // shape[1]
            values = [math.fsum(values[c * plane + i] for c in range(shape[1])) for i in range(plane)]
        step = 25 if len(values) > 1000 else 1
        print("array %s %d %d %.9g %.9g" % (name.replace(":", "_"), len(values), step,
                                            math.sqrt(math.fsum(v * v for v in values)), math.fsum(values)))
        line = ["%.9g" % v for v in values[::step]]
        for i in range(0, len(line), 10):
            print(" ".join(line[i:i + 10]))
