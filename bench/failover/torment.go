//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"syscall"
)

// torment is something that is done to the primary. heal ends it.
type torment struct {
	name string
	do   func(c *cluster, ctx context.Context, primary *node) (heal func() error, err error)
}

var torments = []torment{
	{"kill", (*cluster).killServer},
	{"freeze", (*cluster).freeze},
	{"partition", (*cluster).partition},
	{"switchover", (*cluster).switchover},
	{"kill node", (*cluster).killNode},
}

func nothing() error { return nil }

// killServer kills all processes of the server. Patroni starts it again, as a standby.
func (c *cluster) killServer(_ context.Context, primary *node) (func() error, error) {
	primary.signal(syscall.SIGKILL, false)
	return nothing, nil
}

// killNode kills Patroni with the server. Nobody knows before the ttl has ended.
func (c *cluster) killNode(_ context.Context, primary *node) (func() error, error) {
	primary.signal(syscall.SIGKILL, true)
	_ = primary.patroni.Wait() // it was killed
	return func() error { return c.startNode(primary) }, nil
}

// freeze stops all processes of the node. When they go on, the node still takes itself for the primary.
func (c *cluster) freeze(_ context.Context, primary *node) (func() error, error) {
	primary.signal(syscall.SIGSTOP, true)
	return func() error {
		primary.signal(syscall.SIGCONT, true)
		return nil
	}, nil
}

// partition cuts the node off from clients, standbys, the other Patronis and etcd. Its connections stay open and silent.
func (c *cluster) partition(_ context.Context, primary *node) (func() error, error) {
	for _, p := range primary.proxies {
		p.SilenceAll()
	}
	return func() error {
		for _, p := range primary.proxies {
			p.Resume()
		}
		return nil
	}, nil
}

// switchover asks Patroni for another primary.
func (c *cluster) switchover(ctx context.Context, primary *node) (func() error, error) {
	body, err := json.Marshal(map[string]string{"leader": primary.Name})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+primary.API+"/switchover", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("switchover: %s: %s", response.Status, said)
	}
	return nothing, err
}
