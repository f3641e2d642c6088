"""Will this flight be more than 15 minutes late? Boosted trees on what is known before."""

from lightgbm import LGBMClassifier

TARGET, TIME = "late", "scheduled_departure"


def train(frame, params):
    """Fit on every column but the outcome and the time; categories are taken as they are."""
    features = frame.drop(columns=[TARGET, TIME])
    model = LGBMClassifier(
        n_estimators=params["trees"],
        learning_rate=params["learning_rate"],
        num_leaves=params["leaves"],
        scale_pos_weight=params["positive_weight"],
        min_child_samples=60,
        cat_smooth=50,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        random_state=params["seed"],
        deterministic=True,
        force_row_wise=True,
        n_jobs=1,
        verbose=-1,
    )
    return model.fit(features, frame[TARGET])
