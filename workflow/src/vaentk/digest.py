"""Which library code a script reaches, condensed into one digest.

Snakemake reruns a job when its script, its parameters or its inputs change, but not when a library
module changes that the script imports. Every rule therefore carries the `code_digest` of its script
as a parameter: it changes with each symbol that the script reaches and with nothing else.

A symbol is a name bound at the top level of a module. From the script, names lead through imports
(relative, nested, re-exported, `if TYPE_CHECKING`) to symbols and from these to others. What acts
on import beyond binding names is `<module>`, part of every script that imports the module. Where
names cannot tell (a star import, a module passed as a value, an attribute bound nowhere, `globals`)
the whole module counts. Comments, layout and docstrings never count: no code may read `__doc__`.
Not seen: names in strings, quoted types among them; package data, which rules declare as inputs;
tables filled by an assignment's call or by `__init_subclass__`, which the house does without.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from symtable import symtable

Chain = tuple[str, ...]  # a dotted name: limit.f.cache is ("limit", "f", "cache")
Import = tuple[str, str, Chain]  # the name bound ("" for none), the module, what of the module

_OWN_MODULE = {"globals", "locals", "vars", "eval", "exec"}
_ANY_MODULE = {"builtins.__import__", "importlib.import_module", "sys.modules", "sys.executable"}
# Any other decorator may enter its function into a table that is read without naming the function.
_PURE_DECORATOR = re.compile(
    r"(.+\.)?(cache|compile|contextmanager|dataclass|inference_mode|lru_cache|no_grad|overload)"
)
_ACTIONS = (ast.Expr, ast.For, ast.While, ast.With, ast.Match, ast.Delete, ast.Assert, ast.Raise)


def code_digest(script: Path, package_root: Path) -> str:
    """Digest of a script and of all library symbols that it reaches: 64 hexadecimal digits.

    Parameters
    ----------
    script : Path
        The Python script of a rule; modules beside it count as library modules.
    package_root : Path
        The folder of the package, named as the package is imported.

    Raises
    ------
    OSError, SyntaxError
        When the script, or a module that it reaches, cannot be read; the message names the file.
    """
    total = hashlib.sha256()
    for module, statements in sorted(_Reach(script, package_root).taken.items()):
        texts = [text for _, text in sorted((s.place, s.text) for s in statements)]
        total.update(repr((module, texts)).encode())
    return total.hexdigest()


def reached(script: Path, package_root: Path) -> dict[str, set[str]]:
    """Names of the symbols that a script reaches, by module; `<module>` is what acts on import."""
    taken = _Reach(script, package_root).taken
    names = {m: {n for s in taken[m] if not s.is_import for n in s.binds} for m in taken if m}
    return {module: symbols for module, symbols in names.items() if symbols}


class _Statement(ast.NodeVisitor):
    """A top-level statement: its text anew, and the names that it binds, uses and imports."""

    def __init__(self, node: ast.stmt, package: str) -> None:
        self.package = package  # what relative imports are relative to
        self.chains: set[Chain] = set()
        self.imports: list[Import] = []
        self.visit(node)
        self.text = ast.unparse(node)
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)
        self.is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        self.place = -1  # in the module, where that matters
        scopes, outer = [symtable(self.text, "<statement>", "exec")], set()
        for scope in scopes:
            scopes += scope.get_children()
            for name in scope.get_symbols():
                in_class = scope.get_type() == "class" and name.is_referenced()
                if name.is_global() or name.is_imported() or in_class:
                    outer.add(name.get_name())
        self.uses = {chain for chain in self.chains if chain[0] in outer}
        self.binds = {"<module>"} if _acts(node) else set()
        for name in scopes[0].get_symbols():
            if name.is_assigned() or name.is_imported() or name.is_declared_global():
                self.binds.add(name.get_name())

    def generic_visit(self, node: ast.AST) -> None:
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = _without_docstrings(body) or [ast.Pass()]
        super().generic_visit(node)

    def visit_Name(self, node: ast.Name | ast.Attribute) -> None:
        chain = tuple(ast.unparse(node).split("."))
        if all(map(str.isidentifier, chain)):
            self.chains.add(chain)
        else:
            self.generic_visit(node)

    visit_Attribute = visit_Name

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.imports.append((alias.asname or "", alias.name, ()))
            self.imports += [] if alias.asname else [(top, top, ())]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.package.split(".")[: 1 - node.level or None] if node.level else []
        module = ".".join([*above, *filter(None, [node.module])])
        for alias in node.names:
            path = () if alias.name == "*" else (alias.name,)
            self.imports.append((alias.asname or alias.name, module, path))


class _Module:
    """A module, read into statements; `folder` is that of a package."""

    def __init__(self, name: str, path: Path, source: bytes, folder: Path | None) -> None:
        self.name, self.folder = name, folder
        self.bound: dict[str, list[_Statement]] = defaultdict(list)
        package = name if folder else name.rpartition(".")[0]
        nodes = _without_docstrings(ast.parse(source, str(path)).body)
        self.statements = [_Statement(part, package) for n in nodes for part in _single_imports(n)]
        for statement in self.statements:
            for name in statement.binds:
                self.bound[name].append(statement)
        futures = [s.text for s in self.statements if s.text.startswith("from __future__")]
        for place, statement in enumerate(self.statements):
            statement.text = "\n".join([*futures, statement.text])
            # Functions and imports may move about; what computes on import keeps its order.
            inert = statement.is_import or statement.is_function
            if not inert or any(len(self.bound[name]) > 1 for name in statement.binds):
                statement.place = place


_read = lru_cache(maxsize=None)(_Module)  # once for each of a file's contents


def _without_docstrings(body: list[ast.stmt]) -> list[ast.stmt]:
    strings = {n for n in body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    return [node for node in body if node not in strings]


def _single_imports(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [type(node)(**{**vars(node), "names": [alias]}) for alias in node.names]
    return [node]


def _acts(node: ast.AST) -> bool:
    """Whether a statement may do more on import than to bind its names."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        called = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
        return not all(_PURE_DECORATOR.fullmatch(ast.unparse(d)) for d in called)
    if isinstance(node, ast.ImportFrom):
        return node.names[0].name == "*"
    if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.ExceptHandler):
        guard = isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        return not guard and any(map(_acts, ast.iter_child_nodes(node)))
    targets = (n for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Subscript))
    return isinstance(node, _ACTIONS) or any(isinstance(t.ctx, ast.Store) for t in targets)


