"""The checked-in set of 10 000 addresses: how much of it is found, how much wrongly, and that the set can be made again."""

from collections import Counter

from bench.addresses import SET, lines
from bench.geocoding import gazetteer, outcomes, read, shares


def test_over_95_per_cent_are_matched_and_under_half_a_per_cent_wrong() -> None:
    known, texts = gazetteer(), read()
    came = outcomes(known, texts)
    found = shares(came)
    assert found["texts"] == 10_000
    assert found["with_truth"] == sum(bool(one.truth) for one in texts)
    assert found["matched"] > 95
    assert found["wrong"] < 0.5


def test_every_outcome_is_told_apart() -> None:
    texts = read()
    plain = next(one for one in texts if one.kind == "plain")
    missing = next(one for one in texts if one.kind == "number beyond")
    tried = [
        plain,
        plain._replace(truth="ul. Żadna 1"),
        plain._replace(truth=""),
        missing,
        missing._replace(truth="ul. Żadna 1"),
    ]
    came = outcomes(gazetteer(), tried)
    assert came == ["matched", "wrong", "fooled", "refused", "missed"]
    assert shares(came) == {"texts": 5, "with_truth": 3, "matched": 33.33, "not_found": 33.33, "wrong": 40.0}


def test_the_set_has_what_must_not_be_found_and_no_text_twice() -> None:
    texts = read()
    assert max(Counter(one.text for one in texts).values()) == 1
    assert 400 <= sum(not one.truth for one in texts) <= 600
    assert all(one == one.strip() for row in texts for one in row)


def test_the_set_is_made_again_as_it_is() -> None:
    assert "".join(f"{one}\n" for one in lines()) == SET.read_text(encoding="utf-8")
