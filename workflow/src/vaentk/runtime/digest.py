"""Which library code a script reaches, condensed into one digest.

Snakemake reruns a job when its script, parameters or inputs change, but not when a library module
changes; so each rule has a digest of its script's `Code` among its parameters.

A symbol is a name bound at a module's top level. Names lead from the script through imports (also
under `if TYPE_CHECKING`) to symbols, and from these to others. What acts on import beyond binding
names is `<module>`, part of each script that imports the module. Where names cannot tell (star
imports, modules as values, attributes bound nowhere, `globals`), a whole module counts. Comments,
layout and docstrings never count, so no code may read `__doc__`. Not seen: quoted types; files that
are not Python; tables filled by `__init_subclass__` or by calls in assignments and class bodies;
what `pkgutil.resolve_name` looks up, which a rule therefore names as entries.
"""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from symtable import symtable

Chain = tuple[str, ...]  # a dotted name: limit.f.cache is ("limit", "f", "cache")

_OWN_MODULE = {"globals", "locals", "vars", "eval", "exec"}
_ANY_MODULE = {"builtins.__import__", "importlib.import_module", "sys.modules", "sys.executable"}
# Any other decorator may enter its function into a table that is read without naming the function.
_PURE = "cache compile contextmanager dataclass final inference_mode lru_cache no_grad overload"
_ACTIONS = (ast.Expr, ast.For, ast.While, ast.With, ast.Match, ast.Delete, ast.Assert, ast.Raise)


class Code:
    """A package and a folder of scripts; each module is read once, when a script first reaches it.

    Modules beside the scripts count as library modules; the package's folder is named as the
    package is imported. OSError or SyntaxError where a file cannot be read; the message names it.
    """

    def __init__(self, package_root: Path, scripts: Path) -> None:
        self.root, self.scripts = package_root, scripts
        self._modules: dict[str, _Module | None] = {}

    def digest(self, script: str, entries: Iterable[str] = ()) -> str:
        """Digest of a script and of all library symbols that it reaches: 64 hexadecimal digits.

        Entries, ``module:symbol``, are what the script looks up by name when it runs.
        """
        total = hashlib.sha256()
        for module, statements in sorted(self.reached(script, entries).items()):
            texts = [text for _, text in sorted((s.place, s.text) for s in statements)]
            total.update(repr((module, texts)).encode())
        return total.hexdigest()

    def reached(self, script: str, entries: Iterable[str] = ()) -> dict[str, set["_Statement"]]:
        """Collect the statements that a script reaches, by module; that of its own is empty."""
        # As if the script imported its entries and used them.
        named = [entry.split(":") for entry in sorted(entries)]
        asked = "".join(f"\nfrom {m} import {symbol}\n{symbol}" for m, symbol in named)
        path = self.scripts / script
        return _Reach(self, _Module("", path, path.read_bytes() + asked.encode(), None)).taken

    def locate(self, name: str) -> "_Module | None":
        """Read the module of that name, if it is of the package or lies beside the scripts."""
        if name not in self._modules:
            inside = name.partition(".")[0] == self.root.name
            folder = (self.root.parent if inside else self.scripts).joinpath(*name.split("."))
            package = folder if any(folder.glob("**/*.py")) else None
            path = folder / "__init__.py" if package else folder.parent / f"{folder.name}.py"
            source = path.read_bytes() if path.is_file() else b"" if package else None
            self._modules[name] = None if source is None else _Module(name, path, source, package)
        return self._modules[name]


class _Statement(ast.NodeVisitor):
    """A top-level statement: its text anew, and the names that it binds, uses and imports."""

    def __init__(self, node: ast.stmt, package: str) -> None:
        self.package = package  # what relative imports are relative to
        self.chains: set[Chain] = set()
        self.imports: list[tuple[str, str, Chain]] = []  # name bound or "", module, what of it
        self.visit(node)
        self.text = ast.unparse(node)
        self.is_import = isinstance(node, ast.Import | ast.ImportFrom)
        self.is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        self.place = -1  # in the module, where that matters
        self.executed = [  # every module that the imports may run
            name
            for _, source, path in self.imports
            for name in accumulate((*source.split("."), *path), "{}.{}".format)
        ]
        self.uses: list[Chain] = []
        self.binds = {"<module>"} if _acts(node) else set()
        if self.is_import:
            self.binds |= {bound for bound, *_ in self.imports} - {"", "*"}
            return
        scopes = [symtable(self.text, "<statement>", "exec")]
        outer = {bound for bound, *_ in self.imports}
        for scope in scopes:
            scopes += scope.get_children()
            for name in scope.get_symbols():
                if name.is_global() or (scope.get_type() == "class" and name.is_referenced()):
                    outer.add(name.get_name())
        self.uses = sorted(chain for chain in self.chains if chain[0] in outer)
        for name in scopes[0].get_symbols():
            if name.is_assigned() or name.is_imported() or name.is_declared_global():
                self.binds.add(name.get_name())

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = _tidy(body) or [ast.Pass()]
        super().generic_visit(node)

    def visit_Name(self, node: ast.expr, path: Chain = ()) -> None:
        if isinstance(node, ast.Attribute):
            self.visit_Name(node.value, (node.attr, *path))
        elif isinstance(node, ast.Name):
            self.chains.add((node.id, *path))
        else:
            self.visit(node)

    visit_Attribute = visit_Name

    def visit_Compare(self, node: ast.Compare) -> None:
        # Asks whether one is loaded, and takes none of them.
        asks = isinstance(node.ops[-1], ast.In | ast.NotIn) and (
            ast.unparse(node.comparators[-1]) == "sys.modules"
        )
        for part in (node.left, *node.comparators[: -1 if asks else None]):
            self.visit(part)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            self.imports += [("", alias.name, ()), (alias.asname or module, module, ())]

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
        package, tree = name if folder else name.rpartition(".")[0], ast.parse(source, path)
        self.statements = [_Statement(node, package) for node in _tidy(tree.body)]
        for statement, name in [(s, n) for s in self.statements for n in sorted(s.binds)]:
            self.bound[name].append(statement)
        futures = [s.text for s in self.statements if s.text.startswith("from __future__")]
        for place, statement in enumerate(self.statements):
            statement.text = "\n".join([*futures, statement.text])
            # Functions and imports may move about; what computes on import keeps its order.
            inert = statement.is_import or statement.is_function
            if not inert or any(len(self.bound[name]) > 1 for name in statement.binds):
                statement.place = place


