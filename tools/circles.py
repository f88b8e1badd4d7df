#!/usr/bin/env python3
"""Prints the circles between modules of the workspace's crates, and fails if there is one.

    tools/circles.py            every crate in crates/
    tools/circles.py local      only these crates
    tools/circles.py --test     checks this script on a small crate with a circle in it

A module is a file. Each `use` and each path (`crate::a::b`, `super::c`) in it is an arrow to another module. Arrows are
compared under the closest common ancestor: `glue::crawl -> server::listen` counts as `glue -> server`. A module and its
descendants may refer to one another. A name that an ancestor only re-exports leads to the module that it comes from, so
that `crate::Item` is no detour. Code behind `#[cfg(test)]` and files called `tests` are left out.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

IDENT = r"(?:r#)?[A-Za-z_][A-Za-z0-9_]*"
# Comments, raw strings, strings, characters: none of them holds code. A lifetime is no character.
NO_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|b?r(?P<hashes>#*)\".*?\"(?P=hashes)|b?\"(?:\\.|[^\"\\])*\"|b?'(?:\\[^\n]{1,8}?|[^'\\\n])'", re.S
)
USE = re.compile(rf"\b(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
MODULE = re.compile(rf"\bmod\s+({IDENT})\s*([;{{])")
PATH = re.compile(rf"(?<![\w:])({IDENT}(?:::{IDENT})+)")
DEFINITION = re.compile(rf"\b(?:fn|struct|enum|union|trait|type|const|static|macro_rules!)\s+({IDENT})")


def blank(text):
    """The same number of characters and lines, without content."""
    return re.sub(r"[^\n]", " ", text)


def block_end(text, start):
    """The end of the item that begins at `start`: its `;`, or the brace that closes its first block."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] in "{([":
            depth += 1
        elif text[at] in "})]":
            depth -= 1
            if depth == 0 and text[at] == "}":
                return at + 1
        elif text[at] == ";" and depth == 0:
            return at + 1
    return len(text)


def code(text):
    """The code of a file: no comments, no strings, nothing that only tests see."""
    text = NO_CODE.sub(lambda match: blank(match[0]), text)
    while found := re.search(r"#\[cfg\(test\)\]", text):
        end = found.end()
        while attribute := re.compile(r"\s*#\[").match(text, end):
            end = text.index("]", attribute.end()) + 1
        end = block_end(text, end)
        text = text[: found.start()] + blank(text[found.start() : end]) + text[end:]
    return text


def leaves(tree, prefix=()):
    """The (name, path) pairs that a use tree imports; `*` is the name of a glob."""
    tree = tree.strip()
    if "{" in tree:
        head, _, rest = tree.partition("{")
        prefix += tuple(part.strip() for part in head.split("::") if part.strip())
        depth, part = 0, ""
        for char in rest[: rest.rindex("}")] + ",":
            depth += (char == "{") - (char == "}")
            if char == "," and depth == 0:
                if part.strip():
                    yield from leaves(part, prefix)
                part = ""
            else:
                part += char
        return
    tree, _, alias = tree.partition(" as ")
    path = prefix + tuple(part.strip() for part in tree.split("::") if part.strip())
    if path[-1] == "self" and len(path) > 1:
        path = path[:-1]
    yield alias.strip() or path[-1], path


class Crate:
    """The modules of one crate target. A module's name is a tuple of path segments, () for the root."""

    def __init__(self, root):
        self.files, self.texts, self.names, self.definitions, self.inner = {}, {}, {}, {}, {}
        self.add((), root, root.parent)

    def add(self, module, file, folder):
        """Reads a module's file, and those of its children in `folder`."""
        text = code(file.read_text())
        self.files[module], self.texts[module] = file, text
        self.definitions[module] = set(DEFINITION.findall(text))
        self.names[module] = [leaf for tree in USE.findall(text) for leaf in leaves(tree)]
        self.inner[module] = []
        for found in MODULE.finditer(text):
            name, kind = found.groups()
            if kind == "{":
                self.inner[module].append((found.start(), block_end(text, found.start()), name))
            elif name != "tests":
                candidates = [folder / f"{name}.rs", folder / name / "mod.rs"]
                self.add(module + (name,), next(file for file in candidates if file.exists()), folder / name)

    def absolute(self, module, path, inside=0):
        """A path from the crate's root, or None if it leads elsewhere. `inside`: depth of inline modules around it."""
        first, *rest = path
        if first == "crate":
            return tuple(rest)
        if first not in ("self", "super"):
            return module + path if module + (first,) in self.files else None
        while first == "super":
            module, inside = (module, inside - 1) if inside else (module[:-1], 0)
            first, *rest = rest or ("",)
        return module + tuple(rest) if first == "self" else module + ((first,) if first else ()) + tuple(rest)

    def target(self, origin, path, seen=()):
        """The module that an absolute path leads to, as seen from `origin`."""
        module = max((path[:length] for length in range(len(path) + 1) if path[:length] in self.files), key=len)
        if path == module or origin[: len(module)] != module or (module, path) in seen:
            return module
        name = path[len(module)]
        if name not in self.definitions[module]:
            globs = []
            for alias, imported in self.names[module]:
                full = self.absolute(module, imported)
                if full is not None and alias == name:
                    return self.target(origin, full + path[len(module) + 1 :], seen + ((module, path),))
                if full is not None and alias == "*":
                    globs.append(full[:-1])
            for source in globs:
                if name in self.definitions.get(source, ()):
                    return source
        return module

    def arrows(self):
        """(from, to, where): arrows between siblings, and a line that draws each."""
        for module, text in self.texts.items():
            aliases = {}
            for alias, path in self.names[module]:
                full = self.absolute(module, path)
                if full is not None:
                    aliases[alias] = full
            found = []
            for use in USE.finditer(text):
                found += [(use.start(), path) for _, path in leaves(use[1])]
            rest = USE.sub(lambda use: blank(use[0]), text)
            found += [(path.start(), tuple(path[1].split("::"))) for path in PATH.finditer(rest)]
            for at, path in found:
                inside = sum(start < at < end for start, end, _ in self.inner[module])
                full = self.absolute(module, path, inside)
                if full is None and path[0] in aliases:
                    full = aliases[path[0]] + path[1:]
                if full is None:
                    continue
                full = full[:-1] if full and full[-1] == "*" else full
                target = self.target(module, full)
                common = 0
                while common < min(len(module), len(target)) and module[common] == target[common]:
                    common += 1
                if common < min(len(module), len(target)):
                    where = f"{self.files[module]}:{text.count(chr(10), 0, at) + 1}: {'::'.join(path)}"
                    yield module[: common + 1], target[: common + 1], where


def circles(arrows):
    """Groups of modules of which each reaches each other."""
    graph = {}
    for start, end in arrows:
        graph.setdefault(start, set()).add(end)
        graph.setdefault(end, set())

    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for end in graph[todo.pop()] - seen:
                seen.add(end)
                todo.append(end)
        return seen

    reach = {module: reached(module) for module in graph}
    groups = {frozenset(other for other in reach[module] if module in reach[other]) for module in graph}
    return sorted((sorted(group) for group in groups if group), key=lambda group: (-len(group), group))


def report(crate, folder):
    """Prints the circles of one crate; how many there are."""
    count = 0
    for name in ("lib.rs", "main.rs"):
        root = folder / "src" / name
        if not root.exists():
            continue
        target, arrows = Crate(root), {}
        for start, end, where in target.arrows():
            arrows.setdefault((start, end), []).append(where)
        for group in circles(arrows):
            count += 1
            inside = sum(any(module[: len(top)] == top for top in group) for module in target.files)
            print(f"{crate}: a circle of {len(group)} modules ({inside} files): {', '.join('::'.join(m) for m in group)}")
            for (start, end), wheres in sorted(arrows.items()):
                if start in group and end in group:
                    more = f" and {len(wheres) - 1} more" if len(wheres) > 1 else ""
                    print(f"  {'::'.join(start)} -> {'::'.join(end)}  {wheres[0]}{more}")
    return count


def self_test():
    """A crate with one circle, and with much that looks like one and is none."""
    files = {
        "lib.rs": "mod a; mod b; mod c; mod d; pub use b::Item; pub use d::*;",
        "a.rs": "mod low; use crate::{Item, c::Other as Renamed}; pub fn a() {} struct Quote(char); const Q: char = '\"';",
        "a/low.rs": "use super::a; // crate::c is named in a comment\nfn f() -> &'static str { \"crate::d\" }",
        "b.rs": "pub struct Item; #[cfg(test)] #[allow(x)] mod tests { use crate::a::a; }",
        "c.rs": "pub struct Other; mod inner { use super::super::d; } fn f() { d::deep::g() }",
        "d.rs": "pub mod deep; pub struct D;",
        "d/deep.rs": "pub fn g() { super::super::Item; }",
    }
    planted = {"b.rs": files["b.rs"] + " fn f() { crate::a::a() }"}
    through_glob = {"b.rs": files["b.rs"] + " use crate::D;"}  # d::deep leads back to b
    siblings = {"d.rs": files["d.rs"] + " mod flat;", "d/flat.rs": "use super::deep::g;", "d/deep.rs": "use super::flat;"}
    for changed, expected in [
        ({}, []),
        (planted, [[("a",), ("b",), ("c",), ("d",)]]),
        (through_glob, [[("b",), ("d",)]]),
        (siblings, [[("d", "deep"), ("d", "flat")]]),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (files | changed).items():
                (Path(folder) / name).parent.mkdir(exist_ok=True)
                (Path(folder) / name).write_text(text)
            found = circles({(start, end) for start, end, _ in Crate(Path(folder) / "lib.rs").arrows()})
            assert found == expected, f"{found} instead of {expected}"


def main():
    if "--test" in sys.argv:
        return self_test()
    crates = Path(os.path.relpath(Path(__file__).resolve().parent.parent / "crates"))
    names = sys.argv[1:] or sorted(folder.name for folder in crates.iterdir() if (folder / "src").is_dir())
    found = sum(report(name, crates / name) for name in names)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
