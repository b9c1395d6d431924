package app

import (
	"encoding/json"
	"testing"
	"time"

	hidden "github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/poller/secret/secrettest"
)

func TestTokensAndRegistrationsAreNotShown(t *testing.T) {
	var r Registration
	if err := json.Unmarshal([]byte(`{"id": 7, "name": "kitops", "pem": "hunter2-key", "webhook_secret": "hunter2-hook"}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.PEM.Reveal() != "hunter2-key" || r.WebhookSecret.Reveal() != "hunter2-hook" {
		t.Error("a registration is not read")
	}
	type plain Registration // without its String
	made := token{hidden.New("hunter2-token"), time.Now(), nil, time.Now()}
	secrettest.Hidden(t, []string{"hunter2"}, r, &r, plain(r), made, &installation{token: made}, call{method: "GET", token: made.secret},
		Key{Literal: hidden.New("hunter2-literal")})
}
