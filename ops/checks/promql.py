"""As much of PromQL as it takes to say which series an expression reads, by which labels, and inside of which function."""
import re
from dataclasses import dataclass, field

KEYWORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan", "start", "end", "atan2"}
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[a-zA-Z_:][\w:]*|\[[^\]]*\]|[0-9][\w.]*|\S')


@dataclass
class Series:
    """One selector."""

    name: str
    function: str = ""
    labels: set = field(default_factory=set)


@dataclass
class Expression:
    series: list = field(default_factory=list)
    grouped_by: set = field(default_factory=set)


def read(text):
    tokens = TOKEN.findall(text)
    found, functions, at = Expression(), [], 0
    while at < len(tokens):
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if token in GROUPING and following == "(":
            end = tokens.index(")", at)
            found.grouped_by |= {label for label in tokens[at + 2 : end] if label != ","}
            at = end + 1
            continue
        if token == "(":
            functions.append("")
        elif token == ")":
            functions.pop()
        elif re.match(r"[a-zA-Z_:]", token) and token.lower() not in KEYWORDS:
            if following == "(":
                functions.append(token)
                at += 2
                continue
            if following in GROUPING:
                # sum by (le) (...): the function's bracket comes after the labels.
                end = tokens.index(")", at)
                found.grouped_by |= {label for label in tokens[at + 3 : end] if label != ","}
                functions.append(token)
                at = end + 2
                continue
            series = Series(token, next((name for name in reversed(functions) if name), ""))
            if following == "{":
                end = tokens.index("}", at)
                inside = tokens[at + 2 : end]
                series.labels = {label for label, then in zip(inside, inside[1:]) if then in ("=", "!", "=~", "!~") and re.match(r"[a-zA-Z_]", label)}
                at = end
            found.series.append(series)
        at += 1
    return found
