"""An app that a buildpack in its own repository builds, on a whole platform."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.site import Site

pytestmark = pytest.mark.platform

SCRIPTS = {
    "detect": "#!/bin/sh\ntest -f $1/server.pl && echo Perl\n",
    "compile": "#!/bin/sh\nmkdir -p $1/.profile.d\necho 'export GREETING=profile' > $1/.profile.d/greeting.sh\n",
    "release": "#!/bin/sh\nprintf 'default_process_types:\\n  web: perl server.pl\\nconfig_vars:\\n  WORDS: x\\n'\n",
}


def test_a_push_is_built_and_started_as_its_buildpack_says(new_site: Callable[..., Site]) -> None:
    site = new_site()
    site.git("rm", "--quiet", "Dockerfile", "Procfile")
    for script, text in SCRIPTS.items():
        path = site.folder / "buildpack" / "bin" / script
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    site.platform.commit(site.folder, "A buildpack")
    chosen = site.cli("buildpacks:set", "./buildpack")
    assert chosen.code == 0, chosen.output
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert "Perl app detected" in pushed.output
    assert "Default types of the buildpack: web" in pushed.output
    assert site.answer()["greeting"] == "profile"
    assert site.answer()["words"] == "one"
