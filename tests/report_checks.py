"""What holds for every JSON file and HTML page of ours, whatever it is about."""

from __future__ import annotations

import base64
import copy
import hashlib
from html.parser import HTMLParser
from typing import Any


def with_change(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of JSON values with another value at a/b/0; the class KeyError removes what is there."""
    content = copy.deepcopy(content)
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("/"))
    inner: Any = content
    for key in parents:
        inner = inner[key]
    if value is KeyError:
        del inner[last]
    else:
        inner[last] = value
    return content


def violations(rule: dict[str, Any], value: Any, root: dict[str, Any], path: str = "$") -> list[str]:
    """Where `value` breaks a JSON Schema: all keywords that ours uses, an unknown one is an error."""
    found: list[str] = []
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    for keyword, wanted in rule.items():
        match keyword:
            case "$ref":
                found += violations(root["$defs"][wanted.rpartition("/")[2]], value, root, path)
            case "type":
                right = value is None if wanted == "null" else isinstance(value, kinds[wanted])
                if not right or (wanted in ("integer", "number") and isinstance(value, bool)):
                    found.append(f"{path}: {wanted}")
            case "enum" | "const":
                if value not in (wanted if keyword == "enum" else [wanted]):
                    found.append(f"{path}: {wanted}")
            case "anyOf":
                if all(violations(choice, value, root, path) for choice in wanted):
                    found.append(f"{path}: none of {len(wanted)}")
            case "required" if isinstance(value, dict):
                found += [f"{path}.{key}" for key in wanted if key not in value]
            case "properties" if isinstance(value, dict):
                for key in wanted.keys() & value.keys():
                    found += violations(wanted[key], value[key], root, f"{path}.{key}")
            case "additionalProperties" if isinstance(value, dict):
                for key in value.keys() - rule.get("properties", {}).keys():
                    found += (
                        [f"{path}.{key}"] if wanted is False else violations(wanted, value[key], root, f"{path}.{key}")
                    )
            case "items" if isinstance(value, list):
                for i, item in enumerate(value):
                    found += violations(wanted, item, root, f"{path}[{i}]")
            case "minItems" | "minProperties" if isinstance(value, list | dict):
                found += [f"{path}: {keyword}"] if len(value) < wanted else []
            case "maxItems" if isinstance(value, list):
                found += [f"{path}: {keyword}"] if len(value) > wanted else []
            case "$schema" | "title" | "description" | "$defs":
                pass
            case _:
                assert keyword in {"required", "properties", "additionalProperties", "items", "minItems", "maxItems"}
    return found


class Page(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style") and self.tags[-1][0] not in self.raw:
            self.raw[self.tags[-1][0]] = data
        self.text.append(data)


def assert_self_contained(html: str) -> None:
    """One script, one style, no other resource, no handler, and links that lead somewhere on the page."""
    page = Page(html)
    kinds = [tag for tag, _ in page.tags]
    assert kinds.count("script") == kinds.count("style") == 1
    assert not set(kinds) & {"img", "iframe", "object", "embed", "base", "form", "image", "use", "foreignobject"}
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        assert not [key for key in attrs if key.startswith("on") or key in ("style", "src", "srcset", "xlink:href")]
        href = attrs.get("href")
        assert href is None or href == "data:," or href.removeprefix("#") in ids


def assert_strict_policy(html: str) -> None:
    """The page's policy names its own script and style by their hashes and allows nothing else."""
    page = Page(html)
    policy = next(
        a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None and "default-src 'none'" in policy and "unsafe" not in policy
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
