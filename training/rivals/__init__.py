"""Networks of the literature that ours is measured against: sheets (`training.sheets`) in, logits out."""
