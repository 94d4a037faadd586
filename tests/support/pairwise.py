"""Few combinations of options that hold every pair of answers (most faults need no more than two)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product


def pairwise(options: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Greedy: of all combinations, again and again the one with most pairs that are not covered yet."""
    everything = [dict(zip(options, answers, strict=True)) for answers in product(*options.values())]
    missing = {pair for answers in everything for pair in _pairs(answers)}
    while missing:
        best = max(everything, key=lambda answers: len(missing & _pairs(answers)))
        missing -= _pairs(best)
        yield best


def each_answer_once(cases: Iterable[Mapping[str, str]]) -> Iterator[bool]:
    """For each case, whether it has an answer that no case before it had."""
    seen: set[tuple[str, str]] = set()
    for case in cases:
        yield not case.items() <= seen
        seen |= case.items()


def _pairs(answers: Mapping[str, str]) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    first_second = combinations(sorted(answers.items()), 2)
    return set(first_second)
