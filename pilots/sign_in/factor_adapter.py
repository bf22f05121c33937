"""How allauth's second factors are kept and named."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator

from pilots.models import Pilot
from pilots.sign_in import sealing


class FactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That code is wrong, or was used before.",
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)

    def _get_user_identifier(self, user: Pilot) -> str:
        """What the authenticator app and the browser show: unlike an e-mail address, nobody else's."""
        return user.pilot_id

    def generate_authenticator_name(self, user: Pilot, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return "Passkey" if number == 1 else f"Passkey {number}"
