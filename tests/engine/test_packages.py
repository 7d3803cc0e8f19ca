from pathlib import Path

import pytest

import broker
from broker.errors import DeclarationError
from broker.packages import check_packages


def test_ours_are_ours() -> None:
    check_packages()


def test_another_distribution_with_the_same_package_is_named() -> None:
    with pytest.raises(
        DeclarationError, match=r"^the package 'connectors' is also installed by elastic-connectors, which"
    ):
        check_packages(owners={"connectors": ["elastic-connectors", "poznan-broker"], "broker": ["poznan-broker"]})


def test_a_package_from_another_place_is_named(tmp_path: Path) -> None:
    here = Path(broker.__file__).resolve().parent
    with pytest.raises(DeclarationError) as caught:
        check_packages(home=tmp_path)
    assert str(caught.value).startswith(
        f"the package 'broker' comes from {here}, not from {tmp_path / 'broker'}; start"
    )
