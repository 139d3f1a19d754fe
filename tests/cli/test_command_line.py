"""Settings as flags, flags as a config, and how a script runs and stops."""

import dataclasses
import io
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
from absl import flags
from absl.testing import absltest, parameterized

from pgtf.cli import command_line
from pgtf.cli.help_text import COMMON, help_text
from pgtf.config import Config, flagfile, load_config
from pgtf.foundation import settings
from pgtf.methods import METHODS, Piggyback
from pgtf.networks import NETWORKS, Architecture
from pgtf.objectives import OBJECTIVES, CycleGAN, Pix2Pix
from pgtf.storage.facts import Facts
from pgtf.storage.ledger import Ledger
from pgtf.storage.task_slice import TaskSlice
from tests.config.test_config import METHODS_OTHERWISE, OBJECTIVES_OTHERWISE, OTHER
from tests.tiny import default_signals

ROOT = pathlib.Path(__file__).parents[2]
# Where several rows have a setting, --help has the text of the first.
FIELDS = {
    field.name: field
    for kind in reversed([Config, *METHODS.values(), *OBJECTIVES.values(), *NETWORKS.values()])
    for field in settings.settings_of(kind)
}


def parsed(*arguments, **defaults):
    """Flags of their own, as if these were the command line."""
    values = flags.FlagValues()
    command_line.define(values, **defaults)
    values(["train.py", *arguments])
    return values


def asked(*arguments, **defaults):
    """The config that a command line asks for."""
    with mock.patch.object(flags, "FLAGS", parsed(*arguments, **defaults)):
        return command_line.config_from_flags(arguments)


def flags_of(values):
    """{setting: value} as flags."""
    for name, value in values.items():
        if name == "override":
            yield from (f"--override={one}" for one in value)
        else:
            yield f"--{name}={settings.as_text(value)}"


class FlagsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.nowhere = os.path.join(self.create_tempdir().full_path, "run")

    def asked(self, *arguments):
        return asked(f"--run_dir={self.nowhere}", *arguments)

    @parameterized.parameters(*FIELDS)
    def test_help_teaches(self, name):
        text = FIELDS[name].metadata["help"]
        self.assertGreater(len(text), 20)
        self.assertEqual(text[-1], ".")
        self.assertIn(text, parsed()[name].help)

    def test_without_flags_the_defaults(self):
        self.assertEqual(self.asked(), Config(run_dir=self.nowhere))

    def test_a_script_may_have_defaults_of_its_own(self):
        self.assertEqual(
            asked(f"--run_dir={self.nowhere}", width=7, tasks=("maps",)),
            Config(run_dir=self.nowhere, width=7, tasks=("maps",)),
        )

    @parameterized.parameters(
        *((name, value) for name, value in OTHER.items() if name not in ("run_dir", "schedule", "options"))
    )
    def test_one_flag_sets_one_setting(self, name, value):
        needs = {
            "direction": dict(tasks=OTHER["tasks"]),
            "override": dict(tasks=OTHER["tasks"]),
            "load_size": dict(image_size="64"),
            "keep_weights": dict(evaluate_every=10),
            "accumulate": dict(batch_size=6),
            "compress_to": dict(tasks=("maps",)),
        }.get(name, {})
        found = self.asked(*flags_of({**needs, name: value}))
        self.assertEqual(found, Config(run_dir=self.nowhere, **needs, **{name: value}))
        self.assertIs(type(getattr(found, name)), type(getattr(Config(), name)))

    def test_settings_of_a_network_go_with_it(self):
        found = self.asked("--network=resnet", "--blocks=3")
        self.assertEqual(found, Config(run_dir=self.nowhere, network="resnet", options=(("blocks", 3),)))

    def test_a_schedule_goes_with_its_method(self):
        found = self.asked("--schedule=together", "--method=width_wise")
        self.assertEqual((found.schedule, found.method), ("together", METHODS["width_wise"]()))

    @parameterized.parameters(*METHODS_OTHERWISE, *OBJECTIVES_OTHERWISE)
    def test_settings_of_methods_and_objectives(self, part):
        flag, table = ("method", METHODS) if type(part) in METHODS.values() else ("objective", OBJECTIVES)
        given = {field.name: getattr(part, field.name) for field in settings.settings_of(part)}
        found = getattr(self.asked(*flags_of({flag: settings.name_in(table, part), **given})), flag)
        self.assertEqual(found, part)
        for name, value in given.items():
            self.assertIs(type(getattr(found, name)), type(value))

    def test_a_value_of_another_kind_and_one_of_no_choice(self):
        for argument in ("--width=wide", "--method=magic", "--start=zero", "--deterministic=perhaps"):
            with self.assertRaises(flags.IllegalFlagValueError):
                parsed(argument)

    def test_a_typed_flag_that_the_method_or_objective_does_not_have(self):
        for arguments, says in (
            (
                ("--method=piggyback", "--rank=8"),
                "--rank needs --method=low_rank or lora. Received: --method=pi",
            ),
            (("--method=full", "--noequal_steps"), "--equal_steps needs --method=piggyback or factorized. Received"),
            (("--network=unet", "--blocks=3"), "--blocks needs --network=resnet. Received: --network=unet"),
            (("--objective=cyclegan", "--l1_weight", "9"), "--l1_weight needs --objective=pix2pix. Received"),
        ):
            with self.assertRaisesRegex(ValueError, says):
                self.asked(*arguments)

    def told(self, *lines):
        """(config, what is told) of these lines in a flagfile."""
        path = self.create_tempfile(content="\n".join(lines)).full_path
        with mock.patch.object(sys, "stderr", io.StringIO()) as said:
            return self.asked(f"--flagfile={path}"), said.getvalue()

    def test_such_flags_of_a_flagfile_are_named(self):
        config, said = self.told("--method=full", "--rank=8", "--start=random")
        self.assertEqual((config.method, said), (METHODS["full"](), "Not used with --method=full: --start, --rank\n"))

    def test_an_older_flag_names_the_new_one(self):
        config, said = self.told("--free_up_to=530000")
        self.assertEqual(config.method.free_up_to, 530_000)
        self.assertEqual(said, "--free_up_to is deprecated; use --free_outer\n")
        self.assertEqual(self.told("--free_outer=4")[1], "")

    def test_older_flags_that_a_run_has_recorded_are_not_named_again(self):
        run_dir = self.create_tempdir().full_path
        flagfile.save(Config(run_dir=run_dir, evaluate_every=5, keep_weights="best", method=Piggyback(free_up_to=9)))
        own, older = f"--flagfile={run_dir}/config.cfg", ("--free_up_to=9", "--keep=best", "--evaluate_every=5")
        for arguments, says in (
            ((own,), ""),
            ((own, "--run_dir=runs/another"), ""),
            (older, ""),
            ((own, "--free_up_to=7"), "--free_up_to is deprecated; use --free_outer\n"),
            ((own, "--keep=last"), "--keep is now --keep_weights\n"),
            (("--run_dir=runs/another", *older[1:]), "--keep is now --keep_weights\n"),
        ):
            with mock.patch.object(sys, "stderr", io.StringIO()) as said:
                asked(f"--run_dir={run_dir}", *arguments)
            self.assertEqual(said.getvalue(), says, arguments)

    def test_an_earlier_name_of_a_flag_is_accepted_and_named(self):
        self.assertEqual(
            self.told("--keep=best", "--evaluate_every=5", "--keep_weights=last", "--base=runs/one"),
            (
                Config(run_dir=self.nowhere, evaluate_every=5, first_task_from="runs/one"),
                "--base is now --first_task_from\n--keep is now --keep_weights\n",
            ),
        )
        self.assertEqual(self.told("--keep_weights=last", "--keep=best", "--evaluate_every=5")[0].keep_weights, "best")

    def test_help_has_every_setting_once_under_its_heading(self):
        with mock.patch.object(flags, "FLAGS", parsed()):
            text = help_text(command_line, full=True)
        names = [line.split()[0].lstrip("-") for line in text.splitlines() if line.startswith("  --")]
        self.assertCountEqual(names, [*FIELDS, "method", "objective"])
        # A heading is a line without a margin; its settings follow it.
        headings, heading = {}, None
        for line in text.splitlines():
            if line.endswith(":") and not line.startswith(" "):
                heading = line[:-1]
            elif line.startswith("  --"):
                headings[line.split()[0].lstrip("-")] = heading
        for name, expected in (
            ("run_dir", "run"), ("method", "method"), ("unconstrained_ratio", "method"), ("width", "networks"),
            ("pool_size", "objective"), ("data_dir", "data"), ("epochs", "training"), ("log_every", "monitoring"),
        ):  # fmt: skip
            self.assertEqual(headings[name], expected, name)
        words = " ".join(text.split())
        for saying in (
            "--start (first_task|previous_task|random) piggyback, factorized: Initial values of a new",
            "--unconstrained_ratio piggyback: λ, the fraction",
            "the others mix the bank. Default: 0.25.",
            "--pool_size cyclegan: number of",
            f"--method ({'|'.join(METHODS)})",
            "factorized: The paper's pure factorization",
            "Default: cityscapes,maps,facades,edges2handbags.",
        ):
            self.assertIn(saying, words)

    def test_help_has_the_common_settings_and_tells_of_the_others(self):
        with mock.patch.object(flags, "FLAGS", parsed()):
            text = help_text(command_line)
        names = [line.split()[0].lstrip("-") for line in text.splitlines() if line.startswith("  --")]
        self.assertEqual(names, list(COMMON))
        self.assertIn(f"--helpfull lists the other {len(FIELDS) + 2 - len(COMMON)} settings by group.", text)


