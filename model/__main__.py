"""`python -m model WEIGHTS PICTURES`: trains the detector, judges it, and writes it into agent/vision/shipped.

First without the CCTV of one lift, which then judges what was learned; then on with everything.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import torch

from model.export import assemble, write
from model.judging import fraction_above, of_group, strongest
from model.network import Network
from model.persons import Persons
from model.pictures import read, twins
from model.rendered import Drawn
from model.training import train

OUT: Final = Path(__file__).parents[1] / "agent" / "vision" / "shipped"
LEFT_OUT: Final = "cctv-lift-a"
FIRST_STEPS, STEPS = 333, 718
SHIFT: Final = 0.0
"""The logit of the working point."""
THREADS: Final = 2


def main(weights: Path, folder: Path) -> None:
    torch.set_num_threads(THREADS)
    persons = Persons(weights)
    pictures = [persons.mark(each) for each in read(folder)]
    pictures += twins(pictures, LEFT_OUT)
    drawn = Drawn()
    network = Network()
    network.take(weights)
    network.to(memory_format=torch.channels_last)
    network = train(network, [each for each in pictures if each.group != LEFT_OUT], drawn, FIRST_STEPS, seed=0)
    print(of_group(network, pictures, LEFT_OUT), flush=True)
    network = train(network, pictures, drawn, STEPS, seed=5)
    for line in fraction_above(strongest(network, pictures), pictures, SHIFT):
        print(line)
    write(OUT, assemble(network, SHIFT))
    print(f"Wrote {OUT}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
