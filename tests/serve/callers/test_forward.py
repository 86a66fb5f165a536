"""What a front tells the engine of a call's key."""

from typing import cast

import pytest

from bertine.errors import Unauthenticated
from bertine.serve.callers.keys import MAX_BYTES, key_of
from bertine.serve.calls import Context
from bertine.serve.front.answering import FrontContext
from bertine.serve.front.forward import NO_KEY, _header


def test_a_header_that_can_hold_no_key_goes_on_as_none() -> None:
    for header, told in (("", ""), ("Bearer k", "Bearer k"), ("a" * (MAX_BYTES + 1), NO_KEY)):
        assert _header(cast("Context", FrontContext(None, header))) == told
    with pytest.raises(Unauthenticated):
        key_of(NO_KEY)
