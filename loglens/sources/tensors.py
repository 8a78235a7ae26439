"""Numbers out of TensorProto fields, many tensors at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

BFLOAT16 = 14
# DataType of types.proto -> how one element is stored in tensor_content; bfloat16 is widened after.
STORED = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "u1",
    BFLOAT16: "<u2", 17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
# The repeated field that holds the elements when tensor_content does not.
TYPED = {
    "float_val": (1,),
    "double_val": (2,),
    "int_val": (3, 4, 5, 6, 17),
    "int64_val": (9,),
    "bool_val": (10,),
    "half_val": (BFLOAT16, 19),
    "uint32_val": (22,),
    "uint64_val": (23,),
}


def content_numbers(dtype: np.ndarray, content: pa.BinaryArray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each tensor whose content is exactly one element: float64 (n,), and bool (n,) where it is."""
    values = np.full(len(dtype), np.nan)
    found = np.zeros(len(dtype), dtype=bool)
    offsets, data = binary_parts(content)
    sizes = np.diff(offsets)
    for code in np.unique(dtype):
        stored = STORED.get(int(code))
        if stored is None:
            continue
        item = np.dtype(stored).itemsize
        at = np.flatnonzero((dtype == code) & (sizes == item))
        if len(at):
            words = np.ndarray((len(data) - item + 1,), dtype=stored, buffer=data, strides=(1,))
            values[at] = widened(words[offsets[at]], int(code))
            found[at] = True
    return values, found


def typed_numbers(dtype: np.ndarray, tensor: pa.StructArray) -> tuple[np.ndarray, np.ndarray]:
    """The same for tensors that keep exactly one element in the repeated field of their type."""
    values = np.full(len(dtype), np.nan)
    found = np.zeros(len(dtype), dtype=bool)
    for name, codes in TYPED.items():
        lists = tensor.field(name)
        offsets = np.asarray(lists.offsets)
        at = np.flatnonzero(np.isin(dtype, codes) & (np.diff(offsets) == 1))
        if not len(at):
            continue
        items = lists.values.to_numpy(zero_copy_only=False)[offsets[at]]
        if name == "half_val":
            bits = items.astype(np.uint16)
            wide = dtype[at] == BFLOAT16
            values[at] = np.where(wide, widened(bits, BFLOAT16), bits.view(np.float16))
        else:
            values[at] = items
        found[at] = True
    return values, found


def widened(items: np.ndarray, code: int) -> np.ndarray:
    """Elements of a tensor of type `code` as numbers: bfloat16 is the upper half of a float32."""
    return (items.astype(np.uint32) << 16).view(np.float32) if code == BFLOAT16 else items


def binary_parts(array: pa.BinaryArray | pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (int32, n + 1) and bytes (uint8) of an Arrow binary array."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    return ends, np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
