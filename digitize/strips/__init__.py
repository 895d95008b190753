"""From traces to strips in millivolts and seconds, their confidence, and the verdict on a page."""
