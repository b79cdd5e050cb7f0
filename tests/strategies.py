"""Texts that a note may hold, for property tests: sense and nonsense mixed."""

from hypothesis import strategies as st

PIECES = [
    "[[", "]]", "[", "]", "(", ")", "![", "|", "#", "^", "::", ": ", "up:: ", "- ", "  - ", "> ",
    "1. ", "\n", "\n\n", "\r\n", "\r", "\t", "    ", "`", "``", "```\n", "~~~\n", "$", "$$", "%%",
    "<!--", "-->", "<b>", "<div>\n", "</div>", "&amp;", "\\", "*", "**", "_", "==", "~~", "---\n",
    "---\ntitle: x\n---\n", "a: [", "&a ", "*a", "# ", "## h ##", "| a | b |\n|---|---|\n", "Alpha",
    "Beta", "a.md", "%20", "../", "/", ".html", " ", "word", "#tag", "^id", "[^1]: ", "[r]: a.md\n",
    "é", "e\u0301", "中文", "🎉", "\u200b", "\0", "\ufeff", "\u2028", "\x0b", "\ud800", "\ufdd0",
    "↑", " — ", "[[Alpha]]", "[[Alpha#H|x]]", "![[Beta]]", "[x](a.md)", "(up:: [[Alpha]])",
]  # fmt: skip

notes = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
"""Text put together from the parts of the notation, and lone surrogates."""
