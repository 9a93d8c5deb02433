import pytest

from genzoo.runtime.memory import check_memory


def test_more_than_the_memory_is_refused_in_bytes():
    message = r"chains=1000000000000 needs 4,000,000,000,000,000 bytes"
    with pytest.raises(ValueError, match=message):
        check_memory("chains", 10**12, 1000)
    with pytest.raises(ValueError, match="8,000,000,000,000,000 bytes"):
        check_memory("n", 10**12, 1000, item_bytes=8)


def test_less_passes():
    assert check_memory("chains", 1000, 1000) is None
