"""Two-country Ricardian trade with inter-industry learning (Hanlon 2012): worlds, schedules, paths."""

from ..errors import MissingLibrary
from . import examples
from .effects import Diagnosis, OpeningEffects, communities, diagnose, opening_effects
from .paths import Event, IntegrationFailed, Path, States, simulate, simulate_many, warmup
from .revealed import revealed_world, spillovers_from, world_of
from .schedule import ConditionNotMet, ForeignProduces, HomeProduces, Phase, opening_schedule
from .search import BestOpening, best_delay, best_order, present_value, protect
from .statics import StaticEquilibrium, equilibrium
from .world import World

__all__ = [
    "BestOpening",
    "ConditionNotMet",
    "Diagnosis",
    "Event",
    "ForeignProduces",
    "HomeProduces",
    "IntegrationFailed",
    "MissingLibrary",
    "OpeningEffects",
    "Path",
    "Phase",
    "States",
    "StaticEquilibrium",
    "World",
    "best_delay",
    "best_order",
    "communities",
    "diagnose",
    "equilibrium",
    "examples",
    "opening_effects",
    "opening_schedule",
    "present_value",
    "protect",
    "revealed_world",
    "simulate",
    "simulate_many",
    "spillovers_from",
    "warmup",
    "world_of",
]
