"""Two SMTP servers with aiosmtpd, one with STARTTLS and one with implicit TLS, both with authentication required.

Received mail is stored in a Maildir. The local part of a recipient selects a refusal.
"""

import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult, LoginPassword

starttls_port, implicit_port, certificate, key, maildir = sys.argv[1:]


class Handler(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        refusals = {
            "nobody": "550 5.1.1 no such mailbox",
            "full": "452 4.2.2 mailbox full",
            "relay": "554 5.7.1 relay access denied",
        }
        refusal = refusals.get(address.split("@")[0])
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 good"

    async def handle_DATA(self, server, session, envelope):
        if any(address.startswith("spam@") for address in envelope.rcpt_tos):
            return "554 5.7.1 spam"
        return await super().handle_DATA(server, session, envelope)


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"user", b"secret")
    return AuthResult(success=right, handled=right)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
common = dict(hostname="127.0.0.1", authenticator=authenticate, auth_required=True, enable_SMTPUTF8=True)
Controller(
    Handler(maildir), port=int(starttls_port), tls_context=context, require_starttls=True, **common
).start()
Controller(
    Handler(maildir), port=int(implicit_port), ssl_context=context, auth_require_tls=False, **common
).start()
threading.Event().wait()
