"""The web service: HTTP in front of one gallery and one encoder.

    request -> request id -> Host and Origin -> route -> upload -> worker pool -> pipeline, gallery -> answer

Every error leaves as one shape, RFC 9457 `application/problem+json`; service/errors.py holds the table.
"""
