"""The web service: HTTP in front of one gallery and one encoder.

    request -> request id -> Host and Origin -> key, rate, role -> upload -> pool
        -> pipeline, gallery

Every error leaves in one shape, RFC 9457 `application/problem+json`; errors.py has the table.
"""
