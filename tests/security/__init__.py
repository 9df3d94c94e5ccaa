"""Bad input and faults: the 60 cases of the threat model, and who proves each of them."""
