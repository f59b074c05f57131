"""How a command line becomes a command: colon names or two words, options that every command shares, grouped help.

`config:set` and `config set` are the same command. `-a`, `-r` and `--json` are understood before the command as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cli.session import Session

_Function = Callable[..., Any]
_Decorated = TypeVar("_Decorated", bound=_Function)

ALIASES = {
    "apps:create": "create",
    "apps:destroy": "destroy",
    "apps:info": "info",
    "apps:open": "open",
    "apps:rename": "rename",
    "auth:login": "login",
    "auth:logout": "logout",
    "auth:whoami": "whoami",
    "releases:rollback": "rollback",
    "ps:kill": "run:kill",
    "cron": "cron:list",
    "restart": "ps:restart",
    "runs": "run:list",
    "scale": "ps:scale",
}
"""Other names that people's fingers know from Heroku: understood, but not listed."""


class Command(click.Command):
    """One command, with examples under its help."""

    @property
    def topic(self) -> str:
        """Whose commands its help lists besides: those of `cron` for `cron:list`, and none for `config:set`."""
        return (self.name or "").removesuffix(":list")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Its own completions, and after `config` also `set`, `get`, `unset`."""
        found = super().shell_complete(ctx, incomplete)
        group = ctx.parent.command if ctx.parent else None
        if isinstance(group, Group) and not incomplete.startswith("-"):
            below = {(one.name or "").partition(":")[2]: one for one in group.topic(self.topic)}
            found += [
                CompletionItem(rest, help=one.get_short_help_str())
                for rest, one in below.items()
                if rest.startswith(incomplete)
            ]
        return found

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The other commands of its topic, then the examples."""
        group = ctx.parent.command if ctx.parent else None
        below = group.topic(self.topic) if isinstance(group, Group) else []
        others = [(one.name or "", one.get_short_help_str(200)) for one in below if one is not self]
        if others:
            with formatter.section("Commands"):
                formatter.write_dl(others)
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """All commands. `sections` are their headings in the help, in order."""

    def __init__(self, *args: Any, sections: Sequence[tuple[str, Sequence[click.Command]]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections
        for _, commands in sections:
            for command in commands:
                self.add_command(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the words name, and the words left for it. Raises click.UsageError."""
        name, rest = self.joined(args)
        if name in self.commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, [name, *rest])
        if self.topic(name) and not any(word for word in rest if not word.startswith("-")):
            return name, _help_of_topic(name), []
        raise click.UsageError(f"There is no command {name!r}.{self._meant(name)}", ctx)

    def joined(self, args: Sequence[str]) -> tuple[str, list[str]]:
        """The command's name in full, and the words after it."""
        rest = list(args[1:])
        if rest:
            both = self._known(f"{args[0]}:{rest[0]}")
            if both in self.commands:
                return both, rest[1:]
        return self._known(args[0]), rest

    def topic(self, name: str) -> list[click.Command]:
        """The commands below a topic: of `domains`, `domains:add` and so on."""
        below = [command for known, command in sorted(self.commands.items()) if known.startswith(f"{name}:")]
        return [command for command in below if not command.hidden]

    def _known(self, name: str) -> str:
        """The name that an alias stands for; a topic without more lists, so `domains:list` is `domains`."""
        name = ALIASES.get(name, name)
        bare = name.removesuffix(":list")
        return bare if name not in self.commands and bare in self.commands else name

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their headings."""
        for title, commands in self.sections:
            shown = [command for command in commands if not command.hidden]
            with formatter.section(title):
                formatter.write_dl([(command.name or "", command.get_short_help_str(200)) for command in shown])

    def _meant(self, name: str) -> str:
        from difflib import get_close_matches

        below = [command.name or "" for command in self.topic(name)]
        near = below or get_close_matches(name, [*self.commands, *ALIASES], n=1, cutoff=0.6)
        return f" Did you mean {' or '.join(sorted(near))}?" if near else ""


def command(name: str, *, examples: Sequence[str] = (), **attributes: Any) -> Callable[[_Function], Command]:
    """Declare a command; `examples` are whole command lines for its help."""
    epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples) if examples else None
    return click.command(name, cls=Command, epilog=epilog, **attributes)


def _help_of_topic(name: str) -> Command:
    """What a topic is that has no command of its own: the list of those that it has."""

    @click.pass_context
    def show(ctx: click.Context) -> None:
        click.echo(ctx.get_help())

    return Command(name, callback=show, help=f"The commands of {name}.")


def app_options(function: _Decorated) -> _Decorated:
    """`-a/--app` and `-r/--remote`, kept in the session."""
    function = _kept("app_option", "-a", "--app", metavar="APP", help="The app, by name.")(function)
    help_text = "The git remote that names the app."
    return _kept("remote_option", "-r", "--remote", metavar="REMOTE", help=help_text)(function)


def json_option(function: _Decorated) -> _Decorated:
    """`--json`, kept in the session."""
    return _kept("as_json", "--json", is_flag=True, default=None, help="Print JSON.")(function)


def _kept(attribute: str, *declaration: str, **settings: Any) -> Callable[[_Decorated], _Decorated]:
    def keep(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        session = ctx.ensure_object(Session)
        if value is not None:
            setattr(session, attribute, value)

    return click.option(*declaration, attribute, expose_value=False, callback=keep, **settings)
