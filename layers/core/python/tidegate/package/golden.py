"""Golden requests: every runtime of a package must give the answers that it carries."""

from __future__ import annotations

import numpy as np

from tidegate.encoding.encoder import Encoder
from tidegate.errors import IntakeError, InvalidRowsError
from tidegate.package.archive import Package
from tidegate.package.manifest import GOLDEN
from tidegate.scoring.session import Session


def check_golden(package: Package, session: Session, encoder: Encoder) -> None:
    """Run the golden requests; raise `IntakeError` naming the row and the difference."""
    golden = package.golden
    try:
        features = encoder.records(list(golden.records))
    except InvalidRowsError as error:
        raise IntakeError(f"{GOLDEN}: the contract refuses a golden request: {error}") from None
    scores = session.run(features)
    expected = np.asarray(golden.scores, dtype=np.float64)
    if scores.shape != expected.shape:
        shapes = f"{scores.shape} to golden requests, not {expected.shape}"
        raise IntakeError(f"the model answers {shapes}")
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(broken):
        raise IntakeError(f"golden row {broken[0]}: the model's answer is not finite")
    # Beyond 1 the tolerance is relative: a price of 100,000 has no more than 7 digits in float32.
    allowed = golden.tolerance * np.maximum(1.0, np.abs(expected))
    excess = np.abs(scores - expected) / allowed
    if excess.max() > 1:
        row, output = (int(i) for i in np.unravel_index(excess.argmax(), excess.shape))
        answer, wanted = float(scores[row, output]), float(expected[row, output])
        raise IntakeError(
            f"golden row {row}, output {output}: the model answers {answer:.7g}, not {wanted:.7g}: "
            f"{abs(answer - wanted):.2g} apart, and {allowed[row, output]:.2g} is allowed"
        )
