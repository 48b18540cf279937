"""The providers' own libraries as oracles: reads cases as a JSON array, prints an array of what they say."""

import datetime
import json
import sys


class Fields:
    """Fields of which one may stand several times, as web frameworks have them."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return iter(name for name, _ in self.pairs)

    def __bool__(self):
        return bool(self.pairs)

    def getall(self, name):
        return [value for key, value in self.pairs if key == name]


def twilio(case):
    from twilio.request_validator import RequestValidator

    return RequestValidator(case["key"]).compute_signature(case["url"], Fields(case["fields"]), case["algorithm"])


def vonage(case):
    from vonage_http_client import Auth

    auth = Auth(api_key="k", signature_secret=case["key"], signature_method=case["method"])
    return auth.sign_params(dict(case["fields"]))


def webhook(case):
    from standardwebhooks import Webhook

    at = datetime.datetime.fromtimestamp(case["timestamp"], tz=datetime.timezone.utc)
    return Webhook(case["key"]).sign(case["id"], at, case["body"])


def sens(case):
    from types import SimpleNamespace

    from ncloud_vserver.api_client import ApiClient

    # Its destructor closes what its constructor, which needs old companions, would have opened.
    ApiClient.__del__ = lambda self: None
    client = ApiClient.__new__(ApiClient)
    client.configuration = SimpleNamespace(host=case["host"], access_key=case["key"], secret_key=case["secret"])
    path, _, query = case["path"].partition("?")
    pairs = [tuple(pair.split("=")) for pair in query.split("&")] if query else []
    return client.make_signature(case["method"], path, pairs, case["timestamp"]).decode()


def solapi(case):
    from solapi.lib.authenticator import Authenticator

    return Authenticator.get_signature(case["key"], case["date"] + case["salt"])


def solapi_send(case):
    from solapi import SolapiMessageService
    from solapi.error.MessageNotReceiveError import MessageNotReceivedError
    from solapi.model.request.message import Message
    from solapi.model.request.send_message_request import SendRequestConfig

    service = SolapiMessageService(case["key"], case["secret"])
    service.base_url = case["url"]
    message = Message(**{"from_": case["from"], "to": case["to"], "text": case["text"]})
    try:
        answer = service.send(message, SendRequestConfig(show_message_list=True))
    except MessageNotReceivedError as error:
        return [failed.status_code for failed in error.failed_messages]
    return answer.group_info.group_id


print(json.dumps([globals()[case["oracle"]](case) for case in json.load(sys.stdin)]))
