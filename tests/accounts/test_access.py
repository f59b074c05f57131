"""Who may do what to which app."""

from __future__ import annotations

import pytest

from accounts import Accounts, AppRole, Identity, Permission
from core.errors import Forbidden, NotFound, UserError
from core.ids import AppId, new_id

APP = AppId(new_id())

RIGHTS = {
    AppRole.OWNER: {Permission.VIEW, Permission.DEPLOY, Permission.MANAGE},
    AppRole.COLLABORATOR: {Permission.VIEW, Permission.DEPLOY},
    AppRole.VIEWER: {Permission.VIEW},
}


@pytest.mark.parametrize("role", list(AppRole))
@pytest.mark.parametrize("permission", list(Permission))
def test_each_role_may_do_exactly_what_its_row_says(
    accounts: Accounts, ada: Identity, role: AppRole, permission: Permission
) -> None:
    accounts.grant(APP, ada.user_id, role)
    if permission in RIGHTS[role]:
        accounts.require(ada, APP, permission)
        assert permission in accounts.permissions(ada, APP)
        return
    with pytest.raises(Forbidden, match=f"has no {permission} right"):
        accounts.require(ada, APP, permission)


def test_a_stranger_may_do_nothing(accounts: Accounts, ada: Identity) -> None:
    for permission in Permission:
        with pytest.raises(Forbidden, match="You do not have access to this app"):
            accounts.require(ada, APP, permission)
    assert accounts.visible_apps(ada) == frozenset()


def test_an_admin_may_do_everything_and_sees_all(accounts: Accounts) -> None:
    root = accounts.add_user("root@example.com", "correct horse battery", admin=True)
    for permission in Permission:
        accounts.require(root, APP, permission)
    assert accounts.visible_apps(root) is None


def test_a_part_in_one_app_gives_nothing_in_another(accounts: Accounts, ada: Identity) -> None:
    accounts.grant(APP, ada.user_id, AppRole.OWNER)
    with pytest.raises(Forbidden):
        accounts.require(ada, AppId(new_id()), Permission.VIEW)
    assert accounts.visible_apps(ada) == {APP}


def test_collaborators_are_added_by_email_changed_and_listed(accounts: Accounts, ada: Identity, bob: Identity) -> None:
    accounts.grant(APP, ada.user_id, AppRole.OWNER)
    accounts.grant(APP, "BOB@example.com", AppRole.VIEWER)
    accounts.grant(APP, "bob@example.com", AppRole.COLLABORATOR)
    listed = [(part.email, part.role) for part in accounts.collaborators(APP)]
    assert listed == [("ada@example.com", AppRole.OWNER), ("bob@example.com", AppRole.COLLABORATOR)]


def test_an_unknown_email_gets_no_part(accounts: Accounts) -> None:
    with pytest.raises(NotFound, match=r"There is no user nobody@example\.com"):
        accounts.grant(APP, "nobody@example.com", AppRole.VIEWER)


def test_a_withdrawn_collaborator_may_do_nothing(accounts: Accounts, ada: Identity, bob: Identity) -> None:
    accounts.grant(APP, bob.user_id, AppRole.COLLABORATOR)
    accounts.withdraw(APP, "bob@example.com")
    with pytest.raises(Forbidden):
        accounts.require(bob, APP, Permission.VIEW)
    with pytest.raises(NotFound, match="is not a collaborator"):
        accounts.withdraw(APP, "bob@example.com")


def test_the_last_owner_stays(accounts: Accounts, ada: Identity, bob: Identity) -> None:
    accounts.grant(APP, ada.user_id, AppRole.OWNER)
    with pytest.raises(UserError, match="is the only owner"):
        accounts.withdraw(APP, ada.email)
    with pytest.raises(UserError, match="is the only owner"):
        accounts.grant(APP, ada.email, AppRole.VIEWER)
    accounts.grant(APP, bob.email, AppRole.OWNER)
    accounts.withdraw(APP, ada.email)
    assert [part.email for part in accounts.collaborators(APP)] == ["bob@example.com"]


def test_a_forgotten_app_has_nobody_left(accounts: Accounts, ada: Identity) -> None:
    accounts.grant(APP, ada.user_id, AppRole.OWNER)
    accounts.forget_app(APP)
    accounts.forget_app(APP)
    assert accounts.collaborators(APP) == []
