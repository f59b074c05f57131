"""The `portside` command that people install on a laptop.

TAKES  an argv, `PORTSIDE_URL` / `PORTSIDE_TOKEN`, `~/.config/portside/credentials.json` and the git remotes around it.
GIVES  data on stdout, progress and errors on stderr, an exit code: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C.
NEVER  imports the server's packages: it speaks HTTP to the Heroku-shaped API and nothing else.

The way in is `cli.start:run`.
"""
