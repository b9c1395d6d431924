package page

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/app"
)

// TestSessionsEnd waits for the end of codes and sessions.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := openSessions("")
		if err != nil {
			t.Fatal(err)
		}
		begin := func() string {
			token, err := s.begin(session{Name: "anna"}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		is := func(token string, want bool) {
			t.Helper()
			if _, known := s.of(token, time.Now()); known != want {
				t.Errorf("known: %t", known)
			}
		}
		code, until := s.invite("anna", time.Now())
		time.Sleep(time.Until(until) + time.Second)
		if _, ok, _ := s.redeem(code, time.Now()); ok {
			t.Error("a code is good for longer than it says")
		}
		idle := begin()
		time.Sleep(11 * time.Hour)
		is(idle, true)
		time.Sleep(13 * time.Hour)
		is(idle, false)
		busy := begin()
		for range 7*24/11 - 1 {
			time.Sleep(11 * time.Hour)
			is(busy, true)
		}
		time.Sleep(11 * time.Hour)
		time.Sleep(11 * time.Hour)
		is(busy, false)
		first := begin()
		for range maxSessions {
			time.Sleep(time.Millisecond)
			begin()
		}
		is(first, false)
		if len(s.all) != maxSessions {
			t.Errorf("%d sessions", len(s.all))
		}
	})
}

// TestWhatAUserSeesIsForgotten has nothing seen after fifteen minutes, be it by a page or by who looks on.
func TestWhatAUserSeesIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{streams: newStreams(), o: Options{Repositories: func() map[string]Repository {
			return map[string]Repository{"shop": {ID: 7}}
		}}}
		one := session{User: &app.Person{ID: 1, Login: "anna", Reaches: map[int64]app.Access{7: {Private: true}}}, Made: time.Now(), Asked: time.Now()}
		sees := s.caller(t.Context(), one).Sees
		ctx, done, err := s.follow(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		time.Sleep(14 * time.Minute)
		if !sees("shop") || sees("blog") || ctx.Err() != nil {
			t.Error("before")
		}
		time.Sleep(2 * time.Minute)
		if sees("shop") || ctx.Err() == nil || context.Cause(ctx) == nil {
			t.Error("after")
		}
	})
}

// TestNobodyTakesAllSessions has one user of GitHub log in again and again.
func TestNobodyTakesAllSessions(t *testing.T) {
	t.Parallel()
	s, err := openSessions("")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	local, _ := s.begin(session{Name: "anna"}, now)
	other, _ := s.begin(session{Name: "@bob", User: &app.Person{ID: 2}}, now)
	var last string
	for i := range 2 * maxSessions {
		if last, err = s.begin(session{Name: "@eve", User: &app.Person{ID: 1}}, now.Add(time.Duration(i)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range []string{local, other, last} {
		if _, known := s.of(token, now.Add(time.Minute)); !known {
			t.Error("a session is gone")
		}
	}
	if len(s.all) != maxOfUser+2 {
		t.Errorf("%d sessions", len(s.all))
	}
}

func TestAFileOfSessionsThatDoesNotReadIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions")
	for _, text := range []string{"", "nonsense", "null", "[]"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := openSessions(path)
		if len(s.all) != 0 {
			t.Errorf("%q: %v", text, s.all)
		}
		if _, err := s.begin(session{}, time.Now()); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
