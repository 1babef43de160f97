"""The verbs of the command. The module of a verb holds its parser and its ``execute``, which imports what it needs."""
