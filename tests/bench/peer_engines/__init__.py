"""Other engines, built and driven so that they can be timed beside Runnel."""
