"""manage.py set_joining: says who joins an organization by signing in."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions
from pilots.management.command import HouseCommand
from pilots.sign_in import joining


class Command(HouseCommand):
    help = (
        "Say who becomes an operator of an organization by signing in. What is given replaces what was set before; "
        "without options nothing changes and the rules are shown."
    )
    example = "set_joining --org acme --email-domain acme.com --provider microsoft\nset_joining --org acme --clear"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG", help="the organization")
        parser.add_argument(
            "--email-domain",
            nargs="+",
            action="extend",
            metavar="DOMAIN",
            help="whoever has an address there that the provider verified; exactly this domain, none below it",
        )
        parser.add_argument(
            "--provider",
            nargs="+",
            action="extend",
            metavar="PROVIDER",
            help=f"everybody who signs in by it: {' or '.join(joining.PINNED_PROVIDERS)}",
        )
        parser.add_argument("--clear", action="store_true", help="nobody joins by signing in any more")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        nobody: list[str] | None = [] if options["clear"] else None
        domains, providers = options["email_domain"] or nobody, options["provider"] or nobody
        if domains is None and providers is None:
            rules = joining.rules_of(organization)
        else:
            rules = joining.allow(organization, email_domains=domains, providers=providers)
        ways = [f"a verified address at {domain}" for domain in rules[joining.DOMAINS]]
        ways += [f"any account of {provider}" for provider in rules[joining.PROVIDERS]]
        text = " or ".join(ways)
        slug = organization.slug
        self.stdout.write(
            f"Into {slug} comes {text}; others by invitation." if text else f"Into {slug} one is invited."
        )
