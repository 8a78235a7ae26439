"""Tables and JSON lines with every byte flipped in turn: nothing raises, and what lies two lines away is kept."""

from __future__ import annotations

import pytest
from textlogs import read_text, series

STEPS = 9
FORMS = {
    "csv": "step,loss,val_loss\n" + "".join(f"{n},1.{n}25,2.{n}5\n" for n in range(STEPS)),
    "jsonl": "".join(f'{{"step": {n}, "loss": 1.{n}25, "val_loss": 2.{n}5}}\n' for n in range(STEPS)),
}


@pytest.mark.parametrize("mask", [0x01, 0x41, 0x80])
@pytest.mark.parametrize("form", FORMS)
def test_every_byte_flipped(form: str, mask: int) -> None:
    data = FORMS[form].encode()
    header = form == "csv"
    for place in range(data.find(b"\n") + 1 if header else 0, len(data)):
        damaged = bytearray(data)
        damaged[place] ^= mask
        hit = data.count(b"\n", 0, place) - header
        found = series(read_text(bytes(damaged), form))
        for name, whole in (("loss", 1), ("val_loss", 2)):
            kept = [float(f"{whole}.{n}{'25' if whole == 1 else '5'}") for n in range(STEPS) if abs(n - hit) > 1]
            values = iter(found.get(name, []))
            assert all(value in values for value in kept), (place, name)  # in this order


@pytest.mark.parametrize("mask", [0x01, 0x41, 0x80])
def test_every_byte_of_a_header_flipped(mask: int) -> None:
    data = FORMS["csv"].encode()
    for place in range(data.find(b"\n") + 1):
        damaged = bytearray(data)
        damaged[place] ^= mask
        found = read_text(bytes(damaged), "csv")
        assert (found.scalars is not None and found.scalars.height >= STEPS - 1) or found.problems, place
