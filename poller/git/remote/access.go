package remote

import (
	"context"
	"net/http"
	"strings"

	"github.com/bittrance/kitops/poller/git/address"
)

// Access is how one remote is reached: where, and with whose credentials.
type Access struct {
	URL                        address.URL
	Auth                       Auth
	Transport                  http.RoundTripper
	Agent                      string // what kitops calls itself, kitops/VERSION; "": kitops
	SSHKeyFile, SSHAgent, Home string
	Memory                     *Memory
	Hosts                      *Hosts                                             // nil: nothing is shared
	Warn                       func(ctx context.Context, msg string, args ...any) // nil: nobody hears it
}

func (m *Access) warn(ctx context.Context, msg string, args ...any) {
	if m.Warn != nil {
		m.Warn(ctx, msg, args...)
	}
}

// agent is a name that the protocol can carry: no space, no control character.
func (m *Access) agent() string {
	name := []byte(strings.TrimSuffix(first(m.Agent, "kitops"), "/"))
	for i, c := range name {
		if c <= ' ' || c >= 0x7f {
			name[i] = '-'
		}
	}
	return string(name)
}
