def total(items):
    return sum(cents for _, cents in items)
