"""The spillover matrices: the recorded arrays, their orientation, the crosswalk to the industries of icio2019."""

import hashlib

import numpy as np
import pytest

from exacthat import datasets
from exacthat.datasets import spillover_matrices as module
from exacthat.datasets.catalogue import catalogue
from exacthat.errors import BadInput, BadParameter

LABELS = datasets.describe("icio2019").industries
GOODS = slice(0, 27)


@pytest.mark.parametrize("stored", ["proximity", "io2020"])
def test_arrays_have_the_recorded_hash(stored):
    facts = catalogue()["spillovers"][stored]
    hashes = {
        key: hashlib.sha256(f"{array.dtype.str}|{array.shape}|".encode() + array.tobytes()).hexdigest()
        for key, array in module._arrays(stored).items()
    }
    assert hashes == facts["arrays"]


def test_proximity_is_symmetric_and_of_goods():
    matrix = datasets.spillovers("proximity")
    assert matrix.shape == (28, 28)
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix)[GOODS] == 1).all()
    assert not matrix[27].any()
    assert not matrix[:, 27].any()
    assert tuple(module._arrays("proximity")["industries"]) == LABELS[:27]
    without = datasets.spillovers("proximity", own=0.0)
    assert np.abs(np.linalg.eigvals(without)).max() == pytest.approx(7.3, abs=0.05)


def test_the_sender_is_the_supplier_or_the_customer():
    held = module._arrays("io2020")
    sectors, world = held["sectors"].tolist(), held["countries"].tolist().index("WLD")
    farm, food = sectors.index("A01_02"), sectors.index("C10T12")
    assert held["input_share"][world, farm, food] > 0.3  # food is made of what farms sell
    names = ["A01", "C10T12"]
    suppliers, customers = datasets.spillovers("suppliers", names), datasets.spillovers("customers", names)
    assert suppliers[0, 1] == pytest.approx(held["input_share"][world, farm, food])
    assert customers[1, 0] == pytest.approx(held["use_share"][world, farm, food])


@pytest.mark.parametrize("name", ["suppliers", "customers"])
def test_industries_of_a_sector_send_together_what_the_sector_sends(name):
    """Learning of an industry from 28 industries is that of its sector from the 23 sectors they make up."""
    held, crosswalk = module._arrays("io2020"), datasets.spillover_crosswalk()
    assert tuple(crosswalk) == LABELS
    assert sorted(set(crosswalk.values())) == sorted(held["sectors"].tolist())
    sector = np.array([held["sectors"].tolist().index(crosswalk[label]) for label in LABELS])
    employment = np.random.default_rng(0).dirichlet(np.ones(28))
    shares = held["input_share" if name == "suppliers" else "use_share"][0].astype(float)
    between = shares if name == "suppliers" else shares.T
    expected = (np.bincount(sector, employment) @ between)[sector]
    found = employment @ datasets.spillovers(name, country="PAK", services=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_industries_are_picked_in_the_order_asked_for():
    whole = datasets.spillovers("customers", country="VNM", own=2.0)
    at = [20, 3, 9]
    picked = datasets.spillovers("customers", [LABELS[k] for k in at], country="VNM", own=2.0)
    assert (picked == whole[np.ix_(at, at)]).all()
    assert (np.diag(whole)[GOODS] == 2).all()
    assert whole[27, 27] == 0


def test_descriptions_say_what_users_owe():
    for name in datasets.spillover_names():
        about = datasets.describe_spillovers(name)
        assert about.licence
        assert about.source
        assert about.citation
        assert len(about.sha256) == 64
        assert len(about.sectors) == (27 if name == "proximity" else 23)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: datasets.spillovers("proximty"), BadInput, "did you mean 'proximity'"),
        (lambda: datasets.describe_spillovers(None), BadInput, "no spillover matrix None"),
        (lambda: datasets.spillovers("proximity", ["C13T14"]), BadInput, "did you mean 'C13T15'"),
        (lambda: datasets.spillovers("suppliers", country="PAKI"), BadInput, "did you mean 'PAK'"),
        (lambda: datasets.spillovers("proximity", country="PAK"), BadInput, "one matrix for the world"),
        (lambda: datasets.spillovers("proximity", services=True), BadInput, "of goods"),
        (lambda: datasets.spillovers("proximity", own=-1.0), BadParameter, "own is -1.0"),
    ],
)
def test_unknown_names_and_bad_options_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
