"""What a country study found, in sentences made of the numbers of its run."""

from __future__ import annotations

from collections import Counter

import numpy as np

from exacthat.country_study import CountryStudy
from exacthat.country_study.claims import CONFIRMED, NOT, ROUGHLY
from exacthat.country_study.diagnosis import PRODUCTIVITY_FROM, TARGET_RISE, TARGET_YEARS
from exacthat.country_study.dynamic import DISCOUNT, HORIZON
from exacthat.country_study.focus import CORRECTIVE, TENTH
from exacthat.country_study.knowledge import SINCE, YEARS
from exacthat.country_study.sensitivity import CERTIFIED, PERCENTILES, REFUSED, flips
from exacthat.country_study.whole import DATA
from exacthat.datasets import describe, series_countries
from exacthat.report.text import enumerated
from exacthat.sweep.draws import NOT_BELOW


def certificate_line(study: CountryStudy) -> str:
    """Say in one line how many equilibria were solved and how well the worst of them holds."""
    if study.failed:
        return f"NOT certified: {enumerated(study.failed)}; {study.solved} other equilibria are certified"
    paths = f", {study.paths} paths" if study.paths else ""
    return (
        f"certified: {study.solved} equilibria{paths}; worst residual {study.residual:.1e} "
        f"(tolerance {study.tolerance:.0e})"
    )


def summary(study: CountryStudy) -> list[tuple[str, list[str]]]:
    """Return headings with their sentences, for the screen and the top of the page."""
    told = [
        ("Corrective policy", [*_correction(study), *immiserizing(study)]),
        ("What it rests on", [*_assumptions(study), *_draws(study)]),
        ("Focus sectors", _focus(study)),
        ("Ten years of support with learning", [*_learning(study), *_pigouvian(study)]),
        ("Research and knowledge from abroad", _knowledge(study)),
        ("Specialisation", _specialisation(study)),
        ("The paper and the data", [*_claims(study), *_target(study)]),
    ]
    return [(heading, sentences) for heading, sentences in told if sentences]


def place(country: str) -> str:
    """Return the name of a country where the series have it, else its label."""
    return series_countries().get(country, country)


def _gain(change: float) -> str:
    return f"{'gains' if change >= 0 else 'loses'} {abs(change):.2f} percent of welfare"


def _correction(study: CountryStudy) -> list[str]:
    n, name = study.base.countries.index(study.country), place(study.country)
    told = []
    if study.alone.parts:
        alone = study.alone
        told.append(
            f"Acting alone, {name} {_gain(alone.welfare[n])}; the subsidies cost {alone.bill:.1f} percent of its "
            "national income, financed lump sum."
        )
    if study.together.parts:
        welfare = study.together.welfare
        losers = [label for label, change in zip(study.base.countries, welfare) if change < 0]
        lost = f"; {enumerated(losers)} {'loses' if len(losers) == 1 else 'lose'}" if losers else ""
        told.append(
            f"If all {len(welfare)} countries correct, it {_gain(welfare[n])} at a bill of "
            f"{study.together.bill:.1f} percent, and {int((welfare > 0).sum())} of {len(welfare)} gain{lost}."
        )
    if study.alone.parts:
        listed = ", ".join(f"{key} {value:+.2f}" for key, value in study.alone.parts.items())
        told.append(f"Exact parts of the result alone, in 100 log points: {listed}.")
    return told


def immiserizing(study: CountryStudy) -> list[str]:
    """Say whether correcting alone harms a country that would gain closed and coordinated."""
    test, name = study.immiserizing, place(study.country)
    if not np.isfinite([test.alone, test.together]).all():
        return []
    if test.verdict:
        return [f"Correcting alone is immiserizing: closed, {name} would gain {test.closed:.2f} percent."]
    if test.alone < 0:
        return [
            f"Correcting alone harms {name}, and coordination does not help it either ({test.together:.2f} percent); "
            f"closed, it would gain {test.closed:.2f}."
        ]
    less = "less" if test.alone < test.together else "more"
    return [
        f"Correcting alone is not immiserizing: it gives {less} than coordination, and a closed economy would gain "
        f"{test.closed:.2f} percent."
    ]


