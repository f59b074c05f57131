"""What happens to a push, on one screen. docs/what-happens-on-git-push.md tells the same in prose."""

from __future__ import annotations

from gitreceiver.run import Workshop, turn


def deploy_push(workshop: Workshop, push_id: str) -> None:
    """Take one push from its source to serving, or to an honest failure that changes nothing a user sees.

    Every step may run twice: after a crash another worker calls this again, and each step first looks what is done.
    """
    with turn(workshop, push_id) as run:  # this app's pushes one at a time, under a lease; failures end here
        if run is None:
            return
        run.check_branch()  # is it still a fast-forward, or was it forced?
        image = run.build()  # source tree -> image, or the image that the same tree gave before
        release = run.make_release(image)  # image + config -> vN
        run.take_live(release)  # release phase, start all, wait healthy, switch the route
        run.move_branch()  # by compare-and-swap: only now does the client's push count
        run.finish()
