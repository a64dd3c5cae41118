"""Errors for the tests of the verdicts: of packages that are not installed, and raised as they are raised."""

from __future__ import annotations

import botocore.exceptions

# The parents of some classes as aiohttp 3.14 and httpx 0.28 have them: (package.module, name, parents).
CLIENT_CLASSES = {
    "aiohttp.client_exceptions": {
        "ClientError": ["Exception"],
        "ClientResponseError": ["ClientError"],
        "ContentTypeError": ["ClientResponseError"],
        "ClientConnectionError": ["ClientError"],
        "ClientOSError": ["ClientConnectionError", "OSError"],
        "ClientConnectorError": ["ClientOSError"],
        "ServerConnectionError": ["ClientConnectionError"],
        "ServerDisconnectedError": ["ServerConnectionError"],
        "ServerTimeoutError": ["ServerConnectionError", "TimeoutError"],
        "ConnectionTimeoutError": ["ServerTimeoutError"],
        "ClientPayloadError": ["ClientError"],
        "InvalidURL": ["ClientError", "ValueError"],
    },
    "httpx": {
        "HTTPError": ["Exception"],
        "HTTPStatusError": ["HTTPError"],
        "RequestError": ["HTTPError"],
        "TransportError": ["RequestError"],
        "TimeoutException": ["TransportError"],
        "ConnectTimeout": ["TimeoutException"],
        "PoolTimeout": ["TimeoutException"],
        "NetworkError": ["TransportError"],
        "ConnectError": ["NetworkError"],
        "ProtocolError": ["TransportError"],
        "RemoteProtocolError": ["ProtocolError"],
        "LocalProtocolError": ["ProtocolError"],
        "UnsupportedProtocol": ["TransportError"],
        "DecodingError": ["RequestError"],
        "InvalidURL": ["Exception"],
    },
}
_BUILT_IN = {kind.__name__: kind for kind in (Exception, OSError, TimeoutError, ValueError)}


def foreign(module, name, *parents, **attributes):
    """Return an instance of a class that says it comes from *module*, as one of a package that is not installed."""
    error = type(name, parents or (Exception,), {"__module__": module})("text of it")
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


def client_error(module, name, **attributes):
    """Return an error of an HTTP client, with the parents that its class has there."""
    return foreign(module, name, *_class(module, name).__bases__, **attributes)


def aws(code, **response):
    """Return what botocore raises for an answer with this error code."""
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "m"}, **response}, "PutItem")


def caused(error, cause):
    """Return *error* as ``raise error from cause`` would leave it."""
    error.__cause__ = cause
    return error


def _class(module, name):
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    parents = tuple(_class(module, parent) for parent in CLIENT_CLASSES[module][name])
    return type(name, parents, {"__module__": module})
