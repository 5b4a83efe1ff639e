"""Sweep random worlds: does each end certified or as the right error, and how far is a certified result from the truth?

``python -m bench.robustness --worlds 2000 [--check 300] [--small]``: prints one line per world that fails, then counts
by kind of world, the methods that solved them, the reasons of refusals and the largest errors. `--check` solves that
many of the certified ones again in 40 digits (needs mpmath); numbers of single worlds may follow.
"""

from __future__ import annotations

import argparse
import collections
import re
import time

import numpy as np

import exacthat as eh
from tests.robustness.levels import Model, Precision, why_none
from tests.robustness.worlds import draw


def outcome(world) -> tuple[str, object]:
    """Return what a world ends as, and the equilibrium or the error."""
    try:
        solved = eh.counterfactual(world.economy, world.shock, world.policy, deficits=world.deficits)
    except eh.errors.ExacthatError as error:
        return type(error).__name__, error
    return solved.certificate.outcome, solved


def error_of(world, solved, precision) -> tuple[float, float]:
    """Return the largest error of ln W against the independent equations, and what is left of their residual."""
    model = Model(world.economy, world.shock, world.policy, world.deficits, precision)
    z, left, _ = model.polish(model.guess(solved))
    missed = model.ln_welfare(z) - precision.log(precision.read(solved.welfare_hat))
    return float(np.abs(missed).max()), left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--check", type=int, default=0)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("numbers", type=int, nargs="*")
    asked = parser.parse_args()
    precision = Precision(40) if asked.check else Precision()
    ends, methods, refusals = (collections.Counter() for _ in range(3))
    errors, slowest = [], (0.0, -1)
    for number in asked.numbers or range(asked.first, asked.first + asked.worlds):
        world = draw(number, asked.small)
        start = time.perf_counter()
        end, found = outcome(world)
        spent = time.perf_counter() - start
        slowest = max(slowest, (spent, number))
        ends[world.kind, end] += 1
        reasons = why_none(Model(world.economy, world.shock, world.policy, world.deficits, Precision()))
        refusals[bool(reasons), end, "financed" in str(found)] += 1
        if end == "certified":
            methods[re.sub(r"\d+ steps?", "steps", found.certificate.method)] += 1
            if len(errors) < asked.check and found.sales.size <= 60:
                errors.append((*error_of(world, found, precision), found.certificate.residual, number))
        if end not in ("certified", "NoEquilibrium"):
            print(
                f"{number:6d} {world.kind} {world.economy!r} {end} {str(found)!r} {spent:.2f} s", flush=True
            )
    report(ends, methods, errors, refusals, slowest)


def report(ends, methods, errors, refusals, slowest) -> None:
    columns = sorted({end for _, end in ends})
    print(f"{'':16s}" + "".join(f"{end:>15s}" for end in columns))
    for kind in sorted({kind for kind, _ in ends}):
        print(f"{kind:16s}" + "".join(f"{ends[kind, end]:15d}" for end in columns))
    print(f"{'all':16s}" + "".join(f"{sum(ends[k, e] for k, e in ends if e == end):15d}" for end in columns))
    for method, count in methods.most_common():
        print(f"{count:6d} by {method}")
    for (reasons, end, financed), count in sorted(refusals.items()):
        print(
            f"{count:6d} {end}{' of deficits that cannot be financed' * financed}; "
            f"{'a' if reasons else 'no'} reason in who trades with whom and each group's books"
        )
    print(f"slowest: {slowest[0]:.2f} s (world {slowest[1]})")
    if errors:
        table = np.array(errors)
        solved = table[:, 1] < 1e-30
        left = table[~solved, 3].astype(int).tolist()
        print(f"{solved.sum()} of {len(table)} solved again to 40 digits; unsolved: {left}")
        worst = table[solved][np.argsort(-table[solved, 0])][:5]
        for error, _, residual, number in worst:
            print(f"world {int(number)}: error of ln W {error:.1e}, residual {residual:.1e}")
        ratio = table[:, 0] / np.maximum(table[:, 2], 1e-14)  # below, both are rounding
        at = np.argmax(np.where(solved, ratio, 0))
        print(f"largest error over residual: {ratio[at]:.1f} (world {int(table[at, 3])})")


if __name__ == "__main__":
    main()
