from shop.price import total


def test_adds_up():
    assert total([("Tea", 250), ("Cup", 900)]) == 1150
