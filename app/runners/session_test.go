package runners_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/runners"
)

// late does what was asked for, and answers when it is lifted.
func late(w http.ResponseWriter, r *http.Request, next http.Handler, lifted <-chan struct{}) {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	select {
	case <-lifted:
	case <-r.Context().Done():
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// TestSessionUnderWay: a stop waits for the answer to a session that is asked for, and ends that session, also where it
// cannot be saved.
func TestSessionUnderWay(t *testing.T) {
	t.Parallel()
	for _, full := range []error{nil, errors.New("no space left on device")} {
		endsUnderWay(t, full)
	}
}

func endsUnderWay(t *testing.T, full error) {
	t.Helper()
	s := newScene(t, apptest.RunnerOptions{}, false)
	s.listening.fail = full
	asking := s.hub.Inject(apptest.Filter{Method: "POST", Path: "/_services/**/sessions"}, 1, late)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); runners.New(s.options).Run(ctx) }()
	set := s.scaleSet()
	stop()
	asking.Lift()
	<-done
	if by := set.Listener(); by != "" {
		t.Errorf("%s still listens", by)
	}
	s.listening.fail = nil
	s.start()
	jobs := queue(set, 1, "1ms")
	s.waitFor("the next start listens", s.all(jobs, "succeeded"))
	if strings.Contains(s.log.String(), "cannot listen") {
		t.Errorf("it took its own session for another's:\n%s", s.log)
	}
}
