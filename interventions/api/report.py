"""How all organizations are doing, for those who run the installation."""

from django.http import HttpResponse

from interventions.api import outputs
from interventions.insight.report import report
from pilots.authentication import person
from pilots.errors import NotAllowed
from pilots.operations import Call, answer, operation


@operation(answers={200: outputs.REPORT}, tag="organizations")
def get_report(call: Call) -> HttpResponse:
    """Read the totals of every organization; for superusers."""
    if not person(call.request).is_superuser:
        raise NotAllowed("Only a superuser may see every organization.")
    found = report()
    return answer({"totals": found.totals(), "organizations": [line.as_dict() for line in found.lines]})
