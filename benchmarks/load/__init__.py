"""A load generator for text encoders behind a network, in processes of its own.

targets     what it can speak to: Bertine, OpenAI's HTTP form, KServe's gRPC form
texts       what is sent
schedule    when it is sent: Poisson, uniform, replayed traces
worker      sends it, in the generator's process; runner starts and joins those processes
recorder    what came back, counted from when it should have been sent
knee        the highest rate that keeps a latency
"""
