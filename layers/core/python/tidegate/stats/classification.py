"""Metrics of classifiers against the truth.

Class labels are class numbers (0, 1, ...; binary: 1 is positive). Arguments have one entry per row;
every function raises `ValueError` on empty, unequal or non-finite input.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidegate.stats.arrays import Floats, Ints, class_indices, finite_vector, same_length


def auc(y: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Return the area under the ROC curve: P(score of a positive > of a negative), ties half.

    `y` (rows,) 0 or 1; `score` (rows,) any unit; `ValueError` when `y` has one class only.
    Source: Mann-Whitney form, Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    truth, values = _binary(y), finite_vector(score, name="score")
    same_length(truth, values)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        raise ValueError("auc needs both classes in y")
    _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks = (ends - (sizes - 1) / 2)[inverse]  # mean rank of ties, from 1
    above = ranks[truth == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def log_loss(y: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Return the mean negative log-likelihood in nats.

    `y` (rows,) class numbers; `probabilities` (rows, classes), or (rows,) P(positive).
    Probabilities are clipped to the float64 epsilon, so the loss stays finite. Source: Good 1952,
    doi:10.1111/j.2517-6161.1952.tb00104.x.

    >>> round(log_loss([1, 0], [0.9, 0.2]), 4)
    0.1643
    """
    truth, table = class_indices(y, name="y"), _probabilities(probabilities)
    same_length(truth, table)
    if truth.max() >= table.shape[1]:
        raise ValueError(f"y names class {truth.max()}, but there are {table.shape[1]} columns")
    chosen = table[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(chosen, np.finfo(np.float64).eps, 1.0)).mean())


def brier(y: npt.ArrayLike, probability: npt.ArrayLike) -> float:
    """Return the mean squared error of P(positive), in [0, 1].

    `y` (rows,) 0 or 1; `probability` (rows,).
    Source: Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2 (halved, as usual).

    >>> round(brier([1, 0], [0.9, 0.2]), 4)
    0.025
    """
    truth, table = _binary(y), _probabilities(probability)
    same_length(truth, table)
    return float(np.square(table[:, -1] - truth).mean())


def accuracy(y: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the share of rows whose predicted class number is the true one.

    `y`, `predicted` (rows,) class numbers. Source: definition.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 1])
    0.75
    """
    truth, guess = class_indices(y, name="y"), class_indices(predicted, name="predicted")
    same_length(truth, guess)
    return float((truth == guess).mean())


def f1(y: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return 2 TP / (2 TP + FP + FN) of the positive class; 0 when nobody ever names it.

    `y`, `predicted` (rows,) 0 or 1. Source: van Rijsbergen 1979, chapter 7.

    >>> round(f1([0, 1, 1, 0], [0, 1, 0, 0]), 4)
    0.6667
    """
    truth, guess = _binary(y), class_indices(predicted, name="predicted")
    same_length(truth, guess)
    named = int(truth.sum()) + int((guess == 1).sum())
    return 2 * int(((truth == 1) & (guess == 1)).sum()) / named if named else 0.0


def f1_macro(y: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the unweighted mean over classes of 2 TP / (2 TP + FP + FN).

    `y`, `predicted` (rows,) class numbers; a class counts when either side names it.
    Source: Opitz & Burst 2019, arXiv:1911.03347, averaged F1.

    >>> round(f1_macro([0, 1, 2, 2], [0, 1, 2, 1]), 4)
    0.7778
    """
    truth, guess = class_indices(y, name="y"), class_indices(predicted, name="predicted")
    same_length(truth, guess)
    width = int(max(truth.max(), guess.max())) + 1
    named = np.bincount(truth, minlength=width) + np.bincount(guess, minlength=width)
    hits = np.bincount(truth[truth == guess], minlength=width)
    present = named > 0
    return float((2 * hits[present] / named[present]).mean())


def _binary(y: npt.ArrayLike) -> Ints:
    truth = class_indices(y, name="y")
    if truth.max() > 1:
        raise ValueError("y must hold 0 and 1 only")
    return truth


def _probabilities(values: npt.ArrayLike) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 1:
        table = np.column_stack([1.0 - table, table])
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"probabilities must be (rows,) or (rows, classes), not {table.shape}")
    if not ((table >= -1e-6) & (table <= 1 + 1e-6)).all():  # float32 rounding; NaN fails too
        raise ValueError("probabilities must lie in [0, 1]")
    return table
