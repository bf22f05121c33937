"""Which tables and columns did Phase 2 have?"""

REQUESTS = "interventions"
HISTORY = "intervention_history"
TABLES = (REQUESTS, HISTORY)

KNOWN = {
    REQUESTS: (
        "id",
        "request_id",
        "uow_id",
        "intervention_type",
        "status",
        "priority",
        "title",
        "description",
        "context",
        "created_at",
        "expires_at",
        "updated_at",
        "required_role",
        "assigned_to",
        "action_reason",
        "action_timestamp",
        "is_archived",
    ),
    HISTORY: (
        "id",
        "request_id",
        "uow_id",
        "status",
        "priority",
        "created_at",
        "completed_at",
        "resolution_time_seconds",
        "assigned_to",
        "action_reason",
        "archived_at",
    ),
}
# Without these no row can be read; what else is missing has a default, or is not known.
NEEDED = {
    REQUESTS: ("request_id", "uow_id", "intervention_type", "status", "title", "created_at"),
    HISTORY: ("request_id", "status"),
}
