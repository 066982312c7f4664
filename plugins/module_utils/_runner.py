# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Run modules: start and end of a task.

The only file that uses AnsibleModule, and the only one that ends a task. The modules' own code is in ``plugins/modules``.

In check mode, an earlier task may have predicted a change that this one needs: to load ``ip_vs``, install pyroute2, or add the
service. A machine that is not ready therefore fails a task, but in check mode only causes a warning that the task cannot be predicted.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsError,
    IpvsInputError,
    IpvsMissingError,
    IpvsNotReadyError,
    not_predicted,
)

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
    from ansible_collections.lvs.director.plugins.module_utils._options.words import Words
    from ansible_collections.lvs.director.plugins.module_utils._persist.contract import Store

    Action = Callable[[IpvsKernel, Store, Any, bool], "Result"]

# Interpreters with the distribution's python3-pyroute2, if the task runs with another one.
_SYSTEM_INTERPRETERS = ["/usr/bin/python3", "/usr/libexec/platform-python"]

Result = dict[str, Any]


class _Module(AnsibleModule):
    """A module that treats null options as omitted, nested ones too. ``ipvs_info`` returns null values."""

    given: dict[str, Any]  # the options as they were given

    def __init__(self, **spec: Any) -> None:
        self._constructed = False
        super().__init__(**spec)  # type: ignore[no-untyped-call]
        self._constructed = True

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call]
        self.params = _without_nulls(self.params)
        # AnsibleModule converts a copy.
        self.given = {name: value for name, value in self.params.items() if not name.startswith("_ansible_")}

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Fail. What AnsibleModule itself finds in the options is said as ``ipvs_table`` says it, which names the entry."""
        if not self._constructed and getattr(self, "validation_result", None) is not None:
            msg = _fault(self.given, self.argument_spec) or msg
        super().fail_json(msg, **kwargs)
        raise SystemExit(1)  # fail_json does not return


def _fault(given: dict[str, Any], spec: dict[str, Any]) -> str:
    from ansible_collections.lvs.director.plugins.module_utils._options.words import Words, fault  # noqa: PLC0415 (compiled only where it is used)

    found = fault(given, spec)
    return Words(given, spec).error(found) if found else ""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def run(
    spec: dict[str, Any],
    action: Action,
    unpredicted: Optional[Result] = None,
    *,
    read: Optional[Callable[[Any], Any]] = None,
    recorded_as: str = "",
) -> None:
    """Run a module: ``action`` gets a kernel, the machine's files, the options and check mode, and returns the task's result.

    :param spec: the arguments of AnsibleModule.
    :param action: may return ``warnings``, and a complete result with ``failed`` and ``msg`` if an error message is not enough.
    :param unpredicted: the result in check mode if the task cannot be predicted.
    :param read: converts the options for ``action``, before any kernel is asked: a wrong value is found on any machine.
    :param recorded_as: the module's name, if the machine keeps the time of its last run, for its metrics.
    """
    from ansible_collections.lvs.director.plugins.module_utils._persist.files import MachineStore  # noqa: PLC0415 (compiled only where it is used)

    module = _Module(**spec)
    try:
        asked = read(module.params) if read else module.params
        kernel = _open_kernel(module)
        try:
            store = MachineStore()
            _warn(module, kernel, store)
            result = action(kernel, store, asked, module.check_mode)
            if recorded_as and not module.check_mode and not result.get("failed"):
                store.record_run(recorded_as)
        finally:
            kernel.close()
    except (IpvsMissingError, IpvsNotReadyError) as exc:
        result = _unpredicted(module, exc, unpredicted)
    except IpvsInputError as exc:
        _fail(module, exc, _words(module.given, spec).error(exc))
    except IpvsError as exc:
        _fail(module, exc)
    if any(text.startswith(("services[", "destinations[")) for text in result.get("warnings", ())):
        result["warnings"] = list(map(_words(module.given, spec).warning, result["warnings"]))
    # The process ends now: spare it the two garbage collections at exit, over thousands of live values.
    gc.freeze()
    _end(module, result)


def _words(given: dict[str, Any], spec: dict[str, Any]) -> Words:
    from ansible_collections.lvs.director.plugins.module_utils._options.words import Words  # noqa: PLC0415 (compiled only where it is used)

    return Words(given, spec["argument_spec"])


def _end(module: AnsibleModule, result: Result) -> None:
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _fail(module: AnsibleModule, exc: IpvsError, text: str = "") -> NoReturn:
    module.fail_json(msg=text or str(exc))
    raise exc  # fail_json does not return


def _warn(module: AnsibleModule, kernel: IpvsKernel, store: Store) -> None:
    if store.read_fallback():
        # Imported only if needed: a target compiles every module that a task imports.
        from ansible_collections.lvs.director.plugins.module_utils._boot.fallback import fallback_warnings  # noqa: PLC0415 (compiled only where it is used)

        for text in fallback_warnings(kernel, store):
            module.warn(text)


def _unpredicted(module: AnsibleModule, exc: IpvsError, result: Optional[Result]) -> Result:
    if not module.check_mode or result is None:
        _fail(module, exc)
    module.warn(not_predicted(exc))
    return dict(result)


def run_without_kernel(
    spec: dict[str, Any],
    action: Callable[[dict[str, Any], bool], Result],
    unpredicted: Optional[Result] = None,
    *,
    may_need_pyroute2: bool = False,
) -> None:
    """Run a module that does not need the kernel client.

    :param spec: the arguments of AnsibleModule.
    :param action: gets the options and check mode, and returns the task's result.
    :param unpredicted: the result in check mode if the task cannot be predicted.
    :param may_need_pyroute2: prefer an interpreter with pyroute2, but continue without.
    """
    module = AnsibleModule(**spec)
    if may_need_pyroute2 and find_spec("pyroute2") is None:
        _respawn_with_pyroute2()
    try:
        result = action(module.params, module.check_mode)
    except IpvsNotReadyError as exc:
        result = _unpredicted(module, exc, unpredicted)
    except IpvsInputError as exc:
        _fail(module, exc, _words(module.params, spec).error(exc) if exc.path.startswith("services") else "")
    except IpvsError as exc:
        _fail(module, exc)
    _end(module, result)


def _open_kernel(module: AnsibleModule) -> IpvsKernel:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel  # noqa: PLC0415 (compiled only where it is used)
    from ansible_collections.lvs.director.plugins.module_utils._persist.remembering import remembering  # noqa: PLC0415 (compiled only where it is used)

    try:
        return remembering(NetlinkKernel())
    except IpvsNotReadyError as exc:
        if not module.check_mode:
            raise
        reason = str(exc)
    except ImportError as exc:
        _respawn_with_pyroute2()
        reason = f"{missing_required_lib('pyroute2')} On Debian the package is python3-pyroute2"
        if not module.check_mode:
            module.fail_json(msg=f"{reason}.", exception="".join(traceback.format_exception(type(exc), exc, exc.__traceback__)))
            raise
    from ansible_collections.lvs.director.plugins.module_utils._kernel.unloaded import UnloadedKernel  # noqa: PLC0415 (compiled only where it is used)

    module.warn(f"{not_predicted(reason)}. It goes on with an empty table")
    return UnloadedKernel()


def _respawn_with_pyroute2() -> None:
    """Respawn the module with the distribution's interpreter if that has pyroute2."""
    from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module  # noqa: PLC0415 (compiled only where it is used)

    if not has_respawned():
        other = probe_interpreters_for_module(_SYSTEM_INTERPRETERS, "pyroute2")
        if other and other != sys.executable:
            respawn_module(other)
