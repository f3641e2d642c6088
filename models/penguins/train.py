"""Which species is this penguin? A scikit-learn pipeline by column name."""

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
NAMES = ["island", "sex"]


def train(frame, params):
    """Fill in what was not measured, bring the measures to one scale, and fit."""
    columns = ColumnTransformer(
        [
            (
                "measures",
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                MEASURES,
            ),
            ("names", OneHotEncoder(handle_unknown="ignore"), NAMES),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(C=params["C"], max_iter=1000))
    return model.fit(frame[MEASURES + NAMES], frame["species"])
