package console

import (
	"net"
	"net/http"
)

// Role says what somebody may do. Each role may do what the roles before it may.
type Role int

const (
	Nobody   Role = iota // may not see the console
	Viewer               // may see everything but payloads and errors, see Access.Payloads
	Operator             // may retry and discard dead letters, pause and resume workflows, schedules and projections, let a schedule fire, and send inputs
	Admin                // may rebuild projections, and skip events that they have stopped at
)

func (r Role) String() string {
	return [...]string{"nobody", "viewer", "operator", "admin"}[max(Nobody, min(r, Admin))]
}

// Access says who sends a request, and what they may do.
type Access struct {
	Name string // stored with what they change; without it they change nothing
	Role Role

	// Payloads says that they may see states, the payloads of events and dead letters, and errors of handlers, which may have parts of
	// payloads in them. Others see of an error only to which group it belongs, see admin.DeadLetterGroup. Ids and the reasons of operators are
	// not payloads.
	Payloads bool

	// ClientInputs says that an operator may also send inputs in the place of a client. Inputs whose declaration says "from: operator" need
	// only the role. Inputs that only effects and timers bring are never sent.
	ClientInputs bool
}

// Local is the default of Config.Access: a Viewer who may see payloads for requests from this computer, and Nobody for others. A page of
// another site, whose name points to this computer, is refused because of its name. Behind a proxy on this computer, all requests look as if
// they came from it, so set Config.Access there.
func Local(r *http.Request) (Access, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !isLoopback(host) {
		return Access{}, nil
	}
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	if name != "localhost" && !isLoopback(name) {
		return Access{}, nil
	}
	return Access{Role: Viewer, Payloads: true}, nil
}

func isLoopback(host string) bool {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
