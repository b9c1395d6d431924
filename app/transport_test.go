package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

// noticed is within what time tests' connections are known to be dead, instead of ten seconds.
const noticed = time.Second

// behindFront lets the scene's App reach GitHub through a network that may fall silent.
func (s *scene) behindFront(within time.Duration) *apptest.Front {
	front := apptest.NewFront(s.t, strings.TrimPrefix(s.APIURL, "https://"))
	transport := app.Vigilant(s.CA, within)
	s.t.Cleanup((&http.Client{Transport: transport}).CloseIdleConnections)
	s.app = s.newApp(func(o *app.Options) { o.APIURL, o.Transport = "https://"+front.Addr, transport })
	s.repo = s.app.Repository("acme", "shop")
	return front
}

// No request fails on connections that died without a word: neither those that lay idle, nor those of requests under way.
func TestConnectionsThatFallSilentFailNoRequest(t *testing.T) {
	s := newScene(t, apptest.Options{TLS: true})
	front := s.behindFront(noticed)
	s.wantMain()
	for name, ask := range map[string]func(){
		"a look":  s.wantMain,
		"a token": func() { s.installation.RevokeTokens(); s.wantMain() },
		"a status": func() {
			if err := s.post("success"); err != nil {
				t.Error(err)
			}
		},
		"the App's own": func() {
			if _, err := s.app.Repositories(t.Context()); s.clean(err) != nil {
				t.Error(err)
			}
		},
		"a diagnosis": func() {
			for _, check := range s.app.Diagnose(t.Context()) {
				if check.Level == app.Fail {
					t.Errorf("%+v", check)
				}
			}
		},
	} {
		if n := front.Silence(); n == 0 {
			t.Fatalf("%s: no connection to silence", name)
		}
		begun := time.Now()
		ask()
		if took := time.Since(begun); took > 30*noticed { // far more than two rounds of pings
			t.Errorf("%s took %v", name, took)
		}
	}
	if n := s.Count(apptest.Filter{Kind: apptest.REST}); n > 20 {
		t.Errorf("%d requests", n)
	}
}

func TestSilentConnectionsAreLeftWhileIdle(t *testing.T) {
	s := newScene(t, apptest.Options{TLS: true})
	front := s.behindFront(noticed)
	s.wantMain()
	before := front.Connections()
	front.Silence()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.sha = s.shop.Push("main", nil)
	for front.Connections() == before {
		if ctx.Err() != nil {
			t.Fatal("the dead connection is still in use")
		}
		s.wantMain()
	}
	begun := time.Now()
	s.wantMain()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("a look on a new connection took %v", took)
	}
}

// The manifest's code is good once, and is traded on a connection of its own.
func TestRegistrationOverASilentNetworkEnds(t *testing.T) {
	s := newScene(t, apptest.Options{TLS: true})
	front := apptest.NewFront(t, strings.TrimPrefix(s.APIURL, "https://"))
	transport := app.Vigilant(s.CA, noticed)
	t.Cleanup((&http.Client{Transport: transport}).CloseIdleConnections)
	for range 2 {
		_, err := app.Convert(t.Context(), "https://"+front.Addr, "unknown", transport)
		wantError[*app.SetupError](t, err, "does not know the code")
		front.Silence()
	}
}