class _Reach:
    """The statements that a script reaches, by module; the name of the script's own is empty."""

    def __init__(self, script: Path, package_root: Path) -> None:
        main = _read("", script, script.read_bytes(), None)
        self.script, self.root = script, package_root
        self.modules: dict[str, _Module | None] = {"": main}
        self.seen: set[tuple[str, Chain]] = set()
        self.taken: dict[str, set[_Statement]] = defaultdict(set)
        self.todo: list[tuple[_Module, _Statement]] = []
        self.take(main, main.statements)
        while self.todo:
            self.follow(*self.todo.pop())

    def locate(self, name: str) -> _Module | None:
        """Read the module of that name, if it is of the package or lies beside the script."""
        if name not in self.modules:
            parts = name.split(".")
            base = self.root.parent if parts[0] == self.root.name else self.script.parent
            folder = base.joinpath(*parts)
            package = folder if any(folder.glob("**/*.py")) else None
            path = folder / "__init__.py" if package else folder.parent / f"{folder.name}.py"
            source = path.read_bytes() if path.is_file() else b""
            known = package or path.is_file()
            self.modules[name] = _read(name, path, source, package) if known else None
        return self.modules[name]

    def take(self, module: _Module, statements: Iterable[_Statement]) -> None:
        new = set(statements) - self.taken[module.name]
        self.taken[module.name] |= new
        self.todo += [(module, statement) for statement in new]

    def follow(self, module: _Module, statement: _Statement) -> None:
        """Go where the imports and the names of a statement lead."""
        self.execute(statement)
        self.imported([statement], ("*",))
        for chain in statement.uses:
            self.imported([statement], chain)
            if not self.member(module, chain):
                self.attribute("builtins", chain)
            if chain[0] in _OWN_MODULE:
                self.attribute(module.name, ())

    def execute(self, statement: _Statement) -> None:
        """Run the imports of a statement, and in the modules what acts on import."""
        for _, source, path in statement.imports:
            for name in accumulate((*source.split("."), *path), "{}.{}".format):
                module = self.locate(name)
                if module and (name, ("<module>",)) not in self.seen:
                    self.member(module, ("<module>",))
                    for other in module.statements:
                        if not other.is_function:
                            self.execute(other)

    def imported(self, statements: list[_Statement], chain: Chain) -> None:
        for bound, source, path in [i for s in statements for i in s.imports]:
            if bound == chain[0]:
                self.attribute(source, path + chain[1:])

    def attribute(self, name: str, chain: Chain) -> None:
        """Reach `chain` in the module of that name, or all of it where there is no such thing."""
        if ".".join([name, *chain[:1]]) in _ANY_MODULE:
            name, chain = self.root.name, ()
        module = self.locate(name)
        if module and not (chain and self.member(module, chain)) and (name, ()) not in self.seen:
            self.seen.add((name, ()))
            self.take(module, module.statements)
            for symbol in [*module.bound]:
                self.member(module, (symbol,))
            for path in module.folder.iterdir() if module.folder else ():
                if path.stem != "__init__":
                    self.attribute(f"{name}.{path.stem}", ())

    def member(self, module: _Module, chain: Chain) -> bool:
        """Reach a symbol, an import or a submodule of a module; False when there is none."""
        own = module.bound.get(chain[0], [])
        part = self.locate(f"{module.name}.{chain[0]}") if module.folder and not own else None
        if (module.name, chain) not in self.seen:
            self.seen.add((module.name, chain))
            self.take(module, own)
            self.imported(own, chain)
            if part:
                self.attribute(part.name, chain[1:])
        return bool(own or part)
