"""Training: the offline job that makes an encoder.

    photos -> data (aligned crops) -> views -> network -> NT-Xent -> checkpoint
    checkpoint -> export -> encoder folder

It hands over one encoder folder; nothing else of it reaches the service.
"""
