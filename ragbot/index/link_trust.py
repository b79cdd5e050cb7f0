"""A measure of how well the links of a vault join notes of one subject."""

from __future__ import annotations

from itertools import islice

import numpy as np

from ragbot.index.corpus import Corpus

SAMPLE = 200
"""Most notes whose links are compared, spread evenly over the vault."""

MOST_LINKS = 10
"""Links looked at of one note."""

PRIOR, PRIOR_LINKS = 0.4, 20
"""Trust before any link is seen, that of most vaults measured, and how many links it weighs."""


def link_trust(corpus: Corpus) -> float:
    """Return how much nearer in meaning linked notes are than notes that others link to.

    Notes are compared by the vectors of their first passages.

    Returns
    -------
    float
        In [0, 1]: 0 if links are random, as between shuffled notes; 1 if every link leads to a
        nearer note than the others compared.
    """
    step = -(-len(corpus.notes) // SAMPLE) or 1
    sources = list(islice(corpus.notes, 0, None, step))
    links = [
        (source, link.note)
        for source in sources
        for link in corpus.graph.outgoing(source)[:MOST_LINKS]
    ]
    passages = corpus.passages_by_note({note for link in links for note in link})
    links = [link for link in links if all(passages[note] for note in link)]
    if not links or not corpus.embedded:
        return PRIOR
    ends = [corpus.vectors([passages[link[end]][0] for link in links]) for end in (0, 1)]
    cosines = ends[0] @ ends[1].T
    names = np.array(links)
    ids = np.unique(names, return_inverse=True)[1].reshape(names.shape)  # quicker to compare
    other = (ids[:, :1] != ids[None, :, 0]) & (ids[:, 1:] != ids[None, :, 1])
    nearer = (np.diag(cosines)[:, None] > cosines) & other
    share = nearer.sum() / max(1, other.sum())
    weighted = len(links) * (2 * share - 1) + PRIOR_LINKS * PRIOR
    return float(max(0.0, weighted / (len(links) + PRIOR_LINKS)))
