"""A country study: is there a case for industrial policy in one country, seen beside its peers?

Written for SDPI working paper 213 on Pakistan. The parts: what the paper says held against series
(`diagnosis`, `claims`), what the country makes and sells (`specialisation`), the corrective policy alone and
with all others (`correction`), support of single sectors (`focus`), ten years of it with learning (`dynamic`),
and what the static part rests on (`sensitivity`, `draws`). Elasticities and sectors are those of `icio2019`.
"""

from exacthat.country_study.whole import CountryStudy, country_study

__all__ = ["CountryStudy", "country_study"]