def _tidy(body: list[ast.stmt]) -> list[ast.stmt]:
    """Drop docstrings, and make an import of several names one import for each."""
    tidy: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            tidy += [type(node)(**{**vars(node), "names": [alias]}) for alias in node.names]
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            tidy.append(node)
    return tidy


def _acts(node: ast.AST) -> bool:
    """Whether a statement may do more on import than to bind its names."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        called = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
        return any(ast.unparse(d).rpartition(".")[2] not in _PURE.split() for d in called)
    if isinstance(node, ast.ImportFrom):
        return node.names[0].name == "*"
    if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.ExceptHandler):
        guard = isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        return not guard and any(map(_acts, ast.iter_child_nodes(node)))
    targets = (n for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Subscript))
    return isinstance(node, _ACTIONS) or any(isinstance(t.ctx, ast.Store) for t in targets)


class _Reach:
    """The statements that a script's own lead to, by module."""

    def __init__(self, code: Code, script: _Module) -> None:
        self.root, self.own, self.code = code.root.name, script, code
        self.seen: set[tuple[str, Chain]] = set()
        self.asked: dict[tuple[str, Chain], bool] = {}  # and whether it may mean a submodule
        self.taken: dict[str, set[_Statement]] = defaultdict(set)
        self.todo: list[tuple[_Module, _Statement]] = []
        self.take(script, script.statements)
        while self.todo:
            self.follow(*self.todo.pop())

    def locate(self, name: str) -> _Module | None:
        return self.code.locate(name) if name else self.own

    def take(self, module: _Module, statements: list[_Statement]) -> None:
        new = [s for s in statements if s not in self.taken[module.name]]
        self.taken[module.name].update(new)
        self.todo += [(module, statement) for statement in new]

    def follow(self, module: _Module, statement: _Statement) -> None:
        """Go where the imports and the names of a statement lead."""
        self.execute(statement)
        self.imported([statement], ("*",))
        for chain in statement.uses:
            self.imported([statement], chain)
            self.member(module, chain)
            self.attribute("builtins", chain)
            if chain[0] in _OWN_MODULE:
                self.attribute(module.name, ())

    def execute(self, statement: _Statement) -> None:
        """Run the imports of a statement, and in the modules what acts on import."""
        for name in statement.executed:
            module = self.locate(name)
            if module and (name, ("<module>",)) not in self.seen:
                self.member(module, ("<module>",))
                for other in (s for s in module.statements if not s.is_function):
                    self.execute(other)

    def imported(self, statements: list[_Statement], chain: Chain) -> None:
        for bound, source, path in [i for s in statements for i in s.imports]:
            if bound == chain[0]:
                self.attribute(source, path + chain[1:])

    def attribute(self, name: str, chain: Chain) -> None:
        """Reach `chain` in the module of that name, or all of it where there is no such thing."""
        if ".".join([name, *chain[:1]]) in _ANY_MODULE:
            name, chain = self.root, ()
        module = self.locate(name)
        if module and not (chain and self.member(module, chain)) and (name, ()) not in self.seen:
            self.seen.add((name, ()))
            self.take(module, module.statements)
            for symbol in [*module.bound]:
                self.member(module, (symbol,))
            for path in sorted(module.folder.iterdir()) if module.folder else ():
                if path.stem != "__init__":
                    self.attribute(f"{name}.{path.stem}", ())

    def member(self, module: _Module, chain: Chain) -> bool:
        """Reach a symbol, an import or a submodule of a module; False when there is none."""
        own, key = module.bound.get(chain[0], []), (module.name, chain)
        part = f"{module.name}.{chain[0]}" if module.folder else ""
        if key in self.asked:  # imports in a circle: one of them means a submodule
            self.asked = dict.fromkeys(self.asked, True)
        if key not in self.seen:
            self.seen.add(key)
            self.asked[key] = not own
            self.take(module, own)
            self.imported(own, chain)
            if self.asked.pop(key) and part:
                self.attribute(part, chain[1:])
        return bool(own or (part and self.locate(part)))
