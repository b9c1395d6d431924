package git

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// TestLFSRefusals has servers say no, each in its way.
func TestLFSRefusals(t *testing.T) {
	said := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
			w.WriteHeader(code)
			_, _ = fmt.Fprint(w, body)
			return true
		}
	}
	for want, c := range map[string]struct {
		batch func(http.ResponseWriter, *http.Request) bool
		is    error
	}{
		"budget of the repository's owner is used up":      {said(509, ``), ErrLFSBudget},
		"owner is used up: buy more":                       {said(507, `{}`), ErrLFSBudget},
		"This repository is over its data quota":           {said(403, `{"message":"This repository is over its data quota. Account responsible should purchase more."}`), ErrLFSBudget},
		"(the server says: \"no ***\")":                    {said(401, `{"message":"no `+sentSecret()+`"}`), nil},
		"says: \"not you, *** (***)\")":                    {said(401, `{"message":"not you, me:`+Secret+` (`+sentSecret()+`)"}`), nil},
		"(the server says: \"xxx":                          {said(401, `{"message":"`+strings.Repeat("x", 292)+sentSecret()+`"}`), nil},
		"the server answered 422 (\"odd: ***\")":           {said(200, `{"objects":[{"oid":"OID","size":7,"error":{"code":422,"message":"odd: `+sentSecret()+`"}}]}`), nil},
		"the server answered 503":                          {said(503, ``), remote.ErrUnavailable},
		"there is no Git LFS for this repository":          {said(404, `<html>`), nil},
		"access denied":                                    {said(403, ``), nil},
		"is none of the batch API":                         {said(200, `<html>`), nil},
		"not say where it is":                              {said(200, `{}`), nil},
		"the server does not say where it is":              {said(200, `{"objects":[]}`), nil},
		"was it pushed":                                    {said(200, `{"objects":[{"oid":"OID","size":7,"error":{"code":404}}]}`), nil},
		"used up: buy more, or wait for the next month":    {said(200, `{"objects":[{"oid":"OID","size":7,"error":{"code":509}}]}`), ErrLFSBudget},
		"the server has 8 bytes, and the pointer says 7":   {said(200, `{"objects":[{"oid":"OID","size":8,"actions":{"download":{"href":"https://x.example/"}}}]}`), nil},
		"wants the transfer \"ssh\"":                       {said(200, `{"transfer":"ssh","objects":[]}`), nil},
		"leads to \"http://x.example\", and only https":    {said(200, `{"objects":[{"oid":"OID","size":7,"actions":{"download":{"href":"http://x.example/"}}}]}`), nil},
		"leads to \"file://\", and only https is followed": {said(200, `{"objects":[{"oid":"OID","size":7,"actions":{"download":{"href":"file:///etc/passwd"}}}]}`), nil},
		"a header field that is none":                      {said(200, `{"objects":[{"oid":"OID","size":7,"actions":{"download":{"href":"https://x.example/","header":{"A":"b\r\nC: d"}}}}]}`), nil},
	} {
		r := withLFS(t)
		sha := r.commit(map[string]string{"a.bin": "LFS one"})
		p, _ := lfs.Parse([]byte(gittest.LFSPointer("LFS one")))
		r.lfs.OnBatch = func(w http.ResponseWriter, req *http.Request) bool {
			rec := httptest.NewRecorder()
			c.batch(rec, req)
			w.WriteHeader(rec.Code)
			_, _ = fmt.Fprint(w, strings.ReplaceAll(rec.Body.String(), "OID", p.OID))
			return true
		}
		dir := filepath.Join(t.TempDir(), "w")
		err := lfsCheckout(t, r.mirror(t), sha, dir, Options{LFS: true})
		if err == nil || !strings.Contains(err.Error(), want) || c.is != nil && !errors.Is(err, c.is) || strings.Contains(err.Error(), Secret) || strings.Contains(err.Error(), sentSecret()[:6]) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s: checked out", want)
		}
	}
}

// sentSecret is the secret as it is sent.
func sentSecret() string { return "bWU6aHVudGVyMg==" }
