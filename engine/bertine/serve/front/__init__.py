"""Processes that take gRPC off the engine's: `bertine serve --fronts N`.

A request's path: a front accepts it (`process`), checks and tokenizes it (`encoder`) or takes it as
it is (`forward`), and sends a frame (`frames`) over its socket (`link`, `channel`) to the engine's
process, where `answering` hands it to the engine. `supervisor` starts the fronts and looks after
them. docs/decisions/0011 says when they pay.
"""
