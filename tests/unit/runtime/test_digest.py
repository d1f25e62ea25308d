"""The code digest changes with what a script reaches, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from vaentk.runtime.digest import Code

LIBRARY = Path(__file__).parents[3] / "workflow" / "src" / "vaentk"

KERNELS = '''
"""Kernels."""

import math

from toy.base import scale

ORDER = 3
UNUSED = 4


def limit(x, order=ORDER):
    """Limit kernel."""
    # A comment.
    return scale(x) * helper(order) + math.pi


def helper(n):
    return n + 1


def unreached(x):
    return x - 1


class Kernel:
    """A kernel."""

    def value(self, x):
        return helper(x)
'''

SCRIPT = """
from toy.kernels import limit

print(limit(2))
"""


@dataclass
class Project:
    """A package `toy` and a script, both to be edited."""

    folder: Path

    def write(self, **files: str) -> None:
        """Write modules of the package, `sub__mod` being toy/sub/mod.py."""
        for name, text in files.items():
            path = self.folder / "src" / "toy" / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))

    def package(self, name: str, text: str) -> None:
        folder = self.folder / "src" / "toy" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(dedent(text))

    def script(self, text: str) -> None:
        (self.folder / "script.py").write_text(dedent(text))

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / "src" / "toy" / f"{name}.py"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def code(self) -> Code:
        return Code(self.folder / "src" / "toy", self.folder)

    def digest(self, *entries: str) -> str:
        return self.code().digest("script.py", entries)

    def reached(self, *entries: str) -> dict[str, set[str]]:
        """Names of the symbols reached, by module of the package."""
        taken = self.code().reached("script.py", entries)
        named = {m: {n for s in taken[m] if not s.is_import for n in s.binds} for m in taken if m}
        return {module: names for module, names in named.items() if names}

    def changes(self, name: str, old: str, new: str) -> bool:
        """Whether an edit of a module changes the digest."""
        before = self.digest()
        self.edit(name, old, new)
        return self.digest() != before


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.package("", "")
    project.write(kernels=KERNELS, base="def scale(x):\n    return 2 * x\n")
    project.script(SCRIPT)
    return project


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.package("", "")
    return project


def test_reached_names_the_symbols_by_module(toy: Project) -> None:
    assert toy.reached() == {
        "toy.kernels": {"limit", "helper", "ORDER"},
        "toy.base": {"scale"},
    }


def test_digest_is_hexadecimal_and_the_same_in_another_process(toy: Project) -> None:
    call = (
        "import sys; from pathlib import Path; from vaentk.runtime.digest import Code;"
        "print(Code(Path(sys.argv[1]), Path(sys.argv[2])).digest('script.py'))"
    )
    for seed in ("1", "2"):
        said = subprocess.run(
            [sys.executable, "-c", call, toy.folder / "src" / "toy", toy.folder],
            env={"PYTHONPATH": str(LIBRARY.parent), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        assert said.stdout.strip() == toy.digest()
    assert len(toy.digest()) == 64
    int(toy.digest(), 16)


def test_digest_does_not_depend_on_where_the_project_lies(tmp_path: Path) -> None:
    digests = set()
    for name in ("here", "there"):
        project = Project(tmp_path / name)
        project.package("", "")
        project.write(kernels=KERNELS, base="def scale(x):\n    return 2 * x\n")
        project.script(SCRIPT)
        digests.add(project.digest())
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# A comment.", "# Another comment."),
        ("    # A comment.\n", ""),
        ('"""Limit kernel."""', '"""Infinite-width kernel, in several\n\n    lines."""'),
        ('    """Limit kernel."""\n', ""),
        ('"""Kernels."""\n', '"""Kernels of Lemma 1."""\n'),
        ('"""Kernels."""\n', ""),
        ("return scale(x) * helper(order)", "return (scale( x )\n        * helper(order))"),
        ("ORDER = 3\n", "\n\n\nORDER = 3  # terms\n"),
        ("math.pi\n", "math.pi\n\n\n\n"),
        ("import math\n", "import math\nimport json\n"),
        ("import math\n\nfrom toy.base import scale", "from toy.base import scale\nimport math"),
        ("return x - 1", "return x - 2"),
        ("def unreached(x):\n    return x - 1\n", ""),
        ("UNUSED = 4", "UNUSED = 5"),
        ("return helper(x)", "return helper(x) + 1"),
        ("UNUSED = 4", "UNUSED = 4\n\n\ndef new():\n    return limit(1)"),
    ],
)
def test_what_the_script_does_not_reach_leaves_the_digest(toy: Project, old: str, new: str) -> None:
    assert not toy.changes("kernels", old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("helper(order) + math.pi", "helper(order) - math.pi"),
        ("return n + 1", "return n + 2"),
        ("ORDER = 3", "ORDER = 4"),
        ("ORDER = 3", "ORDER = 3.0"),
        ("order=ORDER", "order=UNUSED"),
        ("import math", "import cmath as math"),
        ("from toy.base import scale", "from numpy import abs as scale"),
        ("def helper(n):", "def helper(n, /):"),
        ("def helper(n):", "def helper(n: int):"),
        ("def helper(n):", "async def helper(n):"),
        ("ORDER = 3", "ORDER = 3\nORDER += 1"),
        ('"""Kernels."""\n', '"""Kernels."""\n\nfrom __future__ import annotations\n'),
    ],
)
def test_what_the_script_reaches_changes_the_digest(toy: Project, old: str, new: str) -> None:
    assert toy.changes("kernels", old, new)


def test_functions_reached_in_another_module_change_the_digest(toy: Project) -> None:
    assert toy.changes("base", "2 * x", "3 * x")


def test_the_script_itself_changes_the_digest_but_not_its_comments(toy: Project) -> None:
    before = toy.digest()
    toy.script('"""Says what the limit is."""\n' + dedent(SCRIPT) + "\n# done\n")
    assert toy.digest() == before
    toy.script(SCRIPT.replace("limit(2)", "limit(3)"))
    assert toy.digest() != before


def test_functions_may_move_about_their_module(toy: Project) -> None:
    before = toy.digest()
    moved = "def helper(n):\n    return n + 1\n"
    toy.edit("kernels", moved, "")
    toy.edit("kernels", "def unreached", f"{moved}\n\ndef unreached")
    toy.edit("kernels", "class Kernel", "class Other:\n    pass\n\n\nclass Kernel")
    assert toy.digest() == before


def test_the_order_of_what_computes_on_import_counts(empty: Project) -> None:
    empty.write(m="def f():\n    return B\nA = 1\nB = A\nA = 2\n")
    empty.script("from toy.m import f\nf()")
    assert empty.changes("m", "A = 1\nB = A\nA = 2\n", "A = 1\nA = 2\nB = A\n")
    one, two = "def g(): return 1\n", "def g(): return 2\n"
    empty.write(m=f"{one}A = g()\n{two}def f():\n    return A\n")
    before = empty.digest()
    empty.write(m=f"{two}A = g()\n{one}def f():\n    return A\n")
    assert empty.digest() != before


def test_a_class_counts_as_a_whole_with_its_bases_and_what_its_methods_use(
    empty: Project,
) -> None:
    empty.write(
        m="""
        class Base:
            def scale(self):
                return inner(1)

        def inner(x):
            return x

        def mixed_in(cls):
            return cls

        class Derived(Base, metaclass=type):
            width = 3

            def forward(self):
                return self.scale()
        """
    )
    empty.script("from toy.m import Derived\nDerived().forward()")
    assert empty.reached() == {"toy.m": {"Derived", "Base", "inner"}}
    assert empty.changes("m", "return x", "return -x")
    assert empty.changes("m", "return inner(1)", "return inner(2)")
    assert empty.changes("m", "width = 3", "width = 4")
    assert empty.changes("m", "return self.scale()", "return 2 * self.scale()")
    assert not empty.changes("m", "return cls", "return None")


def test_class_bodies_read_the_module_under_the_name_they_bind(empty: Project) -> None:
    empty.write(
        m="""
        def beta():
            return 1

        class Settings:
            beta = beta()
        """
    )
    empty.script("from toy.m import Settings\nSettings()")
    assert empty.reached() == {"toy.m": {"Settings", "beta"}}


def test_decorators_defaults_and_annotations_are_reached(empty: Project) -> None:
    empty.write(
        m="""
        import functools

        def traced(f):
            return f

        def width():
            return 64

        class Array:
            pass

        class Result:
            pass

        @functools.cache
        @traced
        def train(n=width(), *, x: Array = None) -> Result:
            width = n
            return width

        def untouched():
            return traced
        """
    )
    empty.script("from toy.m import train\ntrain()")
    assert empty.reached()["toy.m"] == {
        "train", "traced", "width", "Array", "Result", "<module>"
    }  # fmt: skip
    assert empty.changes("m", "return f\n", "return lambda *a: f(*a)\n")
    assert empty.changes("m", "return 64", "return 128")
    assert empty.changes("m", "@traced\n", "")


def test_local_names_do_not_reach_the_module(empty: Project) -> None:
    empty.write(
        m="""
        def ridge(x):
            return x

        def spectrum(ridge, *loss, **width):
            slope = [rate for rate in loss]
            return lambda trend: slope + trend + ridge

        def loss(): pass
        def slope(): pass
        def trend(): pass
        def rate(): pass
        def width(): pass
        """
    )
    empty.script("from toy.m import spectrum\nspectrum(1)")
    assert empty.reached() == {"toy.m": {"spectrum"}}


@pytest.mark.parametrize(
    "body",
    [
        "def user():\n    return [f for f in f()]",
        "def user(f=f):\n    return f",
        "def user():\n    def inner(f): return f\n    return f()",
        "class user:\n    f = 1\n    def g(self): return f()",
        "def user():\n    return (lambda f: f)(f)",
        "def user():\n    class C:\n        f = 2\n    return f()",
        "user = [f() for _ in range(3)]",
        "user, other = f, 3",
        "user: int = f()",
        "if True:\n    user = f\nelse:\n    user = None",
        "try:\n    import numpy as user\nexcept ImportError:\n    user = f",
        "def user():\n    global f\n    return f()",
        "def user():\n    match 1:\n        case f.x: return 2",
        "def user(x: f): pass",
        "def user():\n    x = 1\n    x += f()\n    return x",
        "def user():\n    return f'{f():{f}}'",
        "async def user():\n    async with f() as g: return g",
        "def user():\n    del f.cache",
        "def user():\n    f.cache = 1",
    ],
)
def test_every_way_to_use_a_name_reaches_it(empty: Project, body: str) -> None:
    empty.write(m=f"def f():\n    return 10\n\n{body}\n")
    empty.script("from toy.m import user\nprint(user)")
    assert empty.changes("m", "return 10", "return 11")


@pytest.mark.parametrize(
    "script",
    [
        "from toy.kernels.limit import f\nf()",
        "from toy.kernels.limit import f as g\ng()",
        "from toy.kernels import limit as k\nk.f()",
        "import toy.kernels.limit as k\nk.f.cache_clear()",
        "import toy.kernels.limit\ntoy.kernels.limit.f()",
        "import toy\ntoy.kernels.limit.f()",
        "from toy import kernels\nkernels.limit.f()",
        "from toy import kernels\nkernels.exported()",
        "from toy.kernels import exported\nexported()",
        "from toy import again\nagain()",
        "from toy import limit\nlimit.f()",
        "from toy.kernels import limit\nlimit.f()",
        "import toy\ntoy.limit.f()",
        "def main():\n    from toy.kernels.limit import f\n    f()\nmain()",
        "def main():\n    import toy.kernels.limit as k\n    k.f()\nmain()",
        "class Job:\n    from toy.kernels.limit import f\n    def run(self): return f",
        "try:\n    from toy.kernels.limit import f\nexcept ImportError:\n    f = None\nf()",
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from toy.kernels.limit import f\ndef g(x: f): pass",
        "from toy.user import relative\nrelative()",
        "from toy.user import sibling\nsibling()",
        "from toy.user import nested\nnested()",
        "from toy.user import lazy\nlazy()",
        "from toy.kernels.above import up\nup()",
    ],
)
def test_every_way_to_import_reaches_exactly_the_symbol(empty: Project, script: str) -> None:
    empty.package("", "from .kernels import exported as again, limit\n")
    empty.package("kernels", "from .limit import f as exported\nfrom .above import limit\n")
    empty.write(
        kernels__limit="def f():\n    return 10\n\ndef g():\n    return 20\n",
        kernels__above="from ..kernels import limit\n\ndef up():\n    return limit.f()\n",
        user="""
        from .kernels.limit import f
        from .kernels import limit as sub

        def relative():
            return f()

        def sibling():
            return sub.f

        def nested():
            def inner():
                from .kernels import limit
                return limit.f()
            return inner()

        def load():
            global heavy
            from .kernels import limit as heavy

        def lazy():
            load()
            return heavy.f()
        """,
    )
    empty.script(script)
    assert empty.reached()["toy.kernels.limit"] == {"f"}
    assert not empty.changes("kernels/limit", "return 20", "return 21")
    assert empty.changes("kernels/limit", "return 10", "return 11")


@pytest.mark.parametrize(
    "script",
    [
        "from toy.kernels import limit\nprint(limit)",
        "from toy.kernels import limit\ngetattr(limit, 'g')()",
        "from toy.kernels import limit\nk = limit\nk.g()",
        "import toy.kernels.limit as k\nvars(k)['g']()",
        "from toy.kernels import limit\nlimit.no_such_name()",
        "from toy.kernels import *\nlimit.g()",
        "from toy.kernels.limit import *\ng()",
        "from toy.starred import x\nprint(x)",
        "from toy.starred import g\ng()",
        "import toy\nprint(toy)",
        "import toy\ngetattr(getattr(toy, 'kernels'), 'limit').g()",
        "import importlib\nimportlib.import_module('toy.kernels.limit').g()",
        "from importlib import import_module as load\nload('toy.kernels.limit').g()",
        "__import__('toy.kernels.limit').kernels.limit.g()",
        "import sys, toy.kernels.limit\nsys.modules['toy.kernels.limit'].g()",
        "import sys as s, toy.kernels.limit\nloaded = s.modules\nloaded['toy.kernels.limit'].g()",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'toy.kernels.limit'])",
        "from toy.kernels import limit\nglobals()['limit'].g()",
        "from toy.kernels.limit import dynamic\ndynamic('g')",
    ],
)
def test_what_names_cannot_tell_reaches_the_whole_module(empty: Project, script: str) -> None:
    empty.package("kernels", "")
    empty.write(
        kernels__limit="""
        def g():
            return 20

        def dynamic(name):
            return globals()[name]()
        """,
        starred="from toy.kernels.limit import *\nx = 3\n",
    )
    empty.script(script)
    assert empty.changes("kernels/limit", "return 20", "return 21")


def test_asking_whether_a_module_is_loaded_reaches_nothing(empty: Project) -> None:
    empty.write(m="NAME = 'torch'\n\ndef f():\n    return 20\n")
    empty.script("import sys\nfrom toy import m\nprint(m.NAME in sys.modules)")
    assert empty.reached() == {"toy.m": {"NAME"}}


def test_a_module_run_by_another_interpreter_counts_with_its_main_block(empty: Project) -> None:
    empty.write(worker='if __name__ == "__main__":\n    print(10)\n')
    empty.script("import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'toy.worker'])")
    assert empty.changes("worker", "print(10)", "print(11)")


def test_packages_above_an_imported_module_act(empty: Project) -> None:
    empty.package("", "print(10)\n")
    empty.package("sub", "print(20)\n")
    empty.write(sub__m="print(30)\n")
    empty.script("from toy.sub import m\n")
    assert empty.reached() == {name: {"<module>"} for name in ("toy", "toy.sub", "toy.sub.m")}


def test_imports_inside_functions_act_when_the_function_is_reached(empty: Project) -> None:
    empty.write(
        m="def f():\n    return 1\n\ndef late():\n    import toy.plugin\n",
        plugin="print(10)\n",
    )
    empty.script("from toy import m\nm.f()")
    assert not empty.changes("plugin", "10", "11")
    empty.script("from toy import m\nm.late()")
    assert empty.changes("plugin", "11", "12")


def test_statements_that_act_on_import_count_whoever_imports_the_module(empty: Project) -> None:
    empty.package("", "print('package 10')\n")
    empty.write(
        m="""
        import toy.plugin
        from toy.quiet import nothing

        def f():
            return 1
        """,
        plugin="""
        from toy.table import TABLE, helper, register

        TABLE["a"] = helper(10)

        @register
        def named():
            return 20

        for name in ("x", "y"):
            TABLE[name] = 30

        if TABLE:
            TABLE.clear()

        x = TABLE["z"] = 40

        def unreached():
            return 50

        if __name__ == "__main__":
            print(60)
        """,
        table="""
        TABLE = {}

        def helper(x):
            return x

        def register(f):
            TABLE[f.__name__] = f
            return f
        """,
        quiet="def nothing():\n    return 70\n",
    )
    empty.script("from toy.m import f\nf()")
    assert empty.reached()["toy"] == {"<module>"}
    assert empty.changes("__init__", "package 10", "package 11")
    for number in (10, 20, 30, 40):
        assert empty.changes("plugin", str(number), str(number + 1)), number
    assert empty.changes("plugin", "TABLE.clear()", "TABLE.popitem()")
    assert empty.changes("table", "return x", "return -x")
    for number in (50, 60):
        assert not empty.changes("plugin", str(number), str(number + 1)), number
    assert not empty.changes("quiet", "70", "71")
    assert empty.changes("m", "import toy.plugin\n", "")


def test_singledispatch_implementations_are_reached(empty: Project) -> None:
    empty.write(
        m="""
        from functools import singledispatch

        @singledispatch
        def f(x):
            return 1

        @f.register
        def _(x: int):
            return 20
        """
    )
    empty.script("from toy.m import f\nf(1)")
    assert empty.changes("m", "return 20", "return 21")


def test_an_import_that_binds_another_object_changes_the_digest(empty: Project) -> None:
    empty.write(
        a="def f():\n    return 1\n",
        b="def f():\n    return 1\n",
        m="from toy.a import f\nfrom numpy import sin as g\n\ndef user():\n    return f() + g(1)\n",
    )
    empty.script("from toy.m import user\nuser()")
    assert empty.changes("m", "from toy.a import f", "from toy.b import f")
    assert empty.changes("m", "sin as g", "cos as g")
    empty.package("", "from toy.a import f\n")
    empty.write(m="from toy import f\n\ndef user():\n    return f()\n")
    assert empty.changes("__init__", "toy.a", "toy.b")


def test_a_package_may_import_its_own_modules(empty: Project) -> None:
    empty.package("", "from . import m\nfrom toy import n as other\n\ndef f():\n    return m.g()\n")
    empty.write(m="def g():\n    return 10\n", n="def h():\n    return 20\n")
    empty.script("import toy\ntoy.f()\ntoy.other.h()\n")
    assert empty.reached() == {"toy": {"f"}, "toy.m": {"g"}, "toy.n": {"h"}}


def test_a_function_may_share_the_name_of_its_module(empty: Project) -> None:
    empty.package("", "from .limit import limit\n")
    empty.write(limit="def limit():\n    return 10\n\ndef other():\n    return 20\n")
    empty.script("from toy import limit\nlimit()\nprint(limit)\n")
    assert empty.reached() == {"toy.limit": {"limit"}}


def test_entries_count_as_if_the_script_named_them(toy: Project) -> None:
    """What a script looks up by name: its entries, what they reach, and nothing beside them."""
    toy.write(
        room="from toy.base import scale\n\ndef draw(x):\n    return scale(x)\n\n"
        "def other(x):\n    return x\n",
        base="def scale(x):\n    return 2 * x\n\ndef spare(x):\n    return 3 * x\n",
    )
    toy.script("from pkgutil import resolve_name\nresolve_name(snakemake.params.function)()")
    draw = "toy.room:draw"
    assert toy.reached() == {}
    assert toy.reached(draw) == {"toy.room": {"draw"}, "toy.base": {"scale"}}
    before = toy.digest(draw)
    assert before != toy.digest()
    assert before != toy.digest("toy.room:other")
    toy.edit("room", "return x\n", "return x + 1\n")
    toy.edit("base", "3 * x", "4 * x")
    assert toy.digest(draw) == before
    toy.edit("base", "2 * x", "5 * x")
    assert toy.digest(draw) != before


def test_cycles_end(empty: Project) -> None:
    empty.write(
        a="from toy import b\nfrom toy.b import g, ghost\n\ndef f(n):\n    return b.g(n) or g(n)\n",
        b="from toy import a\nfrom toy.a import ghost\n\ndef g(n):\n    return n and a.f(n - 1)\n",
        c="from toy.c import *\nfrom toy.d import *\n",
        d="from toy.c import *\n\ndef h():\n    return 10\n",
    )
    empty.script("from toy.a import f, ghost\nfrom toy.c import h\nf(3)\nh()\nghost()")
    assert empty.changes("b", "n - 1", "n - 2")
    assert empty.changes("d", "return 10", "return 11")


def test_packages_without_an_init_file(empty: Project) -> None:
    empty.write(spaces__inner__m="def f():\n    return 10\n")
    empty.script("import toy\ntoy.spaces.inner.m.f()")
    assert empty.reached() == {"toy.spaces.inner.m": {"f"}}


def test_modules_beside_the_script_count(empty: Project) -> None:
    beside = empty.folder / "common.py"
    beside.write_text("def f():\n    return 1\n")
    empty.script("import common\ncommon.f()")
    before = empty.digest()
    beside.write_text("def f():\n    return 2\n")
    assert empty.digest() != before


def test_third_party_modules_count_by_name_only(empty: Project) -> None:
    empty.script("import numpy as np\nimport no.such.module\nnp.exp(no.such.module.x)")
    assert empty.reached() == {}


def test_files_that_cannot_be_read_are_named(empty: Project) -> None:
    with pytest.raises(FileNotFoundError, match=r"script\.py"):
        empty.digest()
    empty.write(m="def f(:\n")
    empty.script("from toy.m import f\n")
    with pytest.raises(SyntaxError, match=r"m\.py"):
        empty.digest()


def test_the_digest_module_imports_only_the_standard_library() -> None:
    text = (
        "import sys; before = set(sys.modules); import vaentk.runtime.digest;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names;"
        "print(*new, *(m for m in sys.modules if m.startswith('vaentk.')))"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-c", text],
        env={"PYTHONPATH": str(LIBRARY.parent)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split() == ["vaentk", "vaentk.runtime", "vaentk.runtime.digest"]