class RunTest(absltest.TestCase):
    """Flags of a run that exists."""

    def setUp(self):
        super().setUp()
        self.run_dir = self.create_tempdir().full_path
        self.run_config = Config(
            run_dir=self.run_dir, tasks=("maps", "edges"), direction=("edges:BtoA",), image_size="64", width=8, steps=5
        )
        flagfile.save(self.run_config)

    def learn(self, *names):
        """Makes folders as of learnt tasks; their slices are not looked into."""
        for index, name in enumerate(names):
            place = pathlib.Path(self.run_dir, "tasks", f"{index + 1:02d}-{name}")
            place.mkdir(parents=True)
            (place / "slice.json").touch()

    def asked(self, *arguments, run_dir=None):
        return asked(f"--run_dir={run_dir or self.run_dir}", *arguments)

    def test_flags_that_are_left_out_keep_the_runs_values(self):
        self.learn("maps", "edges")
        self.assertEqual(self.asked(), self.run_config)
        self.assertEqual(self.asked("--width=8", "--image_size=64", "--tasks=maps,edges"), self.run_config)
        self.assertEqual(self.asked("--log_every=7"), dataclasses.replace(self.run_config, log_every=7))

    def test_a_flag_that_contradicts_the_run_is_refused(self):
        self.learn("maps")
        for given, says in (
            ("--width=9", "width=9, .* has 8"),
            ("--width=64", "width=64, .* has 8"),  # The default, and given.
            ("--method=full", "method='full', .* has 'piggyback'"),
            ("--unconstrained_ratio=0.5", "unconstrained_ratio=0.5, .* has 0.25"),
            ("--share_bank", "share_bank=True, .* has False"),
            ("--load_size=70", "load_size='70', .* has ''"),
        ):
            with self.assertRaisesRegex(ValueError, f"Received: --{says}"):
                self.asked(given)

    def test_learnt_tasks_stay_and_new_ones_go_to_the_end(self):
        self.learn("maps")
        self.assertEqual(self.asked("--tasks=maps,facades", "--direction=").tasks, ("maps", "facades"))
        with self.assertRaisesRegex(ValueError, "new ones go to the end. .*has learned maps"):
            self.asked("--tasks=edges,maps")

    def test_flags_are_judged_together_with_the_runs_own(self):
        # Of other tasks than the default ones.
        self.learn("maps", "edges")
        self.assertEqual(self.asked("--direction=edges:BtoA"), self.run_config)

    def planned(self, *arguments):
        """(config, names of learned tasks, what is told) of plan.py."""
        values = parsed(f"--run_dir={self.run_dir}", *arguments)
        with mock.patch.object(flags, "FLAGS", values), mock.patch.object(sys, "stderr", io.StringIO()) as said:
            return *command_line.config_to_plan(), said.getvalue()

    def test_a_plan_is_of_the_run_or_where_flags_contradict_it_of_a_new_one(self):
        self.learn("maps")
        self.assertEqual(self.planned("--tasks=maps,facades", "--direction=")[1:], (["maps"], ""))
        for flag, value in (("width", 9), ("tasks", ("edges",))):
            config, learnt, said = self.planned(f"--{flag}={settings.as_text(value)}")
            self.assertEqual((getattr(config, flag), learnt), (value, ()))
            self.assertRegex(said, f"^Planning a new run, .* A run.*Received: --{flag}=.*{self.run_dir}")

    def test_a_task_keeps_the_settings_that_it_was_learned_with(self):
        facts = Facts(Architecture(), Piggyback(), Pix2Pix(), training={"steps": 10, "accumulate": 1, "keep": "last"})
        values = {"forward/down1/bias": np.zeros(2, "float32")}
        TaskSlice("maps", values, facts).write(os.path.join(self.run_dir, "tasks", "01-maps"))
        self.assertEqual(self.asked("--override=maps:steps=10").override, ("maps:steps=10",))
        for own, was in (
            ("steps=9", "steps=10"),
            ("batch_size=2,accumulate=2", "accumulate=1"),
            ("l1_weight=3", "l1"),
            ("keep=best", "keep_weights=last"),
        ):
            with self.assertRaisesRegex(ValueError, f"can't change its settings.* for maps, whose slice has {was}"):
                self.asked(f"--override=maps:{own}", "--evaluate_every=5")
        flagfile.save(
            dataclasses.replace(self.run_config, override=("maps:steps=9",))
        )  # As of a task that was adopted since.
        self.assertEqual(self.asked().override, ("maps:steps=9",))

    def test_before_anything_has_begun_nothing_is_fixed(self):
        self.assertEqual(self.asked("--width=9"), dataclasses.replace(self.run_config, width=9))

    def test_a_task_that_is_being_learnt_fixes_what_it_is_learnt_with(self):
        os.makedirs(os.path.join(self.run_dir, "tasks", "01-maps", "train"))
        with self.assertRaisesRegex(ValueError, "width=9, .* has 8"):
            self.asked("--width=9")

    def test_so_does_a_ledger_whose_tasks_are_gone(self):
        Ledger((("maps", "12ab"),)).write(self.run_dir)
        with self.assertRaisesRegex(ValueError, "width=9, .* has 8"):
            self.asked("--width=9")

    def test_another_folder_is_another_run(self):
        run_dir = os.path.join(self.run_dir, "none")
        self.assertEqual(self.asked("--width=9", run_dir=run_dir), Config(run_dir=run_dir, width=9))

    def test_a_run_may_have_moved(self):
        moved = self.create_tempdir().full_path
        os.rename(os.path.join(self.run_dir, "config.cfg"), os.path.join(moved, "config.cfg"))
        self.assertEqual(load_config(moved), dataclasses.replace(self.run_config, run_dir=moved))

    def test_no_run(self):
        self.assertIsNone(load_config(self.create_tempdir().full_path))

    def test_a_flagfile_that_is_not_what_was_written(self):
        path = os.path.join(self.run_dir, "config.cfg")
        for line in ("--width=wide", "--widht=8", "--width=-8"):
            with open(path, "w") as file:
                file.write(line + "\n")
            with self.assertRaisesRegex(ValueError, f"The run's flags can't be read.* Received: {path}"):
                self.asked()

    def test_a_flagfile_of_before_a_setting_was_there(self):
        with open(os.path.join(self.run_dir, "config.cfg"), "w") as file:
            file.write("--tasks=maps\n--objective=cyclegan\n--l1_weight=100.0\n--pool_size=3\n")
        found = load_config(self.run_dir)
        self.assertEqual(found, Config(run_dir=self.run_dir, tasks=("maps",), objective=CycleGAN(pool_size=3)))


