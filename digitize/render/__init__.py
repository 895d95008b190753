"""Pictures of digitized leads: over the page, on ECG paper, in notebooks."""
