"""The steps of a deploy, in the order in which they run."""