SCRIPT = '''"""Says what this script does."""
import sys, time
from absl import flags
from pgtf.cli import command_line
def main(arguments):
    what = flags.FLAGS.what
    if what == "refuse":
        raise ValueError("A rule. Received: something")
    if what == "miss":
        raise FileNotFoundError("none here")
    if what == "err":
        raise KeyError("a mistake of ours")
    if what == "wait":
        try:
            print("waiting", flush=True)
            time.sleep(60)
        finally:
            print("saved")
    print("tensorflow" in sys.modules)
    return 3 if what == "three" else None
if __name__ == "__main__":
    import script
    command_line.run(script)
else:
    flags.DEFINE_string("what", "", "What it does.")
    STOPPED = "It goes on."
'''


class ScriptTest(parameterized.TestCase):
    """Checks a script that calls `run`. It imports no TensorFlow, so it is quick."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.script = os.path.join(temporary.name, "script.py")
        pathlib.Path(cls.script).write_text(SCRIPT)

    def begun(self, *arguments, script="", stdout=subprocess.PIPE):
        return subprocess.Popen(
            [sys.executable, script or self.script, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=default_signals,
        )

    @parameterized.parameters(
        ("--what=refuse", 1, "", "\nValueError: A rule. Received: something\n"),
        ("--what=miss", 1, "", "\nFileNotFoundError: none here\n"),
        ("--what=three", 3, "False\n", ""),
        ("--what=", 0, "False\n", ""),
        ("more", 1, "", "\nValueError: Too many arguments. Give settings as flags: --NAME=VALUE. Received: more\n"),
    )
    def test_what_it_says_and_its_status(self, argument, status, said, errors):
        process = self.begun(argument)
        self.assertEqual((*process.communicate(), process.returncode), (said, errors, status))

    @parameterized.parameters(
        ("--nowhere", "\nUnknown command line flag 'nowhere'. Did you mean: where ?\n--helpfull lists all flags.\n"),
        ("--what=", "\n--where is missing\n--helpfull lists all flags.\n"),
    )
    def test_flags_that_cannot_be_parsed(self, argument, errors):
        required = 'flags.DEFINE_string("where", None, "Where it is.", required=True)\n    STOPPED'
        script = self.create_tempfile("script.py", content=SCRIPT.replace("STOPPED", required)).full_path
        process = self.begun(argument, script=script)
        self.assertEqual((*process.communicate(), process.returncode), ("", errors, 1))

    @parameterized.parameters("--help", "--what=")
    def test_a_reader_that_has_enough_gets_no_traceback(self, argument):
        reader, writer = os.pipe()
        os.close(reader)
        process = self.begun(argument, stdout=writer)
        os.close(writer)
        self.assertEqual((process.communicate()[1], process.returncode), ("", 128 + signal.SIGPIPE))

    def test_a_mistake_of_ours_is_not_hidden(self):
        process = self.begun("--what=err")
        _, errors = process.communicate()
        self.assertIn("Traceback", errors)
        self.assertIn("a mistake of ours", errors)
        self.assertEqual(process.returncode, 1)

    @parameterized.parameters(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    def test_a_signal_stops_it_as_ctrl_c_does(self, number):
        process = self.begun("--what=wait")
        self.assertEqual(process.stdout.readline(), "waiting\n")
        process.send_signal(number)
        said, errors = process.communicate()
        self.assertEqual((said, errors, process.returncode), ("saved\n", "\nStopped. It goes on.\n", 130))

    def test_help(self):
        process = self.begun("--help")
        said, errors = process.communicate()
        self.assertEqual((process.returncode, errors), (0, ""))
        self.assertStartsWith(said, "Says what this script does.\n")
        self.assertIn("  --what\n      What it does. Default: none.\n", said)
        self.assertNotIn("--run_dir", said)


if __name__ == "__main__":
    absltest.main()