def _assumptions(study: CountryStudy) -> list[str]:
    name = place(study.country)
    held = [one for one in study.variants if one.outcome == CERTIFIED]
    told = []
    for others, what in (
        (False, "sets of assumptions"),
        (True, "sets with trade elasticities of other papers"),
    ):
        some = [one for one in held if (one.group == "sets") == others]
        if some:
            gains = np.array([one.values["gain_alone"] for one in some])
            low, high = int(gains.argmin()), int(gains.argmax())
            told.append(
                f"Over {len(some)} {what} the gain alone runs from {gains[low]:.2f} ({some[low].name}) to "
                f"{gains[high]:.2f} percent ({some[high].name})."
            )
    if not held:
        return []
    without = [one for one in held if one.group == "petroleum" and one.name.startswith("petroleum without")]
    if without and study.variants[0].outcome == CERTIFIED:
        told.append(
            f"Without the scale elasticity of petroleum the gain alone is {without[0].values['gain_alone']:.2f} "
            f"instead of {study.variants[0].values['gain_alone']:.2f} percent, coordinated "
            f"{without[0].values['gain_together']:.2f} instead of {study.variants[0].values['gain_together']:.2f}."
        )
    turned = flips(study.variants)
    own = turned[study.country]
    told.append(
        f"Its sign is not that of the baseline under {len(own)} of them: {'; '.join(own)}."
        if own
        else f"Its sign is that of the baseline under all of them for {name}."
    )
    others = [f"{country} {len(turned[country])}" for country in study.peers if turned[country]]
    if others:
        told.append(
            f"For peers the sign of the gain alone turns (sets of {len(held) - 1}): {', '.join(others)}."
        )
    refused = [one for one in study.variants if one.outcome == REFUSED]
    if refused:
        told.append(
            f"{len(refused)} sets are refused under free entry, since mu*epsilon reaches 1 somewhere and an "
            "equilibrium need not be unique."
        )
    return told


def _draws(study: CountryStudy) -> list[str]:
    held = study.interval
    if held is None or held.failed == len(held.gainers):
        return []
    low, middle, high = held.percentiles("gain_alone")
    together = held.percentiles("gain_together")
    cut, proposed = sum(held.draws.cut.values()), sum(held.draws.proposed.values())
    missing = f" ({held.failed} without certificate left out)" if held.failed else ""
    return [
        f"Over {len(held.gainers)} draws of the elasticities{missing} the gain alone lies between {low:.2f} and "
        f"{high:.2f} percent ({PERCENTILES[0]:g}th to {PERCENTILES[-1]:g}th percentile, median {middle:.2f}), "
        f"coordinated between {together[0]:.2f} and {together[-1]:.2f}; alone it is above 0 in "
        f"{held.share_positive('gain_alone'):g} percent of the draws.",
        f"To stay inside the model {cut} of {proposed} proposals were cut, {held.draws.reasons[NOT_BELOW]} of them "
        f"(also) because {NOT_BELOW}.",
    ]


def _focus(study: CountryStudy) -> list[str]:
    listed = [
        f"{one.sector.industry} {one.welfare:+.2f} (bill {one.bill:.2f})"
        for one in study.supports
        if one.rule == CORRECTIVE and np.isfinite(one.welfare)
    ]
    tenth = [
        f"{one.sector.industry} {one.welfare:+.2f}"
        for one in study.supports
        if one.rule != CORRECTIVE and np.isfinite(one.welfare)
    ]
    if not listed:
        return []
    return [
        "Support of one focus sector and of no other, static effect on welfare in percent: at its scale elasticity "
        f"{', '.join(listed)}; at ten percent {', '.join(tenth)}.",
        "Medical devices and sporting goods lie in C31T33 with others, leather in C13T15, IT in services, which "
        "have no "
        "scale economies here.",
    ]


def _learning(study: CountryStudy) -> list[str]:
    if not study.learning or not study.learning[0].trajectories:
        return []
    main = study.learning[0]
    growth = 100.0 * main.assumptions.growth
    fading = " and ".join(f"{rate:.2f} after {date:g}" for date, rate in main.fading.items() if date > 0)
    told = [
        f"Learning is scaled so that productivity in {place(study.country)}'s manufacturing starts to grow at "
        f"{growth:.2f} percent a year; the law is additive, so without support growth falls to {fading} years."
    ]
    for rule in dict.fromkeys(one.rule for one in main.trajectories):
        listed = [
            f"{one.sector.industry} {one.at_start:+.2f} at the start, {one.after:+.2f} after it ends, worth "
            f"{one.equivalent:+.3f}"
            for one in main.trajectories
            if one.rule == rule
        ]
        told.append(
            f"Support at {rule}, welfare against none in percent, with the consumption equivalent of it all: "
            f"{'; '.join(listed)}."
        )
    words = {
        (True, True): "pass both tests",
        (True, False): "pass Bastable's and fail Mill's",
        (False, True): "pass Mill's and fail Bastable's",
        (False, False): "fail both",
    }
    verdicts: dict[tuple[bool, bool], list[str]] = {key: [] for key in words}
    for one in main.trajectories:
        verdicts[one.bastable, one.mill].append(f"{one.sector.industry} at {one.rule}")
    found = "; ".join(
        f"{len(names)} {words[key]} ({', '.join(names)})" for key, names in verdicts.items() if names
    )
    told.append(
        f"Of {len(main.trajectories)} kinds of support, judged over {HORIZON:g} years at {100 * DISCOUNT:g} "
        f"percent: {found}."
    )
    passed: dict[str, list[bool]] = {}
    for held in study.learning:
        for one in held.trajectories:
            if one.rule == TENTH:
                passed.setdefault(one.sector.industry, []).append(one.bastable)
    counted = ", ".join(f"{industry} {sum(each)} of {len(each)}" for industry, each in passed.items())
    told.append(
        f"Support at ten percent passes Bastable's test under so many assumptions on learning: {counted}."
    )
    return told


