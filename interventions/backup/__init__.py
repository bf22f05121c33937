"""A copy of everything, kept elsewhere: made while all go on working, and put back whole or not at all.

`making` reads the database into a file whose form is `archive`'s; `examining` says whether a file can be put back here,
`restoring` does it, `aftermath` is what must not be as it was, `verifying` whether it is right.
"""
