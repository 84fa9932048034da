"""`courtyard demo`: simulated devices, a local broker, the agent, and what arrives upstream."""
