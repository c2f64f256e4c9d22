"""Clients with keys: made in the store, as the command line makes them beside a service."""

import time

from index.keys import ApiKeys
from service.keyring import FRESH_S


def keys_of(client) -> ApiKeys:
    return client.app.state.resources.gallery.keys


def bearer(client, role, name=""):
    """Make a key of a role; gives the headers that bring it."""
    _, secret = keys_of(client).create(role, name=name)
    forget_ring(client)
    return {"Authorization": f"Bearer {secret}"}


def forget_ring(client):
    """Let the service read the keys again with the next request, as it would half a second on."""
    client.app.state.resources.access.ring._read_at_s = time.monotonic() - FRESH_S
