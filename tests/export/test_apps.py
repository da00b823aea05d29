"""`edgeq export --to android|ios`: golden files, what is refused, and sources that are what their languages take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import app_exports
import numpy as np
import pytest
import tree_sitter_kotlin
import tree_sitter_swift
from click.testing import CliRunner
from tflite_builder import ModelBuilder
from tree_sitter import Language, Node, Parser

import edgeq
from edgeq.builds import Build
from edgeq.cli.export import command
from edgeq.errors import InputError, UnsupportedError
from edgeq.export.registry import APPS, TITLES
from edgeq.records import VariantKind

pytestmark = pytest.mark.xdist_group("export")

_GRAMMARS = {
    ".kt": Language(tree_sitter_kotlin.language()),
    ".kts": Language(tree_sitter_kotlin.language()),
    ".swift": Language(tree_sitter_swift.language()),
}


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return app_exports.make_app_build(
        tmp_path_factory.mktemp("phones") / "build", app_exports.described(app_exports.app_model())
    )


def faults(node: Node) -> Iterator[Node]:
    """Where the grammar had to guess."""
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from faults(child)


def check_syntax(folder: Path) -> int:
    """Parses all Kotlin and Swift below a folder; how many files there are."""
    sources = [path for path in sorted(folder.rglob("*")) if path.suffix in _GRAMMARS]
    for path in sources:
        tree = Parser(_GRAMMARS[path.suffix]).parse(path.read_bytes())
        found = [f"{path.name}:{n.start_point[0] + 1}: {n.text!r:.80}" for n in faults(tree.root_node)]
        assert not found, found
    return len(sources)


def test_golden_files(phones: Path, tmp_path: Path) -> None:
    """What the templates write, byte by byte; tools/update-golden accepts a change."""
    assert app_exports.generated(phones, tmp_path) == app_exports.stored()


def test_the_grammars_see_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.kt").write_text('val a = "$"\nfun f( = 3\n')
    with pytest.raises(AssertionError, match=r"a\.kt:2"):
        check_syntax(tmp_path)
    (tmp_path / "a.kt").unlink()
    (tmp_path / "a.swift").write_text("let a = 3\nfunc f( { }\n")
    with pytest.raises(AssertionError, match=r"a\.swift:2"):
        check_syntax(tmp_path)


@pytest.mark.parametrize("to", APPS)
def test_kotlin_and_swift_parse(phones: Path, tmp_path: Path, to: str) -> None:
    described = edgeq.export_build(phones, to=to, out=tmp_path / "described").out
    plain = app_exports.make_app_build(
        tmp_path / "build", app_exports.app_model(signature=False, integer="uint8"), name="9 Nets!"
    )
    bare = edgeq.export_build(plain, to=to, out=tmp_path / "bare")
    assert bare.name == "model_9_nets"
    assert check_syntax(described) == check_syntax(bare.out) == (6 if to == "android" else 7)


def test_a_package_has_the_model_and_what_the_host_answered(phones: Path, tmp_path: Path) -> None:
    android = edgeq.export_build(phones, to="android", out=tmp_path / "a")
    ios = edgeq.export_build(phones, to="ios", out=tmp_path / "i")
    model = (phones / "variants" / "int8.tflite").read_bytes()
    assert (android.out / "src/main/assets/small_net.tflite").read_bytes() == model
    assert (ios.out / "Sources/SmallNet/Resources/small_net.tflite").read_bytes() == model
    with np.load(phones / "samples.npz") as samples, np.load(phones / "answers.npz") as answers:
        image, digit = samples["input_0"][0], answers["int8 0"][0]
    for folder in (android.out / "src/androidTest/assets/small_net", ios.out / "Tests/SmallNetTests/Golden"):
        assert np.array_equal(np.fromfile(folder / "golden_input_0.bin", "<f4"), image.reshape(-1))
        expected = (digit.astype(np.int32) - 5).astype(np.float32) * np.float32(0.0371)
        assert np.array_equal(np.fromfile(folder / "golden_output_0.bin", "<f4"), expected)
    facts = json.loads((android.out / "edgeq-export.json").read_text())
    assert (facts["to"], facts["variant"], facts["name"]) == ("android", "int8", "small_net")


def test_labels_of_many_classes_fit_into_a_class_file(tmp_path: Path) -> None:
    """A method of the JVM has 64 KB."""
    m = ModelBuilder()
    x, y = m.tensor("x", (1, 2500), "float32"), m.tensor("y", (1, 2500), "float32")
    m.op("ADD", [x, x], [y], version=2, fused_activation_function="NONE")
    labels = tuple(f"class {i}" for i in range(2500))
    content = app_exports.labelled(m.finish([x], [y]), labels)
    build = app_exports.make_app_build(tmp_path / "b", content, name="many", kind=VariantKind.FLOAT32)
    out = edgeq.export_build(build, to="android", out=tmp_path / "o").out
    text = (out / "src/main/kotlin/edgeq/many/ManySpec.kt").read_text()
    assert "labels0() + labels1() + labels2()" in text
    assert re.findall(r'"(class \d+)"', text) == list(labels)
    assert check_syntax(out)


def test_a_scalar_output(tmp_path: Path) -> None:
    m = ModelBuilder()
    x, y = m.tensor("x", (1, 3), "float32"), m.tensor("y", (), "float32")
    m.op("MEAN", [x, m.tensor("axes", (2,), "int32", data=np.array([0, 1]))], [y], keep_dims=False)
    build = app_exports.make_app_build(tmp_path / "b", m.finish([x], [y]), name="one", kind=VariantKind.FLOAT32)
    android = edgeq.export_build(build, to="android", out=tmp_path / "a").out
    assert check_syntax(android) + check_syntax(edgeq.export_build(build, to="ios", out=tmp_path / "i").out) == 13
    text = (android / "src/main/kotlin/edgeq/one/OneSpec.kt").read_text()
    assert "val SHAPE: List<Int> = listOf()\n        const val ELEMENTS = 1\n" in text
    header = (android / "cpp/include/one/spec.h").read_text()
    assert "std::array<std::int32_t, 0> kShape = {};\ninline constexpr std::size_t kElements = 1;" in header


def test_names_that_the_user_gives(phones: Path, tmp_path: Path) -> None:
    done = edgeq.export_build(phones, to="android", out=tmp_path, name="kws", namespace="com.example.data")
    assert "src/main/kotlin/com/example/data/KwsModel.kt" in done.files
    assert 'namespace = "com.example.data"' in (done.out / "build.gradle.kts").read_text()
    header = (done.out / "cpp/src/litert_api.h").read_text()
    assert "namespace kws::edgeq {" in header
    assert "#ifndef KWS_EDGEQ_LITERT_API_H" in header


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": "kws"}, "--namespace com.example.small_net"),
        ({"namespace": "com.fun.kws"}, "keyword"),
        ({"namespace": "com.Example"}, "lower-case"),
        ({"name": "Kws"}, "kws"),
        ({"engine": "aot"}, "--engine cannot be given with --to android"),
        ({"variant": VariantKind.FLOAT16}, "It has int8"),
        ({"to": "ios", "namespace": "com.example"}, "--namespace cannot be given with --to ios"),
        ({"to": "zephyr"}, "--to takes android or ios of it"),
        ({"to": "vxworks"}, "--to takes one of: library"),
    ],
)
def test_what_a_build_for_phones_refuses(phones: Path, tmp_path: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        edgeq.export_build(phones, **{"to": "android", "out": tmp_path / "x", **options})  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_what_a_build_for_a_microcontroller_refuses(small: Build, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a build for a microcontroller; --to android takes one for phones"):
        edgeq.export_build(small.folder, to="android", out=tmp_path / "x")
    with pytest.raises(InputError, match="--name cannot be given with --to cmake"):
        edgeq.export_build(small.folder, to="cmake", out=tmp_path / "x", name="kws")
    with pytest.raises(InputError):
        edgeq.export_build(tmp_path, to="ios", out=tmp_path / "x")


def test_16_bit_values_are_for_ios_only(tmp_path: Path) -> None:
    content = app_exports.app_model(integer="int16")
    build = app_exports.make_app_build(tmp_path / "build", content, kind=VariantKind.INT16X8)
    with pytest.raises(UnsupportedError, match="Kotlin has no 16-bit buffers") as caught:
        edgeq.export_build(build, to="android", out=tmp_path / "x")
    assert caught.value.hint == (
        "Build from the float model, which gives other variants than 16x8; --to ios takes this one."
    )
    out = edgeq.export_build(build, to="ios", out=tmp_path / "x").out
    assert "as: Int16.self" in (out / "Sources/SmallNet/SmallNetModel.swift").read_text()


def test_variables_are_for_ios_only(tmp_path: Path) -> None:
    m, rng = ModelBuilder(), np.random.default_rng(4)
    x, y = m.tensor("x", (1, 3), "float32"), m.tensor("y", (1, 2), "float32")
    weights = [m.tensor(name, (2, n), "float32", data=rng.normal(size=(2, n))) for name, n in (("f", 3), ("t", 4))]
    m.op("SVDF", [x, *weights, -1, m.tensor("state", (1, 8), "float32", variable=True)], [y], rank=1)
    build = app_exports.make_app_build(tmp_path / "build", m.finish([x], [y]), kind=VariantKind.FLOAT32)
    with pytest.raises(UnsupportedError, match="has variables, which LiteRT's CompiledModel refuses to run") as caught:
        edgeq.export_build(build, to="android", out=tmp_path / "x")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Make the state an input and an output of the model")
    assert check_syntax(edgeq.export_build(build, to="ios", out=tmp_path / "x").out)


def test_exporting_again_keeps_files_of_the_user(phones: Path, tmp_path: Path) -> None:
    first = edgeq.export_build(phones, to="android", out=tmp_path / "x")
    (first.out / "src/main/kotlin/Mine.kt").write_text("// mine\n")
    again = edgeq.export_build(phones, to="ios", out=tmp_path / "x")
    left = {p.relative_to(first.out).as_posix() for p in first.out.rglob("*") if p.is_file()}
    assert left == {*again.files, "src/main/kotlin/Mine.kt"}
    (first.out / "Package.swift").write_text("// better\n")
    with pytest.raises(InputError, match=r"Package\.swift is a file of yours"):
        edgeq.export_build(phones, to="ios", out=tmp_path / "x")


def test_the_command(phones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    done = runner.invoke(command, [str(phones), "--to", "ios"], standalone_mode=False)
    assert done.exception is None, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("export/ios/small_net has small_net for ios, the int8 variant: ")
    assert len(lines) == 5
    assert lines[-1] == "The sources are generated only, never run in a test."
    listed = runner.invoke(command, [str(phones), "--to", "android", "--json"], standalone_mode=False)
    assert json.loads(listed.output)["variant"] == "int8"
    told = runner.invoke(command, ["--help"]).output
    assert all(title in told for title in {**TITLES, **APPS}.values())
