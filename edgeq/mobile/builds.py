"""A finished build of a mobile target: its records together, and the folder that keeps them.

The folder holds model.tflite (the recommended variant), variants/<name>.tflite, samples.npz (real values), answers.npz
(each variant's on the host) and manifest.json. `open_mobile` needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.builds import MODEL, SAMPLES, BuildSamples
from edgeq.errors import InputError
from edgeq.generate.manifest import Json, Manifest, load_arrays, read_manifest, save_arrays, write_manifest
from edgeq.mobile.measure import file_of
from edgeq.mobile.variant import Variant
from edgeq.model.flatbuffer import parse_tflite
from edgeq.options import Target
from edgeq.records import Agreement, Method, Quantized, Reference, ReferenceOutputs, VariantKind
from edgeq.report import codec
from edgeq.report.record import VariantsInfo
from edgeq.training.history import TrainingHistory

ANSWERS = "answers.npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MobileBuild:
    """Everything that belongs to a build of a mobile target.

    `variants` are in the order of `info.rows`, `answers` theirs to all samples by LiteRT's default kernels on the host
    that built them. `samples.inputs` are real values; each variant takes them in its own type. `info` has no platforms
    proven yet: that is for a report.
    """

    folder: Path
    name: str
    target: Target
    source_format: str
    source_sha256: str | None
    variants: tuple[Variant, ...]
    answers: tuple[ReferenceOutputs, ...]
    info: VariantsInfo
    samples: BuildSamples
    notes: tuple[str, ...]

    def variant(self, kind: VariantKind) -> tuple[Variant, ReferenceOutputs]:
        """One variant and its answers on the host.

        Raises:
            InputError: the build has no such variant; the message says which it has, and why not this one.
        """
        for variant, answers in zip(self.variants, self.answers, strict=True):
            if variant.kind is kind:
                return variant, answers
        reasons = [refused.reason for refused in self.info.refused if refused.kind is kind]
        raise InputError(
            f"{self.folder} has no {kind.value} variant" + (f": {reasons[0]}" if reasons else "."),
            hint=f"It has {', '.join(v.kind.value for v in self.variants)}.",
        )


def is_mobile(folder: Path) -> bool:
    """Whether a folder is a build of a mobile target; False also where it is no build, or its manifest cannot be read:
    opening it then says why."""
    try:
        return "target" in read_manifest(folder, verify=False).facts
    except InputError:
        return False


def refuse_variant(variant: VariantKind | None, folder: Path) -> None:
    """Nothing, unless a variant was named of a build for a microcontroller.

    Raises:
        InputError: it was.
    """
    if variant is not None:
        raise InputError(f"{folder} is a build for a microcontroller: it has no variants.", hint="Leave out --variant.")


def refuse_probe(probe: str | None, folder: Path) -> None:
    """Nothing, unless a mobile build is to be flashed.

    Raises:
        InputError: it is.
    """
    if probe is not None:
        raise InputError(f"--flash is for boards; {folder} is a build for phones.", hint="Leave it out.")


def save_mobile(build: MobileBuild) -> Manifest:
    """Write what is not on disk yet into the build's folder, and the manifest.

    Raises:
        InputError: the folder cannot be written.
    """
    folder, samples = build.folder, build.samples
    files: dict[str, Path | str] = {"model": MODEL, "samples": SAMPLES, "answers": ANSWERS}
    (folder / "variants").mkdir(exist_ok=True)
    for variant in build.variants:
        place = file_of(variant.kind)
        (folder / place).write_bytes(variant.content)
        files[place.removesuffix(".tflite")] = place
    (folder / MODEL).write_bytes(build.variant(build.info.recommendation.kind)[0].content)
    arrays = {f"input_{i}": a for i, a in enumerate(samples.inputs)}
    arrays |= {f"float_output_{i}": a for i, a in enumerate(samples.float_outputs or ())}
    arrays |= {} if samples.labels is None else {"labels": samples.labels}
    save_arrays(folder / SAMPLES, arrays)
    answers = {
        f"{variant.kind.value} {i}": a
        for variant, answer in zip(build.variants, build.answers, strict=True)
        for i, a in enumerate(answer.outputs)
    }
    save_arrays(folder / ANSWERS, answers)
    return write_manifest(folder, files=files, facts=_facts(build))


def open_mobile(folder: Path) -> MobileBuild:
    """A build of a mobile target from its folder; nothing in it has changed since it was made.

    Raises:
        InputError: no such build; a file is missing or was changed; or it was made by another version of edgeq.
    """
    manifest = read_manifest(folder)
    try:
        return _restore(folder, manifest)
    except (KeyError, TypeError, ValueError, AttributeError, codec.DecodeError) as exc:
        raise InputError(f"{folder}'s manifest is damaged: {exc!r}.", hint="Build again: edgeq build …") from exc


def _facts(build: MobileBuild) -> dict[str, Json]:
    return {
        "target": build.target.value,
        "name": build.name,
        "source": {"format": build.source_format, "sha256": build.source_sha256},
        "variants": codec.encode(build.info),
        "quantization": {v.kind.value: _quantization(v.quantized) for v in build.variants if v.quantized is not None},
        "interpreter": build.answers[0].version,
        "data": {
            "source": build.samples.source,
            "sha256": build.samples.sha256,
            "class_names": list(build.samples.class_names),
        },
        "notes": list(build.notes),
    }


def _quantization(quantized: Quantized) -> dict[str, Json]:
    return {
        "method": quantized.method.value if quantized.method else None,
        "calibration_samples": quantized.calibration_samples,
        "seed": quantized.seed,
        "recipe": quantized.recipe,
        "history": codec.encode(quantized.history),
        "agreement": codec.encode(quantized.agreement),
        "notes": list(quantized.notes),
    }


def _restore(folder: Path, manifest: Manifest) -> MobileBuild:
    facts: Mapping[str, Any] = manifest.facts
    info: VariantsInfo = codec.decode(VariantsInfo, facts["variants"], "variants")
    answers = load_arrays(manifest.path(folder, "answers"))
    arrays = load_arrays(manifest.path(folder, "samples"))
    variants = []
    for row in info.rows:
        content = manifest.path(folder, row.file.removesuffix(".tflite")).read_bytes()
        graph = parse_tflite(content, where=str(folder / row.file))
        how = facts["quantization"].get(row.kind.value)
        quantized = (
            None
            if how is None
            else Quantized(
                content=content,
                graph=graph,
                method=Method(how["method"]) if how["method"] else None,
                float_model=None,
                calibration_samples=how["calibration_samples"],
                seed=how["seed"],
                recipe=how["recipe"],
                history=codec.decode(TrainingHistory | None, how["history"], "history"),
                agreement=codec.decode(Agreement | None, how["agreement"], "agreement"),
                notes=tuple(how["notes"]),
            )
        )
        variants.append(Variant(kind=row.kind, content=content, graph=graph, quantized=quantized))
    outputs = range(len(variants[0].graph.outputs))
    return MobileBuild(
        folder=folder,
        name=facts["name"],
        target=Target(facts["target"]),
        source_format=facts["source"]["format"],
        source_sha256=facts["source"]["sha256"],
        variants=tuple(variants),
        answers=tuple(
            ReferenceOutputs(
                reference=Reference.LITERT_DEFAULT,
                version=facts["interpreter"],
                outputs=tuple(answers[f"{v.kind.value} {i}"] for i in outputs),
            )
            for v in variants
        ),
        info=info,
        samples=BuildSamples(
            inputs=tuple(arrays[f"input_{i}"] for i in range(len(variants[0].graph.inputs))),
            labels=arrays.get("labels"),
            float_outputs=tuple(arrays[f"float_output_{i}"] for i in outputs) if "float_output_0" in arrays else None,
            source=facts["data"]["source"],
            sha256=facts["data"]["sha256"],
            class_names=tuple(facts["data"]["class_names"]),
        ),
        notes=tuple(facts["notes"]),
    )
