"""What the end-to-end scenarios are made of: the agent, real servers, and exact comparisons."""
