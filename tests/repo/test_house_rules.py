"""The house rules of docs/design, as tests over the source tree."""

import re
from statistics import quantiles

import pytest
from tree import ROOT, SOURCE, Module, modules

BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}

# Library → the places (below src/eyespot) that may import it; `testing` and `bench` may import anything.
CONFINED = {
    "av": ("media/", "hal/sensors/", "hal/board/codec_probe.py"),
    "onnxruntime": ("hal/accelerators/", "infer/zoo/"),
    "openvino": ("hal/accelerators/",),
    "ai_edge_litert": ("hal/accelerators/", "infer/zoo/compile/tools/"),
    "onnx": ("infer/zoo/",),
    "onnxslim": ("infer/zoo/",),
    "torch": ("infer/zoo/compile/tools/",),
    "litert_torch": ("infer/zoo/compile/tools/",),
    "ai_edge_quantizer": ("infer/zoo/compile/tools/",),
    "nats": ("bus/",),
    "nkeys": ("bus/",),
    "sqlite3": ("kernel/sqlite", "edge/api/store"),
    "fastapi": ("edge/api/",),
    "starlette": ("edge/api/", "edge/infer_rest.py"),
    "h11": ("edge/services/inference/", "edge/services/egress/"),
    "uvicorn": ("edge/api/", "edge/infer_rest.py"),
    "grpc": ("edge/infer_grpc.py",),
    "google": ("edge/infer_grpc.py",),
    "argon2": ("edge/api/",),
    "cryptography": ("edge/api/tls.py", "edge/services/secret_key.py"),
    "tomlkit": ("edge/config_file.py", "cli/first_config.py"),
    "gpiod": ("hal/outputs/",),
    "typer": ("cli/",),
}


def _inside(module: Module) -> str:
    return str(module.path.relative_to(SOURCE))


@pytest.mark.parametrize("library", CONFINED)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    places = (*CONFINED[library], "testing/", "bench/")
    strays = [
        module.name
        for module in modules()
        if not _inside(module).startswith(places)
        and any(name == library or name.startswith(library + ".") for name in module.imports())
    ]
    assert strays == []


def test_files_are_small() -> None:
    assert [module.name for module in modules() if module.lines > 700] == []
    long = sum(module.lines > 450 for module in modules())
    assert long <= len(modules()) * 0.1


def test_functions_are_small() -> None:
    sizes = {
        f"{module.name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules()
        for node in module.functions()
    }
    assert {name: size for name, size in sizes.items() if size > 80} == {}
    assert quantiles(sizes.values(), n=20)[-1] <= 45


def test_no_room_is_named_after_nothing() -> None:
    names = {part for module in modules() for part in module.path.relative_to(SOURCE).with_suffix("").parts}
    assert names & BANNED_NAMES == set()


def test_every_module_says_what_it_is() -> None:
    import ast

    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (
            r"\btime\.(time|time_ns|monotonic|monotonic_ns|sleep)\(|\bdatetime\.(now|utcnow|today)\(",
            ("kernel/clock.py",),
        ),
        (r"\bos\.(environ|getenv)\b", ("kernel/config.py",)),
        (r"\bshell=True\b|\bos\.system\(|\bpickle\.|\byaml\.load\(|\beval\(|(?<!\.)\bexec\(", ()),
        (r"\basyncio\.Queue\(\)|\bqueue\.(Simple)?Queue\(\)", ()),
        (r"\bexcept( Exception| BaseException)?:\s*\n\s+pass\b", ()),
    ],
    ids=[
        "one clock",
        "one place reads the environment",
        "configuration is data",
        "every queue is bounded",
        "no error is swallowed",
    ],
)
def test_banned_patterns(pattern: str, allowed: tuple[str, ...]) -> None:
    allowed = (*allowed, "bench/", "testing/")
    strays = [
        f"{module.name}: {match.group(0)}"
        for module in modules()
        if not _inside(module).startswith(allowed)
        for match in re.finditer(pattern, module.text)
    ]
    assert strays == []


def test_a_broad_except_gives_its_reason() -> None:
    strays = [
        f"{module.name}: {line.strip()}"
        for module in modules()
        for line in module.text.splitlines()
        if re.match(r"\s*except (Exception|BaseException)\b", line) and "#" not in line
    ]
    assert strays == []


def test_nothing_speaks_of_one_machine() -> None:
    text = re.compile(r"(?<![\w.])/(work|root)/\w|/tmp/w/")
    files = [
        path
        for folder in ("src", "web/src", "docs", "tests", "scripts", "config")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".ts", ".svelte", ".md", ".toml", ""}
        and path.is_file()
        and "node_modules" not in path.parts
    ]
    strays = [
        str(path.relative_to(ROOT))
        for path in files
        if path != ROOT / "tests/repo/test_house_rules.py"
        and text.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert strays == []
