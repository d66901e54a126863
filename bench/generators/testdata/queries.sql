-- Each message is written and read once, as ironflow encodes and decodes it.

-- name: InsertItem :exec
INSERT INTO item (sku, quantity, price_cents) VALUES ($1, $2, $3);

-- name: ListItem :many
SELECT sku, quantity, price_cents FROM item WHERE sku = $1;

-- name: InsertState :exec
INSERT INTO state (items, email, total_cents, paid_at) VALUES ($1, $2, $3, $4);

-- name: ListState :many
SELECT items, email, total_cents, paid_at FROM state WHERE email = $1;

-- name: InsertCreateOrder :exec
INSERT INTO create_order (order_id, cart_id, email, card, items) VALUES ($1, $2, $3, $4, $5);

-- name: ListCreateOrder :many
SELECT order_id, cart_id, email, card, items FROM create_order WHERE order_id = $1;

-- name: InsertPay :exec
INSERT INTO pay (order_id, amount_cents) VALUES ($1, $2);

-- name: ListPay :many
SELECT order_id, amount_cents FROM pay WHERE order_id = $1;

-- name: InsertPaymentFailed :exec
INSERT INTO payment_failed (order_id, reason) VALUES ($1, $2);

-- name: ListPaymentFailed :many
SELECT order_id, reason FROM payment_failed WHERE order_id = $1;

-- name: InsertPaymentTimeout :exec
INSERT INTO payment_timeout (order_id) VALUES ($1);

-- name: ListPaymentTimeout :many
SELECT order_id FROM payment_timeout WHERE order_id = $1;

-- name: InsertCreated :exec
INSERT INTO created (items, email, total_cents) VALUES ($1, $2, $3);

-- name: ListCreated :many
SELECT items, email, total_cents FROM created WHERE email = $1;

-- name: InsertPaid :exec
INSERT INTO paid (amount_cents, paid_at) VALUES ($1, $2);

-- name: ListPaid :many
SELECT amount_cents, paid_at FROM paid WHERE amount_cents = $1;

-- name: InsertCancelled :exec
INSERT INTO cancelled (reason) VALUES ($1);

-- name: ListCancelled :many
SELECT reason FROM cancelled WHERE reason = $1;

-- name: InsertChargeCard :exec
INSERT INTO charge_card (card, amount_cents) VALUES ($1, $2);

-- name: ListChargeCard :many
SELECT card, amount_cents FROM charge_card WHERE card = $1;

-- name: InsertSendReceipt :exec
INSERT INTO send_receipt (email, amount_cents) VALUES ($1, $2);

-- name: ListSendReceipt :many
SELECT email, amount_cents FROM send_receipt WHERE email = $1;

-- name: InsertEmptyOrder :exec
INSERT INTO empty_order (order_id) VALUES ($1);

-- name: ListEmptyOrder :many
SELECT order_id FROM empty_order WHERE order_id = $1;

-- name: InsertUnderpaid :exec
INSERT INTO underpaid (missing_cents) VALUES ($1);

-- name: ListUnderpaid :many
SELECT missing_cents FROM underpaid WHERE missing_cents = $1;
