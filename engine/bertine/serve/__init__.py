"""The edge: gRPC in front of an `Engine`. Wire and domain meet in `bertine.wire`."""
