"""The pause image, assembled in process: one static program of a few dozen instructions.

A pod's sandbox needs a first process that holds its namespaces, takes in orphans and ends on
SIGTERM. As process 1 it gets only signals that it asks for, so it blocks SIGTERM, SIGINT and
SIGCHLD and waits for them. The machine code below is written by hand from the kernel's system call
tables (syscall_64.tbl for amd64, asm-generic/unistd.h for arm64) and elf(5); nothing is pulled,
compiled or executed to make it. Pure.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile

from shipway.cluster.parts.containerd import PAUSE

_AMD64 = bytes.fromhex(
    "6802400100"  # push 0x14002                the signal set: SIGINT, SIGTERM, SIGCHLD
    "4889e6"  # mov rsi, rsp
    "31ff"  # xor edi, edi                      SIG_BLOCK
    "31d2"  # xor edx, edx
    "6a08415a"  # push 8; pop r10               size of the set
    "6a0e58"  # push 14; pop rax                rt_sigprocmask
    "0f05"  # syscall
    "4889e7"  # wait: mov rdi, rsp
    "31f6"  # xor esi, esi
    "31d2"  # xor edx, edx
    "6a08415a"  # push 8; pop r10
    "b880000000"  # mov eax, 128                rt_sigtimedwait
    "0f05"  # syscall
    "83f811740c"  # cmp eax, 17; je reap        SIGCHLD
    "83f80f741d"  # cmp eax, 15; je end         SIGTERM
    "83f8027418"  # cmp eax, 2; je end          SIGINT
    "ebdd"  # jmp wait
    "6aff5f"  # reap: push -1; pop rdi
    "31f6"  # xor esi, esi
    "6a015a"  # push 1; pop rdx                 WNOHANG
    "4531d2"  # xor r10d, r10d
    "6a3d58"  # push 61; pop rax                wait4
    "0f05"  # syscall
    "85c07fec"  # test eax, eax; jg reap
    "ebc7"  # jmp wait
    "31ff"  # end: xor edi, edi
    "6a3c58"  # push 60; pop rax                exit
    "0f05"  # syscall
)
_ARM64 = bytes.fromhex(
    "40008852"  # mov w0, #0x4002               the signal set, in two halves
    "2000a072"  # movk w0, #1, lsl #16
    "ff4300d1"  # sub sp, sp, #16
    "e00300f9"  # str x0, [sp]
    "000080d2"  # mov x0, #0                    SIG_BLOCK
    "e1030091"  # mov x1, sp
    "020080d2"  # mov x2, #0
    "030180d2"  # mov x3, #8                    size of the set
    "e81080d2"  # mov x8, #135                  rt_sigprocmask
    "010000d4"  # svc #0
    "e0030091"  # wait: mov x0, sp
    "010080d2"  # mov x1, #0
    "020080d2"  # mov x2, #0
    "030180d2"  # mov x3, #8
    "281180d2"  # mov x8, #137                  rt_sigtimedwait
    "010000d4"  # svc #0
    "1f440071"  # cmp w0, #17                   SIGCHLD
    "00010054"  # b.eq reap
    "1f3c0071"  # cmp w0, #15                   SIGTERM
    "60000054"  # b.eq end
    "1f080071"  # cmp w0, #2                    SIGINT
    "a1feff54"  # b.ne wait
    "000080d2"  # end: mov x0, #0
    "a80b80d2"  # mov x8, #93                   exit
    "010000d4"  # svc #0
    "00008092"  # reap: mov x0, #-1
    "010080d2"  # mov x1, #0
    "220080d2"  # mov x2, #1                    WNOHANG
    "030080d2"  # mov x3, #0
    "882080d2"  # mov x8, #260                  wait4
    "010000d4"  # svc #0
    "1f000071"  # cmp w0, #0
    "2cffff54"  # b.gt reap
    "e9ffff17"  # b wait
)
_MACHINES = {"x86_64": ("amd64", 62, _AMD64), "aarch64": ("arm64", 183, _ARM64)}
"""By ``uname -m``: OCI architecture, ELF machine, code."""
_BASE = 0x400000
_HEADERS = 64 + 56


def program(machine: str) -> bytes:
    """Return the ELF executable for ``machine`` (``uname -m``)."""
    _, number, code = _MACHINES[machine]
    size = _HEADERS + len(code)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    entry = _BASE + _HEADERS
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", ident, 2, number, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def archive(machine: str) -> bytes:
    """Return the image as an OCI layout in a tar (image-layout.md), named :data:`PAUSE`."""
    architecture = _MACHINES[machine][0]
    layer = _tar({"pause": program(machine)}, 0o755)
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    kind = "application/vnd.oci.image"
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": _descriptor(config, f"{kind}.config.v1+json"),
            "layers": [_descriptor(layer, f"{kind}.layer.v1.tar")],
        }
    )
    named = _descriptor(manifest, f"{kind}.manifest.v1+json") | {
        "annotations": {
            "io.containerd.image.name": PAUSE,
            "org.opencontainers.image.ref.name": "1",
        },
        "platform": {"architecture": architecture, "os": "linux"},
    }
    index = _json({"schemaVersion": 2, "mediaType": f"{kind}.index.v1+json", "manifests": [named]})
    blobs = {f"blobs/sha256/{_digest(one)[7:]}": one for one in (layer, config, manifest)}
    layout = _json({"imageLayoutVersion": "1.0.0"})
    return _tar({"oci-layout": layout, "index.json": index, **blobs}, 0o644)


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _descriptor(data: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