def _pigouvian(study: CountryStudy) -> list[str]:
    if not study.learning or not study.learning[0].subsidies:
        return []
    *held, mean = study.learning[0].subsidies
    listed = "; ".join(
        f"{one.industry} {one.subsidy:.1f} ({one.scale:.1f} for scale, {one.learning:.1f} for learning)"
        for one in held
    )
    return [
        "The subsidy that pays for scale and for what employment teaches, in percent at the start of the path "
        f"without support: {listed}; mean over all industries by employment {mean.subsidy:.1f} ({mean.scale:.1f} "
        f"and {mean.learning:.1f}). Only differences from the mean matter."
    ]


def _knowledge(study: CountryStudy) -> list[str]:
    if not study.knowledge:
        return []
    name, told = place(study.country), []
    for part in dict.fromkeys(one.from_abroad for one in study.knowledge):
        still, research, wider = (one for one in study.knowledge if one.from_abroad == part)
        told.append(
            f"If {part:g} percent of {name}'s growth since {SINCE} came from abroad, knowledge grows by "
            f"{still.growth:.2f} percent a year over {YEARS[-1]:g} years; doubling research at home puts it "
            f"{research.gains[-1]:.0f} percent higher at the end, doubling diffusion to it {wider.gains[-1]:.0f}."
        )
    return [*told, "Neither research nor diffusion is in the data: the parts from abroad are assumptions."]


def _specialisation(study: CountryStudy) -> list[str]:
    held, name = study.specialisation, place(study.country)
    top = int(held.export_share.argmax())
    told = [
        f"{held.goods[top]} ({describe(DATA).industry_names[top]}) makes {held.export_share[top]:.0f} percent of "
        f"{name}'s goods exports (revealed comparative advantage {held.advantage[top]:.1f})."
    ]
    groups = [" + ".join(cluster) for cluster in held.clusters]
    told.append(f"Strengths by cluster of the product space: {'; '.join(groups) or 'none'}.")
    leaning = "towards" if held.scale_gap > 0 else "away from"
    told.append(
        f"Employment leans {leaning} industries with strong scale economies: its mean scale elasticity is "
        f"{abs(held.scale_gap):.3f} {'above' if held.scale_gap > 0 else 'below'} that of spending."
    )
    return told


def _claims(study: CountryStudy) -> list[str]:
    if study.diagnosis is None:
        return [f"The embedded series do not hold {study.country}: no diagnosis."]
    if not study.diagnosis.claims:
        return []
    count, total = Counter(one.verdict for one in study.diagnosis.claims), len(study.diagnosis.claims)
    verbs = {CONFIRMED: ("is", "are"), ROUGHLY: ("holds", "hold"), NOT: ("is", "are")}
    listed = ", ".join(f"{count[said]} {verbs[said][count[said] != 1]} {said}" for said in verbs)
    told = [
        f"Of {total} {'claim' if total == 1 else 'claims'} of the paper about {place(study.country)}"
        f"{' and its peers' if study.country == 'PAK' else ''}, {listed}."
    ]
    wrong = Counter(one.figure for one in study.diagnosis.claims if one.verdict == NOT)
    if wrong:
        named = [
            f"{number} on {'section' if '.' in figure else 'Figure'} {figure}"
            for figure, number in wrong.items()
        ]
        told.append(f"Not confirmed: {enumerated(named)}.")
    return told


def _target(study: CountryStudy) -> list[str]:
    if study.diagnosis is None or not study.diagnosis.targets:
        return []
    facts, targets = study.diagnosis.facts[0], study.diagnosis.targets
    low, high = (f"{100 * rise:.0f}" for rise in TARGET_RISE)
    return [
        f"A rise of {low} to {high} percent in value added per worker in {TARGET_YEARS} years asks for "
        f"{targets[0].growth:.1f} to {targets[1].growth:.1f} percent a year; since {PRODUCTIVITY_FROM} it rose by "
        f"{facts.value_added_growth:.1f} a year "
        f"(by {facts.industry_value_added_growth:.1f} per worker in all industry)."
    ]
