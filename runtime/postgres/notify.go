package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// closeTimeout bounds the farewell of the connection that listens.
const closeTimeout = time.Second

// Notify implements runtime.Notifier.
func (s *Store) Notify(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, notify, s.channel); err != nil {
		return wrap(err, "notify")
	}
	return nil
}

// Listen implements runtime.Notifier, on a connection of its own.
func (s *Store) Listen(ctx context.Context, wake func()) error {
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
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("postgres: listen: %w", err)
		}
	}
}

func (s *Store) connectToListen(ctx context.Context) (*pgx.Conn, error) {
	if s.listen != nil {
		return pgx.ConnectConfig(ctx, s.listen)
	}
	config := s.pool.Config()
	if config.BeforeConnect != nil { // which may have the password of the hour
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
