"""Release: publish, shift, judge, then finish or roll back."""
