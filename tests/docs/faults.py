"""What the checks found."""

found = []


def fault(where, text):
    found.append(f"{where}: {text}")
