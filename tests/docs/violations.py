"""The violations that the checks found."""

found = []


def report(where, text):
    found.append(f"{where}: {text}")
