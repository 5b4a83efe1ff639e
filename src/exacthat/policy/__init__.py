"""Optimal, Nash and cooperative policy on top of counterfactual() and welfare_gradient()."""

from exacthat.policy.cooperative import cooperative_policy
from exacthat.policy.nash import nash_policy
from exacthat.policy.result import OptimalPolicy
from exacthat.policy.unilateral import optimal_policy

__all__ = ["OptimalPolicy", "cooperative_policy", "nash_policy", "optimal_policy"]
