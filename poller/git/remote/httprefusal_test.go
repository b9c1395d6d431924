package remote

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/secret"
)

// TestRefusals blames credentials only where some were given, and repeats what
// the server says: escaped, in one line, without them.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		status         int
		anonymous      bool
		kind, said     string
		wants, without []string
	}{
		{403, true, "text/html", "<html>", []string{"access denied", "does not authenticate"}, []string{"credentials", "html"}},
		{403, false, "text/plain; charset=utf-8", "IP \x1b[31mnot allowed\n  ask anna: me:hunter2 hunter2", []string{"these credentials", `IP \x1b[31mnot allowed ask anna`}, []string{"hunter2", "\n", "\x1b"}},
		{403, false, "text/plain", strings.Repeat("x", 297) + "hunter2", []string{"xxx"}, []string{"hun"}},
		{401, false, "", "", []string{"authentication refused"}, nil},
		{401, true, "text/plain", "", []string{"authentication required"}, []string{"refused"}},
		{404, true, "text/plain", strings.Repeat("long ", 1000), []string{"do not authenticate", "long long"}, []string{"these credentials"}},
		{407, true, "", "", []string{"the proxy wants credentials", "https_proxy"}, nil},
		{429, false, "", "", []string{"429", "try again after 30"}, []string{"credentials"}},
		{503, false, "text/plain", "down for repair", []string{"503", "down for repair"}, []string{"credentials"}},
	} {
		req := httptest.NewRequest(http.MethodGet, "https://host/x", nil)
		if !tt.anonymous {
			req.SetBasicAuth("me", "hunter2")
		}
		res := &http.Response{
			StatusCode: tt.status, Status: http.StatusText(tt.status), Request: req, Body: io.NopCloser(strings.NewReader(tt.said)),
			Header: http.Header{"Content-Type": {tt.kind}, "Retry-After": {"30"}},
		}
		res.Status = strings.TrimSpace(strings.Join([]string{map[int]string{429: "429", 503: "503"}[tt.status], res.Status}, " "))
		s := &httpSession{httpAccount: httpAccount{password: secret.New("hunter2")}}
		err := s.refusal(res)
		for _, want := range tt.wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%d: %v, want %q", tt.status, err, want)
			}
		}
		for _, not := range tt.without {
			if err != nil && strings.Contains(err.Error(), not) {
				t.Errorf("%d: %v says %q", tt.status, err, not)
			}
		}
		if err != nil && len(err.Error()) > 600 {
			t.Errorf("%d: %d bytes", tt.status, len(err.Error()))
		}
		if (tt.status == 401 && !tt.anonymous) != errors.Is(err, ErrCredentials) {
			t.Errorf("%d: %v", tt.status, err)
		}
	}
}

// TestAdvertisementIsBounded in refs and in bytes.
func TestAdvertisementIsBounded(t *testing.T) {
	for name, line := range map[string]string{"refs": "x", "bytes": strings.Repeat("x", 60_000)} {
		room, taken := refRoom{maxRefs, maxRefBytes}, 0
		for room.take(line) == nil {
			taken++
		}
		if taken > maxRefs || taken*len(line) > maxRefBytes {
			t.Errorf("%s: took %d", name, taken)
		}
	}
	id, long := strings.Repeat("12", 20), "refs/heads/"+strings.Repeat("a", 5000)
	ad, err := readList(newPktReader(strings.NewReader(pktText(id+" "+long, id+" refs/heads/main", flush))))
	if err != nil || len(ad.Refs) != 1 {
		t.Error(err, ad)
	}
}
