package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/console"
)

// serveConsole serves the console until ctx ends. Only this computer is served, because the command does not know who asks.
func serveConsole(ctx context.Context, k *call) (int, error) {
	host, _, err := net.SplitHostPort(k.listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return exitOK, &usageError{fmt.Sprintf("-listen %q is not an address of this computer alone, such as 127.0.0.1:8080; to serve others, "+
			"mount package runtime/console in a server that knows who asks", k.listen)}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", k.listen)
	if err != nil {
		return exitStore, err
	}
	config := console.Config{
		Access: func(r *http.Request) (console.Access, error) {
			access, err := console.Local(r)
			if access.Name = k.by; access.Role == console.Viewer && k.write {
				access.Role, access.ClientInputs = console.Admin, true
			}
			return access, err
		},
		Logger: slog.New(slog.NewTextHandler(k.errs, nil)),
	}
	if k.server != "" {
		config.Engine = remote(k.server)
	}
	handler := console.New(k.admin, config)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }} // streams end with the command
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(k.out, "the console is at http://%s/\n", listener.Addr())
	select {
	case err = <-served:
		return exitStore, err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = server.Shutdown(ending)
	if <-served; errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return exitOK, err
}
