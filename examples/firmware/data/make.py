#!/usr/bin/env python3
"""Makes cat.grey and ecg.rs from their sources, with nothing but Python's standard library.

    python3 make.py ../../data/chelsea.png pywavelets-1.9.0-….whl

See README.md for the sources and their licences.
"""

import struct
import sys
import zipfile
import zlib

# The square of the photograph that shows the face, and the extent it is reduced to.
LEFT, TOP, SIDE, EXTENT = 112, 36, 256, 32


def read_png(path):
    """Rows of an 8-bit RGB PNG without interlacing, as lists of bytes."""
    data = open(path, "rb").read()
    position, packed = 8, b""
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert (depth, colour, interlace) == (8, 2, 0)
        elif kind == b"IDAT":
            packed += body
        position += 12 + length
    raw, stride = zlib.decompress(packed), 3 * width
    rows, above = [], [0] * stride
    for y in range(height):
        start = y * (stride + 1)
        row = unfilter(raw[start], list(raw[start + 1 : start + 1 + stride]), above)
        rows.append(row)
        above = row
    return rows


def unfilter(kind, row, above):
    """Undoes a PNG filter, one of five predictions from the bytes to the left and above."""
    for i in range(len(row)):
        left = row[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        nearest = min((left, above[i], corner), key=lambda v: abs(left + above[i] - corner - v))
        prediction = (0, left, above[i], (left + above[i]) // 2, nearest)[kind]
        row[i] = (row[i] + prediction) & 255
    return row


def grey(rows, y, x):
    """ITU-R BT.601 luma, in 256ths."""
    red, green, blue = rows[y][3 * x : 3 * x + 3]
    return 77 * red + 150 * green + 29 * blue


def reduce(rows):
    """Sums over square blocks, stretched so that the darkest is 0 and the brightest 255."""
    block = SIDE // EXTENT
    sums = [
        sum(
            grey(rows, y, x)
            for y in range(top, top + block)
            for x in range(left, left + block)
        )
        for top in range(TOP, TOP + SIDE, block)
        for left in range(LEFT, LEFT + SIDE, block)
    ]
    darkest, brightest = min(sums), max(sums)
    return [255 * (value - darkest) // (brightest - darkest) for value in sums]


def read_ecg(wheel):
    """The 1024 samples of pywt/data/ecg.npz, an array of little-endian 32-bit integers."""
    with zipfile.ZipFile(wheel) as outer, outer.open("pywt/data/ecg.npz") as file:
        npy = zipfile.ZipFile(file).read("data.npy")
    (header,) = struct.unpack("<H", npy[8:10])
    assert b"'descr': '<i4'" in npy[:header]
    return struct.unpack("<1024i", npy[10 + header :])


def write_ecg(samples):
    with open("ecg.rs", "w") as file:
        file.write("// Made by make.py from pywt/data/ecg.npz of PyWavelets 1.9.0; see README.md.\n[\n")
        for start in range(0, len(samples), 16):
            line = ", ".join(str(sample) for sample in samples[start : start + 16])
            file.write(f"    {line},\n")
        file.write("]\n")


def main():
    photograph, wheel = sys.argv[1:]
    open("cat.grey", "wb").write(bytes(reduce(read_png(photograph))))
    write_ecg(read_ecg(wheel))


main()
