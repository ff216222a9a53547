"""The parts of a proof that need no torch: names of devices, results, and proofs kept from earlier runs."""
