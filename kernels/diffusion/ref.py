"""Learning across industries and countries in pure numpy: the specification of the fast twin.

Letters: i receiving and j sending country, k receiving and g sending industry. phi is productivity, L
employment, both [country, industry].

    (1)  psi(L) = L / (L + activity),  psi(0) = 0
    (2)  from employment:  psi(L_ik) (sum_j sum_g diffusion_ij L_jg spillovers_gk + research_ik)
    (3)  from stocks:      psi(L_ik) (diffusion_ii sum_g L_ig spillovers_gk
                                      + sum_{j != i} diffusion_ij phi_jk + research_ik)

(2) is dphi/dt of the additive law and d ln phi/dt of the proportional law; (3) is dphi/dt where what diffuses
is the stock of knowledge. The spillovers within a country are those of Hanlon (2012), equation (9), with psi
in place of his indicator of production; (3) has the diffusion of the annexure's equation (4). In (2) country
and industry act on two sides of one matrix product, so no matrix over pairs of them is ever formed.
"""

from __future__ import annotations

import numpy as np


def active(employment, activity):
    """Equation (1): how far an industry of this employment (N, K) takes part in learning, between 0 and 1."""
    return np.where(employment > 0, employment / np.where(employment > 0, employment + activity, 1.0), 0.0)


def from_employment(employment, spillovers, diffusion, research, activity):
    """Equation (2) (N, K): employment (N, K), spillovers[sender, receiver] (K, K), diffusion[receiver, sender]
    (N, N), research (N, K), activity a scalar >= 0."""
    return active(employment, activity) * (diffusion @ employment @ spillovers + research)


def from_stocks(productivity, employment, spillovers, diffusion, research, activity):
    """Equation (3) (N, K): arguments as in `from_employment`, after productivity (N, K)."""
    own = np.diag(diffusion)
    received = own[:, None] * (employment @ spillovers) + (diffusion - np.diag(own)) @ productivity
    return active(employment, activity) * (received + research)
