"""Two-country Ricardian trade with inter-industry learning (Hanlon 2012): worlds, schedules, paths."""

from .paths import Event, IntegrationFailed, Path, States, simulate, simulate_many
from .schedule import ConditionNotMet, ForeignProduces, HomeProduces, Phase, opening_schedule
from .statics import StaticEquilibrium, equilibrium
from .world import World

__all__ = [
    "ConditionNotMet",
    "Event",
    "ForeignProduces",
    "HomeProduces",
    "IntegrationFailed",
    "Path",
    "Phase",
    "States",
    "StaticEquilibrium",
    "World",
    "equilibrium",
    "opening_schedule",
    "simulate",
    "simulate_many",
]
