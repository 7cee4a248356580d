"""Times of relief grow while trouble comes back and are short again after a quiet minute."""

from eyespot.edge.relief import Relief
from eyespot.kernel.clock import NS_PER_S


def test_relief_grows_and_is_forgotten() -> None:
    relief = Relief()
    assert relief.is_over(0)
    assert relief.begin(0)
    assert not relief.begin(9 * NS_PER_S)
    assert not relief.is_over(9 * NS_PER_S)
    assert relief.is_over(10 * NS_PER_S)
    assert relief.begin(11 * NS_PER_S)
    assert not relief.is_over(30 * NS_PER_S)
    assert relief.is_over(100 * NS_PER_S), "a minute and more after it ended"
    assert relief.begin(100 * NS_PER_S)
    assert relief.is_over(110 * NS_PER_S)
