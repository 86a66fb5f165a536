"""Wire <-> domain: protobuf messages on one side, `bertine.types` on the other, both directions.

Reading a message checks it: what is wrong raises `InvalidInput` with the path of the field.
"""
