"""The command line: list, show, run, sweep and check."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

import platformdirs
from distributed import Client
from tqdm import tqdm

from helpers.data import CorruptData, DataUnavailable
from helpers.training import choose_device
from study.experiments.catalog import EXPERIMENTS, find
from study.experiments.plan import Experiment
from study.experiments.preparation import prepare
from study.experiments.report import compare, details, overview, pick, table
from study.experiments.runner import ClusterUnavailable, cluster_workers, local_workers, run_on_workers
from study.experiments.runs import Job, run
from study.experiments.sweep import plan_jobs, rule_digests, sweep, what_is_missing
from study.records import RECORDED, Record, records

CHECKPOINTS = platformdirs.user_cache_path("stride-and-padding") / "checkpoints"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status, 1 if anything failed."""
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(words)
    options.command = f"python -m study {shlex.join(words)}"
    try:
        return int(options.do(options))
    except (ValueError, OSError, ClusterUnavailable, DataUnavailable, CorruptData) as error:
        where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        print(f"error: {error}{where}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


def _list(options: argparse.Namespace) -> int:
    for experiment in EXPERIMENTS.values():
        print(*overview(experiment, list(records(options.results, experiment=experiment.name))), sep="\n")
    return 0


def _show(options: argparse.Namespace) -> int:
    name, variant, seed = (*options.what.split("/"), "", "")[:3]
    experiment = find(name)
    if variant:
        experiment.variant(variant)
    found = list(records(options.results, experiment=name, variant=variant or "*"))
    found = [record for record in found if seed in ("", str(record.seed))]
    if not found:
        raise ValueError(f"name must be of recorded runs, got {options.what}, none in {options.results}")
    print(*(details(found[0]) if seed else table(found)), sep="\n")
    return 0


def _run(options: argparse.Namespace) -> int:
    experiment = find(options.experiment)
    return _sweep_jobs(options, _jobs(options, experiment, variants=options.variants, seeds=options.seeds))


def _sweep(options: argparse.Namespace) -> int:
    chosen = [find(name) for name in options.experiments] or list(EXPERIMENTS.values())
    return _sweep_jobs(options, [job for experiment in chosen for job in _jobs(options, experiment)])


def _check(options: argparse.Namespace) -> int:
    recorded = pick(list(records(options.results)), name=options.name)
    job = _repetition(recorded, options)
    print(f"running {job.name} again", flush=True)
    repeated = run(job)
    comparison = compare(recorded, repeated)
    if comparison.identical:
        verdict = "identical to the bit"
    else:
        apart = abs(comparison.recorded - comparison.repeated)
        side = "within" if comparison.agrees else "BEYOND"
        verdict = f"{apart:.2f} points apart, {side} the tolerance of {recorded.tolerance}"
    print(f"recorded {comparison.recorded:.2f}%, now {comparison.repeated:.2f}%: {verdict}")
    return 0 if comparison.agrees else 1


def _repetition(recorded: Record, options: argparse.Namespace) -> Job:
    """The job that a record describes; ValueError if the catalog has changed since."""
    kept = recorded.settings
    job = Job(
        experiment=replace(find(recorded.experiment), epochs=kept["epochs"], validation=kept["validation"]),
        variant=recorded.variant,
        seed=recorded.seed,
        device=options.device or recorded.environment.device,
        drawn=kept["stand_in"],
        command=options.command,
    )
    if changed := job.other_settings(recorded):
        raise ValueError(
            "name must be a run with the catalog's settings, "
            f"got {job.name}, whose {', '.join(changed)} differ"
        )
    return job


def _jobs(
    options: argparse.Namespace,
    experiment: Experiment,
    *,
    variants: Sequence[str] = (),
    seeds: int | None = None,
) -> list[Job]:
    if (options.epochs or options.stand_in) and options.results.resolve() == RECORDED.resolve():
        raise ValueError(
            f"--results must be another folder for short runs or drawn images, got {RECORDED}, which holds "
            "complete runs on the real data"
        )
    held_out = experiment.validation
    if held_out and options.stand_in:
        held_out = max(1, options.stand_in // 10)
    shortened = replace(experiment, epochs=options.epochs or experiment.epochs, validation=held_out)
    rules = rule_digests(experiment.name)
    return [
        Job(
            experiment=shortened,
            variant=variant,
            seed=seed,
            device=options.device or "auto",
            drawn=options.stand_in,
            command=options.command,
            rules=rules,
            checkpoints=options.checkpoints,
        )
        for variant, seed in plan_jobs(shortened, variants=variants, seeds=seeds)
    ]


def _sweep_jobs(options: argparse.Namespace, jobs: Sequence[Job]) -> int:
    missing = what_is_missing(jobs, results=options.results)
    print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are in {options.results}", flush=True)
    if not options.scheduler:
        for plan in {job.experiment.name: job.experiment for job in missing}.values():
            # Once here, so that missing data stops the sweep, and only one process downloads it.
            prepare(plan.data, validation=plan.validation, drawn=options.stand_in)
    if not missing:
        return 0
    with _workers(options) as client:
        fatal = (DataUnavailable, CorruptData)
        runner = partial(run_on_workers, run, client=client, say=_say, fatal=fatal)
        failed = sweep(missing, results=options.results, runner=runner)
    print(f"{len(missing) - failed} runs finished, {failed} failed")
    return 1 if failed else 0


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def _workers(options: argparse.Namespace) -> AbstractContextManager[Client]:
    if options.scheduler:
        return cluster_workers(options.scheduler)
    # Several workers on one GPU would only wait for each other.
    on_cpu = choose_device(options.device or "auto").type == "cpu"
    return local_workers(options.workers or ((os.cpu_count() or 1) if on_cpu else 1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m study",
        description="Train the networks of the book over seeds, and record every run.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    stored, ran = _storage_options(), _running_options()

    listed = commands.add_parser("list", parents=[stored], help="the experiments, and how much is recorded")
    listed.set_defaults(do=_list)

    shown = commands.add_parser("show", parents=[stored], help="what is recorded of one")
    shown.add_argument("what", help="such as mnist, mnist/s1-same or mnist/s1-same/0")
    shown.set_defaults(do=_show)

    one = commands.add_parser("run", parents=[stored, ran], help="run what is missing of one experiment")
    one.add_argument("experiment")
    one.add_argument("--variants", nargs="+", default=(), metavar="NAME", help="only these")
    one.add_argument("--seeds", type=_count, metavar="N", help="seeds 0 to N - 1 of each")
    one.set_defaults(do=_run)

    many = commands.add_parser(
        "sweep", parents=[stored, ran], help="run what is missing of several, or of all"
    )
    many.add_argument("experiments", nargs="*", metavar="EXPERIMENT")
    many.set_defaults(do=_sweep)

    checked = commands.add_parser("check", parents=[stored], help="run a recorded run again and compare")
    checked.add_argument(
        "name", nargs="?", default="", help="such as mnist/s1-same/0; if left out, by the date"
    )
    _add_device(checked)
    checked.set_defaults(do=_check)
    return parser


def _storage_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--results", type=Path, default=RECORDED, metavar="FOLDER", help="of the records")
    return options


def _running_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--workers", type=_count, metavar="N", help="processes; as many as cores if left out"
    )
    options.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://host:8786")
    options.add_argument(
        "--checkpoints", type=_folder, nargs="?", const=CHECKPOINTS, metavar="FOLDER",
        help="keep the trained weights, in the cache folder if none is named; with a slash, as in ./weights",
    )  # fmt: skip
    options.add_argument("--epochs", type=_count, metavar="N", help="instead of the experiment's")
    options.add_argument(
        "--stand-in", type=_count, default=0, metavar="N", help="train on N drawn images, not the real ones"
    )
    _add_device(options)
    return options


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], help="a GPU where there is one")


def _folder(text: str) -> Path:
    """A folder, written with a slash so that it cannot be mistaken for the name of an experiment."""
    if not {"/", os.sep} & set(text):
        raise argparse.ArgumentTypeError(f"must be a folder with a slash, got {text!r}: write ./{text}")
    return Path(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)
