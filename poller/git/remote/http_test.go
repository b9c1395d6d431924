package remote

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRedirectRules(t *testing.T) {
	request := func(method, url string) *http.Request {
		req := httptest.NewRequest(method, url, nil)
		req.SetBasicAuth("me", "hunter2")
		return req
	}
	for _, tt := range []struct {
		from, to      string
		refused, kept bool
	}{
		{"https://h/x", "https://h/y", false, true},
		{"https://h/x", "https://h:443/y", false, true},
		{"http://h/x", "https://h/y", false, true},
		{"http://h:80/x", "https://h:443/y", false, true},
		{"http://h:8080/x", "https://h:8443/y", false, false},
		{"https://h/x", "https://sub.h/y", false, false},
		{"https://h/x", "https://h:444/y", false, false},
		{"https://h/x", "http://h/y", true, false},
		{"https://h/x", "ftp://h/y", true, false},
	} {
		to := request(http.MethodGet, tt.to)
		err := checkRedirect(to, []*http.Request{request(http.MethodGet, tt.from)})
		if (err != nil) != tt.refused || err == nil && (to.Header.Get("Authorization") != "") != tt.kept {
			t.Errorf("%s to %s: %v, %v", tt.from, tt.to, err, to.Header)
		}
	}
	away, home := request(http.MethodGet, "https://b/"), request(http.MethodGet, "https://a/")
	if err := checkRedirect(home, []*http.Request{request(http.MethodGet, "https://a/"), away}); err != nil || home.Header.Get("Authorization") != "" {
		t.Errorf("there and back: %v, %v", err, home.Header)
	}
	if err := checkRedirect(request(http.MethodPost, "https://h/y"), []*http.Request{request(http.MethodPost, "https://h/x")}); !errors.Is(err, http.ErrUseLastResponse) {
		t.Errorf("POST: %v", err)
	}
}
