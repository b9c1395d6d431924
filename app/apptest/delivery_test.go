package apptest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/app/apptest"
)

func TestDeliveriesAreSignedLoggedAndRepeated(t *testing.T) {
	s := newScene(t, apptest.Options{})
	got := make(chan *github.PushEvent, 2)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := github.ValidatePayload(r, []byte("hush"))
		var e github.PushEvent
		if err != nil || json.Unmarshal(body, &e) != nil || github.WebHookType(r) != "push" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		got <- &e
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thanks")
	}))
	defer hook.Close()
	client, ctx := s.asApp(), t.Context()
	if _, _, err := client.Apps.UpdateHookConfig(ctx, &github.HookConfig{URL: &hook.URL}); err != nil {
		t.Fatal(err)
	}
	if config, _, err := client.Apps.GetHookConfig(ctx); err != nil || config.GetURL() != hook.URL || config.GetSecret() == "hush" {
		t.Errorf("config %v, %v", config, err)
	}

	after := s.shop.Push("main", nil)
	d := s.app.Deliver(ctx, s.shop.PushEvent("refs/heads/main", s.sha, after))
	if d.StatusCode != http.StatusAccepted {
		t.Fatalf("%+v", d)
	}
	if e := <-got; e.GetAfter() != after || e.GetRepo().GetFullName() != "acme/shop" || e.GetInstallation().GetID() != s.installation.ID {
		t.Errorf("%v", e)
	}
	full, _, err := client.Apps.GetHookDelivery(ctx, d.ID)
	if err != nil || full.GetGUID() != d.GUID || full.Response == nil || full.GetRepositoryID() != s.shop.ID {
		t.Errorf("%v, %v", full, err)
	}
	// go-github reports the 202 of a redelivery as *AcceptedError.
	if _, resp, err := client.Apps.RedeliverHookDelivery(ctx, d.ID); resp == nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("redelivery: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.Await(ctx, func() bool { return len(s.app.Deliveries()) == 2 }); err != nil {
		t.Fatal(err)
	}
	if again := s.app.Deliveries()[1]; !again.Redelivery || again.GUID != d.GUID || again.ID == d.ID {
		t.Errorf("%+v", again)
	}
	s.ask("GET", "/app/hook/deliveries", s.installation.Token(nil), "").want(t, 401, "")
}

func TestDeliveryLogIsPagedByCursor(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for i := range 25 {
		s.app.Deliver(t.Context(), apptest.Event{Name: "create", Payload: map[string]any{"n": i}})
	}
	client, o := s.asApp(), &github.ListCursorOptions{PerPage: 10}
	var ids []int64
	for {
		page, resp, err := client.Apps.ListHookDeliveries(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			ids = append(ids, d.GetID())
		}
		if o.Cursor = resp.Cursor; o.Cursor == "" {
			break
		}
	}
	log := s.app.Deliveries()
	if len(ids) != 25 || ids[0] != log[24].ID || ids[24] != log[0].ID {
		t.Errorf("newest first: %v", ids)
	}
	if page, _, err := client.Apps.ListHookDeliveries(t.Context(), &github.ListCursorOptions{Cursor: "bent"}); status(err) != 422 {
		t.Errorf("bent cursor: %v, %v", page, err)
	}
	if _, _, err := client.Apps.GetHookDelivery(t.Context(), 1); status(err) != 404 {
		t.Errorf("unknown delivery: %v", err)
	}
}

func TestDeliveryToNobody(t *testing.T) {
	s := newScene(t, apptest.Options{})
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	app := s.RegisterApp("mona", "unheard", apptest.AppOptions{HookURL: gone.URL})
	if d := app.Deliver(t.Context(), apptest.Event{Name: "ping"}); d.StatusCode != http.StatusBadGateway {
		t.Errorf("%+v", d)
	}
	if app.Deliveries()[0].Status == "OK" {
		t.Error("a delivery to nobody is logged as OK")
	}
}
