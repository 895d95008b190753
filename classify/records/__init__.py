"""Results as plain data, and the strips that they are made from: they import no other part of `classify`."""
