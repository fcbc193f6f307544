# SPDX-License-Identifier: GPL-2.0-only
"""device-mapper by its ioctl.

dmsetup does the same, but an emulated processor takes a tenth of a second to start a
program, which would be what is measured when a snapshot is taken under load. There is no
udev in the guest by then, so nodes are devtmpfs's: /dev/dm-N.

Units: sectors of 512 bytes.
"""

import fcntl
import os
import struct

HEAD = struct.Struct("=3I I I I i I I I Q 128s 129s 7s")
SPEC = struct.Struct("=QQiI16s")
SIZE = 16384
CREATE, REMOVE, SUSPEND, LOAD, STATUS, MESSAGE = 3, 4, 6, 9, 12, 14
READONLY, SUSPENDED, WANT_TABLE = 1, 2, 16

_control = None


class DmError(OSError):
    """A refused request; the reason is in the kernel's log."""


def _ioctl(command, name, flags=0, targets=0, data=b"", size=SIZE):
    global _control
    if _control is None:
        _control = os.open("/dev/mapper/control", os.O_RDWR)
    size = max(size, HEAD.size + len(data) + 16)
    buffer = bytearray(size)
    HEAD.pack_into(buffer, 0, 4, 0, 0, size, HEAD.size, targets, 0, flags, 0, 0, 0, name.encode(), b"", b"")
    buffer[HEAD.size:HEAD.size + len(data)] = data
    number = 3 << 30 | HEAD.size << 16 | 0xFD << 8 | command
    try:
        fcntl.ioctl(_control, number, buffer)
    except OSError as error:
        raise DmError(error.errno, f"dm request {command} for {name}: {os.strerror(error.errno)}") from error
    return buffer


def _number(buffer):
    device = HEAD.unpack_from(buffer)[10]
    return (device & 0xFF) | (device >> 12 & 0xFFF00)


class Device:
    """A mapped device that this process has made."""

    def __init__(self, name, sectors, target, arguments, readonly=False):
        self.name = name
        self.sectors = sectors
        self.readonly = readonly
        self.path = f"/dev/dm-{_number(_ioctl(CREATE, name))}"
        try:
            self.load(target, arguments)
            self.resume()
        except DmError:
            self.remove()
            raise

    @property
    def mib(self):
        return self.sectors // 2048

    def load(self, target, arguments):
        """ARGUMENTS may be a list of (start, sectors, target, arguments) instead."""
        lines = arguments if isinstance(arguments, list) else [(0, self.sectors, target, arguments)]
        data = b""
        for start, sectors, name, words in lines:
            text = words.encode() + b"\0"
            text += bytes(-len(text) % 8)
            data += SPEC.pack(start, sectors, 0, SPEC.size + len(text), name.encode()) + text
        _ioctl(LOAD, self.name, READONLY if self.readonly else 0, len(lines), data)

    def suspend(self):
        _ioctl(SUSPEND, self.name, SUSPENDED)

    def resume(self):
        _ioctl(SUSPEND, self.name)

    def remove(self):
        _ioctl(REMOVE, self.name)

    def message(self, text):
        _ioctl(MESSAGE, self.name, data=struct.pack("=Q", 0) + text.encode() + b"\0")

    def status(self):
        buffer = _ioctl(STATUS, self.name)
        start = HEAD.unpack_from(buffer)[4] + SPEC.size
        return buffer[start:buffer.index(0, start)].decode()

    def counters(self):
        return counters(self.path)


def counters(path):
    """What a block device has done: I/Os, and bytes, by direction."""
    name = os.path.basename(os.path.realpath(path))
    with open(f"/sys/block/{name}/stat", encoding="ascii") as file:
        field = [int(word) for word in file.read().split()]
    return {
        "reads": field[0],
        "read_bytes": field[2] * 512,
        "writes": field[4],
        "write_bytes": field[6] * 512,
        "flushes": field[15] if len(field) > 15 else 0,
    }


def difference(before, after):
    return {name: after[name] - before[name] for name in before}
