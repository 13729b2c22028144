#!/usr/bin/env python3
"""A mail server for tests: plain, STARTTLS and TLS on one machine, mails kept as files.

The first word of a recipient's address decides its fate:
    busy-twice-...@  450 for the first two attempts, then accepted
    busy-...@        450 every time
    refused-...@     550 every time
    anything else    accepted, stored in the spool folder as <number>.eml
"""

import itertools
import json
import os
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

HOST = "127.0.0.1"


class Keeper:
    """Stores what arrives and plays the scripted faults."""

    def __init__(self, spool):
        self.spool = spool
        self.numbers = itertools.count(1)
        self.attempts = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused-"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("busy-"):
            seen = self.attempts[address] = self.attempts.get(address, 0) + 1
            if seen <= 2 or not address.startswith("busy-twice-"):
                return "450 4.2.1 mailbox busy, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        path = os.path.join(self.spool, f"{next(self.numbers):04d}.eml")
        head = f"X-Envelope-From: {envelope.mail_from}\r\n"
        head += f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        with open(path + ".part", "wb") as file:
            file.write(head.encode() + envelope.original_content)
        os.rename(path + ".part", path)
        return "250 2.0.0 kept"


def main():
    spool, certificate, key, user, password, answer = sys.argv[1:]
    keeper = Keeper(spool)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def check(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=good)

    class StartTls(Controller):
        def factory(self):
            return SMTP(
                keeper, hostname=HOST, tls_context=context, require_starttls=True,
                authenticator=check, auth_required=True, enable_SMTPUTF8=True,
            )

    class Tls(Controller):
        def factory(self):
            return SMTP(
                keeper, hostname=HOST, authenticator=check, auth_required=True,
                auth_require_tls=False, enable_SMTPUTF8=True,
            )

    servers = {
        "plain": Controller(keeper, hostname=HOST, port=free_port(), enable_SMTPUTF8=True),
        "starttls": StartTls(keeper, hostname=HOST, port=free_port()),
        "tls": Tls(keeper, hostname=HOST, port=free_port(), ssl_context=context),
    }
    for server in servers.values():
        server.start()
    facts = {name: server.port for name, server in servers.items()}
    facts |= {"host": "localhost", "user": user, "password": password, "spool": spool, "ca": certificate}
    with open(answer + ".part", "w", encoding="utf-8") as file:
        json.dump(facts, file)
    os.rename(answer + ".part", answer)
    threading.Event().wait()


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
