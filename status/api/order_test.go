package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
)

func TestOrders(t *testing.T) {
	a := serve(t)
	a.ran("r1", "one\n")
	for _, c := range []struct {
		path, body string
		status     int
		has        string
	}{
		{"tasks/acme%2Fshop/pause", `{"until":"2026-05-04T18:00:00Z","reason":"the sale"}`, 202, `{"order":"pause","why":"pause by somebody"}`},
		{"tasks/acme%2Fshop/pause", "", 202, `"order":"pause"`},
		{"tasks/acme%2Fshop/again", `{"ref":"refs/heads/main","after":true,"anyway":true}`, 202, `"order":"again"`},
		{"tasks/acme%2Fshop/resume", "{}", 409, `"status":409`},
		{"tasks/acme%2Fshop/pin", `{"sha":"aaaa"}`, 202, `"order":"pin"`},
		{"tasks/acme%2Fshop/pin", "", 400, "a pin needs a sha"},
		{"tasks/acme%2Fshop/rollback", `{"sha":"bbbb","reason":"it burns"}`, 202, `"order":"rollback"`},
		{"tasks/acme%2Fshop/unpin", "", 202, `"order":"unpin"`},
		{"runs/r0/cancel", "", 202, `{"order":"cancel","why":"cancelled by somebody"}`},
		{"runs/r1/cancel", "", 409, "run r1 has ended: success"},
		{"runs/nosuch/cancel", "", 404, `"status":404`},
		{"tasks/nosuch/again", "", 404, `"status":404`},
		{"tasks/acme%2Fshop/again", `{"by":"root"}`, 400, "the body is no order"},
		{"tasks/acme%2Fshop/again", `{} {}`, 400, "the body is no order"},
		{"tasks/acme%2Fshop/again", `{"ref":`, 400, "the body is no order"},
		{"tasks/acme%2Fshop/again", `{"reason":"` + strings.Repeat("x", 70_000) + `"}`, 400, "the body is no order"},
	} {
		if status, body := a.send("POST", c.path, c.body); status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s %.100s: %d %s", c.path, c.body, status, body)
		}
	}
	if status, _ := a.ask("GET", "tasks/acme%2Fshop/pause"); status != 405 {
		t.Errorf("GET is answered %d", status)
	}
	var known []string
	for _, o := range a.orders {
		known = append(known, o.Known...)
	}
	if len(known) != 1 || known[0] != strings.Repeat("a", 40) {
		t.Errorf("of what has run the orders are told %v", known)
	}
	first, again := a.orders[0], a.orders[2]
	if !first.Until.Equal(time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC)) || first.Reason != "the sale" || first.What != poller.Pause {
		t.Errorf("%+v", first)
	}
	if again.Ref != "refs/heads/main" || !again.After || !again.Anyway {
		t.Errorf("%+v", again)
	}
}
