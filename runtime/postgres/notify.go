package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// closeTimeout bounds the farewell of the connection that listens.
const closeTimeout = time.Second

// Notify implements store.Notifier. The payload of the notification is the number of the store.News.
func (s *Store) Notify(ctx context.Context, what store.News) error {
	err := s.pool.send(ctx, func(batch *pgx.Batch) { batch.Queue(notify, s.channel, strconv.Itoa(int(what))) })
	if err != nil {
		return wrap(err, "notify")
	}
	return nil
}

// listenCheck is how often the connection that listens is asked for a sign of life when there are no notifications.
const listenCheck = 15 * time.Second

// listenTimeout bounds the beginning of listening.
const listenTimeout = 30 * time.Second

// checkTimeout bounds the answer to that.
const checkTimeout = 5 * time.Second

// Listen implements store.Notifier, on a connection of its own. From time to time, and after a connection of the pool broke or was
// refused, it checks that its server still answers and has not become a standby.
func (s *Store) Listen(ctx context.Context, wake func(store.News)) error {
	beginning, begun := context.WithTimeout(ctx, listenTimeout)
	defer begun()
	conn, err := s.connectToListen(beginning)
	if err != nil {
		return wrap(err, "listen: connect")
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(beginning, "LISTEN "+quote(s.channel)); err != nil {
		return wrap(err, "listen")
	}
	wake(store.AllNews)
	for {
		notification, err := s.nextNotification(ctx, conn)
		switch {
		case err != nil:
			return wrap(err, "listen")
		case notification == nil:
			if err := checkListener(ctx, conn); err != nil {
				return wrap(err, "listen: the connection is of no use any more")
			}
		default:
			what := store.AllNews // if nobody says what is new
			if n, err := strconv.Atoi(notification.Payload); err == nil {
				what = store.News(n)
			}
			wake(what)
		}
	}
}

// nextNotification returns nil when it is time to look after the connection.
func (s *Store) nextNotification(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	watched := make(chan struct{})
	closed := s.pool.someClosed()
	go func() {
		defer close(watched)
		select {
		case <-closed:
			cancel()
		case <-waiting.Done():
		}
	}()
	notification, err := conn.WaitForNotification(waiting)
	cancel()
	<-watched
	if err != nil && waiting.Err() != nil && ctx.Err() == nil && !conn.IsClosed() {
		return nil, nil
	}
	return notification, err
}

// checkListener fails when the server does not answer, or is a standby, to which nobody sends notifications.
func checkListener(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var standby, readOnly bool
	if err := conn.QueryRow(ctx, serverRole).Scan(&standby, &readOnly); err != nil {
		return err
	}
	if standby {
		return errReadOnly
	}
	return nil
}

func (s *Store) connectToListen(ctx context.Context) (*pgx.Conn, error) {
	if s.listen != nil {
		return pgx.ConnectConfig(ctx, s.listen)
	}
	return s.pool.connect(ctx)
}
