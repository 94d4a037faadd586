"""The command line of a service's tasks."""

import pytest

from toolkit import arguments


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["resource.change", "product", "-legacy"], ["resource.change", "product", " -legacy"]),
        (
            ["resource.change", "product", "-unique(a, b) +c:int"],
            ["resource.change", "product", " -unique(a, b) +c:int"],
        ),
        (["resource.change", "--check", "product", "-legacy"], ["resource.change", "--check", "product", " -legacy"]),
        (["resource.change", "product", "-legacy", "-c"], ["resource.change", "product", " -legacy", "-c"]),
        (["resource.change", "product", "+sku:str"], ["resource.change", "product", "+sku:str"]),
        (["resource.change", "product", "-a"], ["resource.change", "product", " -a"]),
        (["resource.change", "product", "-c"], ["resource.change", "product", " -c"]),
        (["resource.change", "product", "--check", "-c"], ["resource.change", "product", "--check", " -c"]),
        (["resource.change", "product", "-a", "-c"], ["resource.change", "product", " -a", "-c"]),
        (["resource.change", "-c", "product", "-a"], ["resource.change", "-c", "product", " -a"]),
        (["resource.change", "product", "-b", "sku='x'", "-a"], ["resource.change", "product", "-b", "sku='x'", " -a"]),
        (["resource.change", "product", "-b", "-c"], ["resource.change", "product", " -b", "-c"]),
        (["resource.change", "product", "-c", "+sku:str"], ["resource.change", "product", "-c", "+sku:str"]),
        (["resource.change", "product", "-c", "-legacy"], ["resource.change", "product", "-c", " -legacy"]),
        (["resource.change", "product", "-e", "+a:int"], ["resource.change", "product", "-e", "+a:int"]),
        (
            ["resource.change", "product", "--edit=-a b:int", "-c"],
            ["resource.change", "product", "--edit=-a b:int", "-c"],
        ),
        (
            ["resource.change", "--name", "product", "-e", "+a:int"],
            ["resource.change", "--name", "product", "-e", "+a:int"],
        ),
        (["deploy", "-e", "-legacy"], ["deploy", "-e", "-legacy"]),
    ],
)
def test_a_removed_field_is_not_an_option(given: list[str], read: list[str]) -> None:
    assert arguments.read(["tasks.py", *given]) == ["tasks.py", *read]
