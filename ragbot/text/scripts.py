"""The ranges of letters by script, for words, names and languages."""

from __future__ import annotations

SCRIPTS: dict[str, str] = {
    "latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "cyrillic": "\u0400-\u052f",
    "hebrew": "\u0590-\u05ff",
    "arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe",
    "indic": "\u0900-\u0963\u0966-\u0dff",
    "thai": "\u0e00-\u0e7f",
    "lao": "\u0e80-\u0eff",
    "burmese": "\u1000-\u109f",
    "khmer": "\u1780-\u17ff",
    "kana": "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff",
    "han": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "hangul": "\u1100-\u11ff\uac00-\ud7af",
}
"""Ranges of a regular expression's character class, by the name of the script."""

UNSPACED = "".join(SCRIPTS[name] for name in ("thai", "lao", "burmese", "khmer", "kana", "han"))
"""Letters of the scripts that put no space between words."""

PAIRED = UNSPACED + SCRIPTS["hangul"]
"""Letters that are searched in pairs: these, and Korean, which joins particles to words."""

MARKED = SCRIPTS["indic"]
"""Letters and vowel signs of scripts whose vowel signs `\\w` does not match."""
