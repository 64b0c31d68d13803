"""The register of households: code, village, head count, each household's status over time; and its people.

Always holds: a household has one status on any day it is on the register; whether it is assisted is asked of a day,
never of today; monitoring lasts six months with the same people, under whatever code; what a village clerk does in a
household's place is on record. What is known of a person is sealed under the household's key (`vault`), and read in
clear only for a purpose that was logged before. Never: holds a name or a number of a person in clear; shows one in a
list, an error, a log or an address; rewrites a status when a later one comes.

The vault's decisions. Masks are not stored in clear: they are sealed beside the values, so that a listing opens masks
alone and a dump shows nothing. Blind indexes have a secret of their own: rotating master keys changes none. Erasure
destroys the wrapped key and the indexes; a backup of the schema `vault` holds the key until that backup expires, so
such backups are kept short, and apart from those of the public schema.
"""
