//go:build unix

package credential

import (
	"context"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/poller/secret/secrettest"
)

func TestBrokersShowNoToken(t *testing.T) {
	b := &Broker{Fresh: func(context.Context) (secret.Text, time.Time, error) {
		return secret.New("ghs_hunter2"), time.Now().Add(time.Hour), nil
	}}
	if token, err := b.Token(t.Context()); err != nil || token.Reveal() != "ghs_hunter2" {
		t.Fatal(token, err)
	}
	secrettest.Hidden(t, []string{"hunter2"}, b)
}
