"""Names as they are kept: no two that a person would take for one."""

import unicodedata

from xraycore.errors import ReaderStudyError
from xraycore.reader_study.checks import check_name

# Drawn as nothing, though Unicode counts some of them as letters or marks (UAX #44,
# Default_Ignorable_Code_Point, and the blank of Braille).
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0} | {
    code
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
}
# Control, format, private, unassigned and half a pair.
_UNSEEN = {"Cc", "Cf", "Co", "Cn", "Cs"}


def tidy_name(name: str, what: str) -> str:
    """A name in the one form that its letters have (NFKC), without what cannot be seen.

    Raises:
        ReaderStudyError: If it is empty, too long, or mixes scripts so that a letter passes for one
            of Latin script (UTS #39, by the package confusable_homoglyphs).
    """
    from confusable_homoglyphs.confusables import is_confusable, is_mixed_script

    spaced = "".join(" " if one.isspace() else one for one in unicodedata.normalize("NFKC", name))
    seen = (
        one
        for one in spaced
        if ord(one) not in _INVISIBLE and unicodedata.category(one) not in _UNSEEN
    )
    tidy = check_name("".join(seen), what)
    if is_mixed_script(tidy) and is_confusable(tidy, preferred_aliases=["latin"]):
        raise ReaderStudyError(
            f"{what} needs a name in letters of one script: one of these looks like a Latin letter "
            "and is none"
        )
    return tidy


def look_alike(name: str) -> str:
    """What a name looks like: the same for two that differ in case, or in letters that pass for
    each other.
    """
    return "".join(map(_latin, name.casefold()))


def _latin(letter: str) -> str:
    from confusable_homoglyphs.confusables import is_confusable

    found = is_confusable(letter, preferred_aliases=["latin"])
    if not found:
        return letter
    latin = (one["c"] for one in found[0]["homoglyphs"] if one["n"].startswith("LATIN SMALL"))
    return next(latin, letter)
