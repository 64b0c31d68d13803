"""The channel scheme as versioned data: by default 七进, the seven ways into the market (domain.md §3).

Always holds: every order names one channel of the scheme in force on its day. Never: knows a channel by an `if`.
"""
