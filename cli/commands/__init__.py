"""The commands by topic. Each module lists its own in `COMMANDS`; `cli.main` gives them their headings."""
