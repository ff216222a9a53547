"""What is known of a proof without torch: the names of devices, what was proved, and proofs that are kept."""
