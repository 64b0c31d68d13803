"""The sample data: the files of `seed/`, loaded in order of time through the services that the HTTP interface uses.

Always holds: every business row was let in by a service, on the day that the file gives; a database holds the whole
sample or is told apart from one that does. Never: inserts a row past a service, asks the clock, or leaves to chance
what is loaded.
"""
