"""Fast copies: quick ways to make and to change a frozen dataclass with slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import replace
    from typing import TypeVar

    _Part = TypeVar("_Part")

    def maker(cls: type[_Part]) -> type[_Part]: ...
else:
    from dataclasses import MISSING, fields
    from types import new_class

    _COPIES = {}
    """For each class that was ever replaced, the function that copies a part of it into a twin."""

    def replace(part, /, **changes):
        """Return a copy of `part` with `changes`; `part` itself does not change.

        Raises:
            TypeError: a change names no field.
        """
        cls = part.__class__
        try:
            copy = _COPIES[cls](part)
        except KeyError:
            copy = _COPIES.setdefault(cls, _copies(cls))(part)
        try:
            for name, value in changes.items():
                setattr(copy, name, value)
        except AttributeError:
            names = ", ".join(field.name for field in fields(cls))
            raise TypeError(f"{cls.__name__}: no field '{name}' (it has: {names})") from None
        copy.__class__ = cls
        return copy

    def maker(cls):
        """Return what makes a part of `cls` of the same keywords as the class does, and faster.

        A field whose default is made anew for each part must be given.

        Raises:
            TypeError: when called: a keyword is missing, or names no field.
        """
        known, keywords = {}, []
        for field in fields(cls):
            known[f"d_{field.name}"] = field.default
            keywords.append(field.name if field.default is MISSING else f"{field.name}=d_{field.name}")
        return _function(cls, f"*, {', '.join(keywords)}", "{}", known)

    def _copies(cls):
        return _function(cls, "part", "part.{}", {}, become=False)

    def _function(cls, parameters, value, known, *, become=True):
        """A function of `parameters` that fills a twin: one assignment a field, in a row, as by hand.

        It does not call `__post_init__`, so the class must not have one.
        """
        names = [field.name for field in fields(cls)]
        bases = getattr(cls, "__orig_bases__", ())  # a generic class has the layout of a generic one
        twin = new_class(f"{cls.__name__}Twin", bases, exec_body=lambda body: body.update(__slots__=tuple(names)))
        lines = [
            f"def made({parameters}):",
            "    copy = new(twin)",
            *(f"    copy.{name} = {value.format(name)}" for name in names),
            *(["    copy.__class__ = cls"] if become else []),
            "    return copy",
        ]
        exec("\n".join(lines), namespace := {"new": object.__new__, "twin": twin, "cls": cls, **known})
        return namespace["made"]


__all__ = ["maker", "replace"]
