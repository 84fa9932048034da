"""`python -m model IMAGENET COCO PICTURES`: trains the detector, judges it, and writes it into agent/vision/shipped.

IMAGENET and COCO are the folders with the weights that `efficientnet` and `darknet` name.
The CCTV of one lift is learned from in the last run only: until then it judges.  What had not seen it yet is written
into JUDGED, for `courtyard vision score --model`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import torch

from model.export import assemble, write
from model.judging import fraction_above, of_group, strongest
from model.network import Network, mean
from model.persons import Persons
from model.pictures import read, twins
from model.rendered import Drawn
from model.training import train

OUT: Final = Path(__file__).parents[1] / "agent" / "vision" / "shipped"
JUDGED: Final = Path(__file__).parents[1] / ".venv-model" / "judged"
LEFT_OUT: Final = "cctv-lift-a"
RUNS: Final = ((400, 1), (300, 7), (400, 8), (1600, 51), (1000, 61), (2440, 62), (1600, 71))
"""Steps and seed of each; a run begins with high rates again and ends with low ones."""
LAST: Final = (1600, 73)
"""The run in which the lift that judged until then is learned from, too."""
SHIFT: Final = 0.9
"""The logit of the working point of a single picture."""
THREADS: Final = 2
SEED: Final = 1
"""Of the weights that nobody has learned anything into yet."""


def main(imagenet: Path, coco: Path, folder: Path) -> None:
    torch.set_num_threads(THREADS)
    persons = Persons(coco)
    pictures = [persons.mark(each) for each in read(folder)]
    pictures += twins(pictures, LEFT_OUT)
    drawn = Drawn()
    torch.manual_seed(SEED)
    network = Network()
    network.base.take(imagenet)
    network.to(memory_format=torch.channels_last)
    learned = [each for each in pictures if each.group != LEFT_OUT]
    before = network
    for steps, seed in RUNS:
        before, network = network, train(network, learned, drawn, steps, seed)
        print(of_group(network, pictures, LEFT_OUT), flush=True)
    # the mean of weights before and after a run sees more than either (Wortsman et al., Model soups, 2022)
    network = mean((before, network))
    print(of_group(network, pictures, LEFT_OUT), flush=True)
    write(JUDGED, assemble(network, SHIFT))
    network = mean((network, train(network, pictures, drawn, *LAST)))
    for line in fraction_above(strongest(network, pictures), pictures, SHIFT):
        print(line)
    write(OUT, assemble(network, SHIFT))
    print(f"Wrote {OUT}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
