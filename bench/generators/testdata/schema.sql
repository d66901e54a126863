-- The messages of bench/testdata/order.ironflow.yaml as tables of PostgreSQL, each with the message's fields as its columns.
-- A list is jsonb. A table must have a column, so EmptyOrder has one more than the message.
CREATE TABLE item (
    sku         text    NOT NULL,
    quantity    integer NOT NULL,
    price_cents bigint  NOT NULL
);

CREATE TABLE state (
    items       jsonb  NOT NULL,
    email       text   NOT NULL,
    total_cents bigint NOT NULL,
    paid_at     timestamptz
);

CREATE TABLE create_order (
    order_id text  NOT NULL,
    cart_id  text  NOT NULL,
    email    text  NOT NULL,
    card     text  NOT NULL,
    items    jsonb NOT NULL
);

CREATE TABLE pay (
    order_id     text   NOT NULL,
    amount_cents bigint NOT NULL
);

CREATE TABLE payment_failed (
    order_id text NOT NULL,
    reason   text NOT NULL
);

CREATE TABLE payment_timeout (
    order_id text NOT NULL
);

CREATE TABLE created (
    items       jsonb  NOT NULL,
    email       text   NOT NULL,
    total_cents bigint NOT NULL
);

CREATE TABLE paid (
    amount_cents bigint      NOT NULL,
    paid_at      timestamptz NOT NULL
);

CREATE TABLE cancelled (
    reason text NOT NULL
);

CREATE TABLE charge_card (
    card         text   NOT NULL,
    amount_cents bigint NOT NULL
);

CREATE TABLE send_receipt (
    email        text   NOT NULL,
    amount_cents bigint NOT NULL
);

CREATE TABLE empty_order (
    order_id text NOT NULL
);

CREATE TABLE underpaid (
    missing_cents bigint NOT NULL
);
