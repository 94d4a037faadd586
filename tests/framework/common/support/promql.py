"""Metrics in the queries of dashboards and alert rules, compared with those of a scrape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

# Prometheus adds these two to every series, and makes this metric itself for every target.
ADDED = frozenset({"job", "instance"})
OWN = {"up": frozenset(ADDED)}
VARIABLES = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}


@dataclass(frozen=True)
class Query:
    """One expression, where it stands, and (for a recording rule) the name of its result."""

    place: str
    expression: str
    record: str = ""


@dataclass
class Scrape:
    """Names of series, with their labels and each label's values."""

    series: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def read(self, exposition: str) -> Scrape:
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                labels = self.series.setdefault(sample.name, {})
                for name, value in sample.labels.items():
                    labels.setdefault(name, set()).add(value)
        return self


def queries(folder: Path) -> list[Query]:
    """Every query of the rules and dashboards below `observability/`."""
    found = [query for path in sorted(folder.glob("prometheus/rules/*.yml")) for query in _rules(path)]
    for path in sorted(folder.glob("grafana/dashboards/*.json")):
        found += _dashboard(path.name, json.loads(path.read_text(encoding="utf-8")))
    return found


def _rules(path: Path) -> Iterator[Query]:
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            name = rule.get("record") or rule["alert"]
            yield Query(f"{path.name}: {name}", rule["expr"], rule.get("record", ""))


def _dashboard(place: str, node: Any) -> Iterator[Query]:
    if isinstance(node, dict):
        title = node.get("title") or node.get("name")
        place = f"{place}: {title}" if isinstance(title, str) else place
        if isinstance(node.get("expr"), str):
            yield Query(place, _filled(node["expr"]))
        if isinstance(node.get("definition"), str):
            yield Query(place, _label_values(node["definition"]))
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _dashboard(place, child)


def _filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$\w+", "x", expression)


def _label_values(definition: str) -> str:
    """Grafana's label_values(SELECTOR, LABEL), as a query that asks for the same."""
    found = re.fullmatch(r"label_values\((?P<selector>.*), (?P<label>\w+)\)", definition)
    assert found, f"cannot read {definition}"
    return _filled(f"count by ({found['label']}) ({found['selector']})")


def complaints(asked: list[Query], scrape: Scrape) -> list[str]:
    """Yield the metrics of the queries that neither the scrape nor a recording rule has."""
    known: dict[str, Mapping[str, set[str]]] = {**scrape.series, **{name: {} for name in OWN}}
    found = []
    for query in asked:
        if query.record:
            tree = promql_parser.parse(query.expression)
            labels = {label for node in _nodes(tree) for label in _grouping(node)}
            known[query.record] = {label: set() for label in labels}
    for query in asked:
        found += [f"{query.place}: {fault}" for fault in _faults(promql_parser.parse(query.expression), known)]
    return found


def _faults(tree: Any, known: Mapping[str, Mapping[str, set[str]]]) -> Iterator[str]:
    nodes = list(_nodes(tree))
    selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    there: set[str] = set(ADDED)
    for selector in selectors:
        if selector.name not in known:
            yield f"there is no metric {selector.name}"
            return
        labels = known[selector.name]
        there |= labels.keys()
        for matcher in selector.matchers.matchers:
            if matcher.name in ADDED:
                continue
            values = labels.get(matcher.name)
            if values is None:
                yield f"{selector.name} has no label {matcher.name}"
            elif values and matcher.op == promql_parser.MatchOp.Equal and matcher.value not in values:
                yield f"{selector.name} never has {matcher.name}={matcher.value!r}"
    for node in nodes:
        for label in sorted(set(_grouping(node)) - there):
            yield f"nothing in it has the label {label}"


def _grouping(node: Any) -> list[str]:
    """The labels that an aggregation or a match of two sides goes by."""
    modifier = getattr(node, "modifier", None)
    if isinstance(node, promql_parser.AggregateExpr) and modifier:
        return list(modifier.labels)
    if isinstance(node, promql_parser.BinaryExpr) and modifier and modifier.matching:
        return list(modifier.matching.labels)
    return []


def _nodes(tree: Any) -> Iterator[Any]:
    """Every node of an expression, as the parser's own walk meets them."""
    found: list[Any] = []

    def see(node: Any) -> bool:
        found.append(node)
        return True

    promql_parser.walk(tree, see)
    return iter(found)
