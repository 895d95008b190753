"""Networks of the literature that ours is measured against: sheets (`papertrace.training.sheets`) in, logits out."""
