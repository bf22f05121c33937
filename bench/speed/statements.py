"""The floor's own table beside the product's, and what is done to it."""

TABLE = "bench_floor"
# The columns that a request has besides what is counted and logged of it.
CREATE_TABLE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request_id varchar(255) UNIQUE, uow_id varchar(255),
        title varchar(255), description text, kind varchar(20), priority smallint, status varchar(20), context jsonb,
        created_at timestamptz, updated_at timestamptz, expires_at timestamptz
    )"""
INSERT = f"""
    INSERT INTO {TABLE} (request_id, uow_id, title, description, kind, priority, status, context, created_at,
        updated_at, expires_at)
    VALUES (%s, 'uow-1', 'Which vendor is it?', '', 'clarification', 2, 'PENDING', '{{}}', now(), now(), now())
    RETURNING to_jsonb({TABLE})::text"""  # noqa: S608 -- the names are ours
UPDATE = f"UPDATE {TABLE} SET status = 'APPROVED' WHERE request_id = %s RETURNING to_jsonb({TABLE})::text"  # noqa: S608
PAGE = f"SELECT json_agg(page)::text FROM (SELECT * FROM {TABLE} ORDER BY id LIMIT 50) page"  # noqa: S608
ONE = f"SELECT to_jsonb({TABLE})::text FROM {TABLE} ORDER BY id LIMIT 1"  # noqa: S608
