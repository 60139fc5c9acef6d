"""Finds places in a GGUF file (specification v2, v3) so that a copy can be patched without changing its length."""

import struct

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


class Gguf:
    """Byte offsets of the text values and of the tensors' type numbers of the file at `path`."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._file = file
            if file.read(4) != b"GGUF":
                raise ValueError(f"{path} is no GGUF file")
            _, tensors, keys = self._numbers("<IQQ")
            self.texts = {}  # key → (offset, bytes)
            self.types = {}  # tensor → offset of its type number
            for _ in range(keys):
                self._read_key()
            for _ in range(tensors):
                name = self._text()[1].decode()
                (dimensions,) = self._numbers("<I")
                file.seek(8 * dimensions, 1)
                self.types[name] = file.tell()
                file.seek(4 + 8, 1)
        del self._file

    def _numbers(self, layout):
        return struct.unpack(layout, self._file.read(struct.calcsize(layout)))

    def _text(self):
        (length,) = self._numbers("<Q")
        offset = self._file.tell()
        return offset, self._file.read(length)

    def _read_key(self):
        key = self._text()[1].decode()
        (kind,) = self._numbers("<I")
        if kind == STRING:
            self.texts[key] = self._text()
        elif kind == ARRAY:
            kind, count = self._numbers("<IQ")
            if kind == STRING:
                for _ in range(count):
                    self._text()
            else:
                self._file.seek(count * struct.calcsize(SCALARS[kind]), 1)
        else:
            self._numbers(SCALARS[kind])


def header(tensors=0, keys=0, version=3, order="<"):
    """The 24 bytes a GGUF file begins with; order ">" writes it big endian."""
    return b"GGUF" + struct.pack(order + "IQQ", version, tensors, keys)


def text_key(key, value):
    """One metadata entry that holds a text."""
    return struct.pack("<Q", len(key)) + key + struct.pack("<IQ", STRING, len(value)) + value
