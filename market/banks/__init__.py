"""What banks write and what is written for them: statements, files of payments, the identification code (识别码).

Owns the columns of the banks' exports, what a statement of any form says, by which key a line of it is known again, and
the forms in which payments are handed to a bank. Always holds: an amount is whole fen, read from its digits and never
through a fraction; a file is read whole or refused; a fault names row and column and never repeats a cell, since any
cell may be a name or an account. Never: keeps anything, guesses a direction or a column, shortens what it writes, or
knows for what the money is.
"""
