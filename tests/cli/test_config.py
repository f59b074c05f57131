"""Config: values go to stdout when asked for, and nowhere else."""

import json


def test_config_lists_values(invoke, logged_in):
    logged_in.config = {"LONG_NAME": "x", "A": "two words"}
    result = invoke("config", "-a", "demo")
    assert (result.stdout, result.stderr) == ("A:          two words\nLONG_NAME:  x\n", "")


def test_config_for_a_shell_and_for_a_program(invoke, logged_in):
    logged_in.config = {"A": "it's", "B": "plain"}
    assert invoke("config", "-s", "-a", "demo").stdout == "A='it'\"'\"'s'\nB=plain\n"
    assert json.loads(invoke("config", "--json", "-a", "demo").stdout) == {"A": "it's", "B": "plain"}


def test_config_get(invoke, logged_in):
    logged_in.config = {"A": "1"}
    assert invoke("config:get", "A", "-a", "demo").stdout == "1\n"
    missing = invoke("config:get", "B", "-a", "demo")
    assert (missing.exit_code, missing.stderr) == (1, " ▸    B is not set on demo.\n ▸    See `portside config`.\n")


def test_config_set_prints_keys_and_the_release_but_no_value(invoke, logged_in):
    result = invoke("config:set", "SECRET=hunter2", "EMPTY=", "-a", "demo")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Set SECRET, EMPTY on demo, v1.\n"
    assert logged_in.asked_for("PATCH") == [("/apps/demo/config-vars", {"SECRET": "hunter2", "EMPTY": ""})]


def test_config_set_for_a_program(invoke, logged_in):
    result = invoke("config:set", "A=1", "-a", "demo", "--json")
    assert json.loads(result.stdout) == {"keys": ["A"], "version": 1}


def test_config_unset(invoke, logged_in):
    logged_in.config = {"A": "1"}
    result = invoke("config:unset", "A", "-a", "demo")
    assert result.stderr == "Unset A on demo, v1.\n"
    assert logged_in.config == {}


def test_config_change_that_fails_to_start(invoke, logged_in):
    def change(_request, _asked):
        logged_in.release("Set A", status="failed", current=False, reason="web.1 exited with status 1")
        return {"A": "1"}

    logged_in.answers["PATCH", "/apps/demo/config-vars"] = change
    result = invoke("config:set", "A=1", "-a", "demo")
    assert result.exit_code == 1
    assert result.stderr == (
        " ▸    The change of A failed (v1): web.1 exited with status 1\n"
        " ▸    demo runs on as it was.\n"
        " ▸    See `portside logs -a demo`.\n"
    )


def test_config_change_that_changes_nothing(invoke, logged_in):
    logged_in.answers["PATCH", "/apps/demo/config-vars"] = {}
    result = invoke("config:set", "A=1", "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, "Nothing changed on demo: A.\n")


def test_a_word_without_equals_is_not_repeated(invoke, logged_in):
    result = invoke("config:set", "A=1", "hunter2", "-a", "demo")
    assert result.exit_code == 2
    assert result.stderr == (
        " ▸    Argument 2 has no '='. Give each as KEY=VALUE.\n ▸    See `portside config:set --help`.\n"
    )


def test_a_bad_key(invoke, logged_in):
    result = invoke("config:set", "1A=x", "-a", "demo")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        " ▸    '1A' can't be a key: use letters, digits and _, not starting with a digit.\n"
    )
