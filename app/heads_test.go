package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func TestHeadsOfBranchesPatternsAndDefault(t *testing.T) {
	s := newScene(t, apptest.Options{})
	want := map[string]string{"refs/heads/main": s.sha}
	for _, branch := range []string{"release/1", "release/2", "release-old", "feature/a#b%20c+d", "heads/main"} {
		want["refs/heads/"+branch] = s.shop.Push(branch, map[string]string{"branch": branch})
	}
	pick := func(refs ...string) map[string]string {
		picked := map[string]string{}
		for _, ref := range refs {
			picked[ref] = want[ref]
		}
		return picked
	}
	cases := map[string]struct {
		ask  []string
		want map[string]string
	}{
		"literal":            {[]string{"refs/heads/main"}, pick("refs/heads/main")},
		"several segments":   {[]string{"refs/heads/release/1"}, pick("refs/heads/release/1")},
		"odd characters":     {[]string{"refs/heads/feature/a#b%20c+d"}, pick("refs/heads/feature/a#b%20c+d")},
		"heads within heads": {[]string{"refs/heads/heads/main"}, pick("refs/heads/heads/main")},
		"missing":            {[]string{"refs/heads/none", "refs/heads/main"}, pick("refs/heads/main")},
		"default":            {[]string{"HEAD"}, pick("refs/heads/main")},
		"default and named":  {[]string{"HEAD", "refs/heads/main"}, pick("refs/heads/main")},
		"pattern":            {[]string{"refs/heads/release/*", "!refs/heads/release/2"}, pick("refs/heads/release/1", "refs/heads/release/2")},
		"pattern and covered": {
			[]string{"refs/heads/release/*", "refs/heads/release/1", "refs/heads/rel*"},
			pick("refs/heads/release/1", "refs/heads/release/2", "refs/heads/release-old"),
		},
		"all":      {[]string{"refs/heads/**"}, want},
		"no match": {[]string{"refs/heads/x/*"}, pick()},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time out of what is remembered
				if got := s.heads(c.ask...); !maps.Equal(got, c.want) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestIdleLooksCostOneConditionalRequestEach(t *testing.T) {
	for _, refs := range [][]string{{"refs/heads/main"}, {"HEAD"}, {"refs/heads/m*", "!refs/heads/mx"}} {
		t.Run(strings.Join(refs, " "), func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			if _, err := s.repo.Identity(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			s.heads(refs...)
			s.Reset()
			for range 20 {
				s.heads(refs...)
			}
			if all, free := s.total(), s.Count(apptest.Filter{Status: http.StatusNotModified}); all != 20 || free != 20 {
				t.Errorf("%d requests, %d of them 304; want 20 and 20", all, free)
			}
			s.sha = s.shop.Push("main", nil)
			if got := s.heads(refs...)["refs/heads/main"]; got != s.sha {
				t.Errorf("after a push: got %s, want %s", got, s.sha)
			}
		})
	}
}

func TestLooksStayFreeWhenTheTokenIsReplaced(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.wantMain()
	s.installation.RevokeTokens()
	s.Reset()
	s.wantMain()
	looks := s.Requests(apptest.Filter{Path: "/repos/acme/shop/commits/**"})
	if len(looks) != 2 || looks[0].Status != http.StatusUnauthorized || looks[1].Status != http.StatusNotModified || s.tokens() != 1 {
		t.Errorf("got %+v and %d tokens, want a 401, a 304 and one token", looks, s.tokens())
	}
}

func TestHeadsOfManyBranches(t *testing.T) {
	for paged, requests := range map[bool]int{false: 1, true: 9} {
		t.Run(fmt.Sprint(requests), func(t *testing.T) {
			s := newScene(t, apptest.Options{PagedRefs: paged})
			s.manyHeads(t, requests)
		})
	}
}

// manyHeads looks at 250 branches, which takes so many requests.
func (s *scene) manyHeads(t *testing.T, requests int) {
	t.Helper()
	many := s.AddRepository("acme", "many", apptest.RepositoryOptions{InMemory: true, Private: true})
	want := map[string]string{}
	for n := range 250 {
		name, sha := fmt.Sprintf("b%03d", n), fmt.Sprintf("%040x", n+1)
		many.SetHead(name, sha)
		want["refs/heads/"+name] = sha
	}
	s.repo = s.app.Repository("acme", "many")
	if got := s.heads("refs/heads/*"); !maps.Equal(got, want) {
		t.Errorf("got %d heads, want 250", len(got))
	}
	s.Reset()
	s.heads("refs/heads/*")
	if all, free := s.total(), s.Count(apptest.Filter{Status: 304}); all != requests || free != requests {
		t.Errorf("%d requests, %d of them 304; want all of %d", all, free, requests)
	}
	for _, ref := range slices.Sorted(maps.Keys(want))[:120] {
		many.SetHead(strings.TrimPrefix(ref, "refs/heads/"), "")
		delete(want, ref)
	}
	if got := s.heads("refs/heads/*"); !maps.Equal(got, want) {
		t.Errorf("after deletions: got %d heads, want 130", len(got))
	}
}

// TestManyTagsCostWhatTheirChangesCost counts: one conditional request for an idle look, however many tags there are.
func TestManyTagsCostWhatTheirChangesCost(t *testing.T) {
	s := newScene(t, apptest.Options{})
	many := s.AddRepository("acme", "many", apptest.RepositoryOptions{InMemory: true, Private: true})
	const count = 20_000
	for n := range count {
		many.SetRef(fmt.Sprintf("refs/tags/v1.%d.0", n), fmt.Sprintf("%040x", n+1))
	}
	s.repo = s.app.Repository("acme", "many")
	if got := s.heads("refs/tags/v*"); len(got) != count {
		t.Fatalf("%d tags", len(got))
	}
	s.Reset()
	for range 3 {
		s.heads("refs/tags/v*")
	}
	if all, free := s.total(), s.Count(apptest.Filter{Status: 304}); all != 3 || free != 3 {
		t.Errorf("%d requests, %d of them 304, in 3 idle looks", all, free)
	}
	many.SetRef("refs/tags/v2.0.0", strings.Repeat("a", 40))
	s.Reset()
	if got := s.heads("refs/tags/v*"); len(got) != count+1 || s.total() != 1 {
		t.Errorf("%d tags by %d requests", len(got), s.total())
	}
}

func TestAnnotatedTags(t *testing.T) {
	s := newScene(t, apptest.Options{})
	object := s.shop.Tag("v1", s.sha)
	s.shop.SetRef("refs/tags/v2", s.sha)
	for _, ask := range []string{"refs/tags/*", "refs/tags/v1"} {
		found, err := s.repo.Heads(t.Context(), []string{ask})
		if err != nil || len(found) == 0 || found[0] != (app.Head{Ref: "refs/tags/v1", SHA: object, Tag: true}) {
			t.Errorf("%s: %v %v", ask, found, err)
		}
		if len(found) > 1 && found[1] != (app.Head{Ref: "refs/tags/v2", SHA: s.sha}) {
			t.Error(found)
		}
	}
}

func TestEmptyRepository(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddRepository("acme", "empty", apptest.RepositoryOptions{Private: true})
	s.repo = s.app.Repository("acme", "empty")
	for _, ref := range []string{"refs/heads/main", "refs/heads/*", "HEAD"} {
		if err := s.headsError(ref); !errors.Is(err, app.ErrEmpty) {
			t.Errorf("%s: got %v, want ErrEmpty", ref, err)
		}
	}
}

func TestDefaultBranchIsLearnedAgainWhenItIsGone(t *testing.T) {
	s := newScene(t, apptest.Options{}, impatient)
	s.heads("HEAD")
	s.shop.SetHead("trunk", s.sha)
	s.shop.SetDefaultBranch("trunk")
	s.shop.SetHead("main", "")
	if got := s.heads("HEAD"); got["refs/heads/trunk"] != s.sha || len(got) != 1 {
		t.Errorf("got %v, want trunk", got)
	}
	s.shop.SetDefaultBranch("nowhere")
	s.shop.SetHead("trunk", "")
	s.shop.SetHead("other", s.sha)
	if got := s.heads("HEAD"); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
}

func TestEnterpriseServer(t *testing.T) {
	s := newScene(t, apptest.Options{Enterprise: true})
	s.wantMain()
	if owner, name, ok := s.app.Covers(s.shop.CloneURL()); !ok || owner != "acme" || name != "shop" {
		t.Errorf("does not cover %s", s.shop.CloneURL())
	}
	if got := s.app.CloneURL("acme", "shop"); got != s.shop.CloneURL() {
		t.Errorf("got %s, want %s", got, s.shop.CloneURL())
	}
	if err := s.post("success"); err != nil {
		t.Error(err)
	}
}

func TestOverTLS(t *testing.T) {
	s := newScene(t, apptest.Options{TLS: true})
	wantError[*app.DownError](t, s.headsError("refs/heads/main"), "certificate")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	s.repo = s.newApp(func(o *app.Options) { o.Transport = transport }).Repository("acme", "shop")
	s.wantMain()
}

func TestWhenTheAPIIsDown(t *testing.T) {
	faults := map[string]apptest.Effect{
		"503":     apptest.Fail(http.StatusServiceUnavailable, ""),
		"dropped": apptest.Drop(),
		"cut":     apptest.Cut(5),
		"garbage": apptest.Garbage(),
		"hanging": apptest.Hang(),
	}
	for name, effect := range faults {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{}, impatient)
			s.wantMain()
			s.app = s.newApp(func(o *app.Options) {
				impatient(o)
				if name == "hanging" {
					o.Timeout = 200 * time.Millisecond
				}
			})
			s.repo = s.app.Repository("acme", "shop")
			s.sha = s.shop.Push("main", nil) // so that the answer has a body
			fault := s.Inject(apptest.Filter{Path: "/repos/acme/shop/commits/**"}, 0, effect)
			wantError[*app.DownError](t, s.headsError("refs/heads/main"))
			fault.Lift()
			if name != "hanging" { // a tiny timeout proves nothing about a slow machine
				s.wantMain()
			}
		})
	}
}

func TestAHangingAPIIsLeftAloneForAWhile(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.wantMain()
	fault := s.Inject(apptest.Filter{Kind: apptest.REST}, 0, apptest.Fail(http.StatusBadGateway, ""))
	s.Reset()
	for range 20 {
		wantError[*app.DownError](t, s.headsError("refs/heads/main"))
		wantError[*app.DownError](t, s.post("success"))
	}
	if fault.Hits() != 3 {
		t.Errorf("%d requests, want 3", fault.Hits())
	}
}
