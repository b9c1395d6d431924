package objects

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store"
)

// Disturbance answers a request in the place of serve, or spoils its answer.
type Disturbance = func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)

// Conflicts tests that each of these answers to a put is a conflict.
func Conflicts(t *testing.T, open Open, answers map[string]Disturbance) {
	t.Helper()
	for name, answer := range answers {
		s, server := open(t, &Bucket{})
		version, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
		if err != nil {
			t.Fatal(err)
		}
		server.FirstPuts(1, answer)
		if _, err := s.Put(t.Context(), "a", []byte("n: 2"), version); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: error %v, want a conflict", name, err)
		}
	}
}

// Refusal is an answer, and what the error has to say of it.
type Refusal struct {
	Answer Disturbance
	Want   string
}

// Refusals tests that each of these answers to so many tries of a put says what to do, and is not taken for a conflict,
// an absence or a success.
func Refusals(t *testing.T, open Open, tries int, refusals map[string]Refusal) {
	t.Helper()
	for name, refusal := range refusals {
		s, server := open(t, &Bucket{})
		server.FirstPuts(tries, refusal.Answer)
		_, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), refusal.Want) {
			t.Errorf("%s: error %v, want one with %q", name, err, refusal.Want)
		}
	}
}
