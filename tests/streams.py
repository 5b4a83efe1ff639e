"""Paths made of functions, for tests of what is computed from any path."""

from types import SimpleNamespace

import numpy as np


class Path:
    """A stand-in for a simulated path: welfare jumps at `events`, shares are given by a function."""

    def __init__(self, welfare, horizon, events=(), shares=None, name="welfare_hat", kind="switch"):
        self.welfare, self.horizon, self.shares, self.name = welfare, horizon, shares, name
        self.events = [SimpleNamespace(time=time, kind=kind) for time in events]

    def at(self, times, side="right"):
        times = np.asarray(times)
        state = {self.name: np.stack([self.welfare(t, side) for t in times])}
        if self.shares:
            attribute = "employment" if self.name == "consumption" else "output_shares"
            state[attribute] = np.stack([self.shares(t, side) for t in times])
        return SimpleNamespace(**state)


def flat(times):
    return np.ones_like(times)


def step(t, side, date, before, after):
    return after if t > date or (t == date and side == "right") else before
