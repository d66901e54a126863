package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// closeTimeout bounds the farewell of the connection that listens.
const closeTimeout = time.Second

// Notify implements runtime.Notifier. The payload is the number of what is new.
func (s *Store) Notify(ctx context.Context, what runtime.News) error {
	err := s.pool.send(ctx, func(batch *pgx.Batch) { batch.Queue(notify, s.channel, strconv.Itoa(int(what))) })
	if err != nil {
		return wrap(err, "notify")
	}
	return nil
}

// Listen implements runtime.Notifier, on a connection of its own.
func (s *Store) Listen(ctx context.Context, wake func(runtime.News)) error {
	conn, err := s.connectToListen(ctx)
	if err != nil {
		return wrap(err, "listen: connect")
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+quote(s.channel)); err != nil {
		return wrap(err, "listen")
	}
	for what := anything; ; {
		wake(what)
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("postgres: listen: %w", err)
		}
		what = anything
		if n, err := strconv.Atoi(notification.Payload); err == nil {
			what = runtime.News(n)
		}
	}
}

// anything is what may be new when nobody says what.
const anything = runtime.NewWork | runtime.NewEvents | runtime.NewOrders

func (s *Store) connectToListen(ctx context.Context) (*pgx.Conn, error) {
	if s.listen != nil {
		return pgx.ConnectConfig(ctx, s.listen)
	}
	config := s.pool.pool.Config()
	if config.BeforeConnect != nil { // which may have the password of the hour
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
