package apptest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

const goodManifest = `{"name":"My Kitops","url":"https://example.com","redirect_url":"http://127.0.0.1:1/done?x=1","public":false,
	"hook_attributes":{"url":"https://hooks.invalid/","active":false},
	"default_permissions":{"contents":"read","statuses":"write"},"default_events":["push","create","delete","repository"]}`

func (s *scene) submit(path string, form url.Values) reply {
	s.t.Helper()
	return s.ask("POST", s.URL+path, "", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// create walks through the form as a browser does and returns where GitHub sends it.
func (s *scene) create(manifest string) *url.URL {
	s.t.Helper()
	review := s.submit("/organizations/acme/settings/apps/new?state=s3cret", url.Values{"manifest": {manifest}})
	review.want(s.t, 200, "Create GitHub App")
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input [^>]*name=(\w+) value="([^"]*)"`).FindAllStringSubmatch(review.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	action := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(review.body)[1]
	done := s.submit(action, form)
	done.want(s.t, http.StatusFound, "")
	location, err := url.Parse(done.header.Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	return location
}

func TestManifestBecomesAnApp(t *testing.T) {
	s := newScene(t, apptest.Options{})
	back := s.create(goodManifest)
	if back.Host != "127.0.0.1:1" || back.Query().Get("x") != "1" || back.Query().Get("state") != "s3cret" {
		t.Errorf("sent back to %s", back)
	}
	client := s.client(s.transport)
	config, _, err := client.Apps.CompleteAppManifest(t.Context(), back.Query().Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	app := s.App("my-kitops")
	if config.GetID() != app.ID || config.GetPEM() != string(app.PrivateKey()) || config.GetWebhookSecret() == "" || config.GetClientID() != app.ClientID {
		t.Errorf("%+v", config)
	}
	if _, _, err := client.Apps.CompleteAppManifest(t.Context(), back.Query().Get("code")); status(err) != 404 {
		t.Errorf("a code is good for once: %v", err)
	}
	late := s.create(strings.Replace(goodManifest, "My Kitops", "Late", 1))
	s.Advance(time.Hour)
	if _, _, err := client.Apps.CompleteAppManifest(t.Context(), late.Query().Get("code")); status(err) != 404 {
		t.Errorf("a code is good for an hour: %v", err)
	}
}

func TestManifestsAreRefused(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for name, c := range map[string][3]string{
		"no JSON":                  {goodManifest, "nonsense", "invalid character"},
		"unknown key":              {`"public":false`, `"publik":false`, "publik"},
		"no url":                   {`"url":"https://example.com",`, "", "url is missing"},
		"no redirect":              {"http://127.0.0.1:1/done?x=1", "nowhere", "redirect_url"},
		"long name":                {"My Kitops", strings.Repeat("k", 35), "too long"},
		"hook without address":     {"https://hooks.invalid/", "", "hook_attributes.url"},
		"bad level":                {`"contents":"read"`, `"contents":"some"`, "no level"},
		"event of installations":   {`"repository"]`, `"repository","installation"]`, "installation is not supported"},
		"event without permission": {`"contents":"read",`, "", "push is not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(goodManifest, c[0], c[1], 1)
			s.submit("/settings/apps/new", url.Values{"manifest": {bad}}).want(t, 422, c[2])
			s.submit("/settings/apps/manifest", url.Values{"manifest": {bad}, "name": {"x"}}).want(t, 422, "")
		})
	}
	s.submit("/organizations/nobody/settings/apps/new", url.Values{"manifest": {goodManifest}}).want(t, 404, "")
	s.create(goodManifest)
	s.submit("/settings/apps/manifest", url.Values{"manifest": {goodManifest}, "name": {"My Kitops"}}).want(t, 422, "already taken")
	s.ask("GET", s.URL+"/settings/apps/new", "", "").want(t, 200, "mona")
}

func TestAppIsInstalledInTheBrowser(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.create(strings.Replace(goodManifest, `"public":false`, `"setup_url":"http://127.0.0.1:1/set-up"`, 1))
	s.ask("GET", s.URL+"/apps/my-kitops/installations/new?state=x", "", "").want(t, 200, "<option>acme</option>")
	s.ask("GET", s.URL+"/apps/unknown/installations/new", "", "").want(t, 404, "")
	s.submit("/apps/my-kitops/installations", url.Values{"account": {"mona"}}).want(t, 422, "private")
	s.submit("/apps/my-kitops/installations", url.Values{"account": {"acme"}, "repository": {"acme/nowhere"}}).want(t, 422, "no repository")
	done := s.submit("/apps/my-kitops/installations", url.Values{"account": {"acme"}, "repository": {"acme/shop"}})
	i := s.App("my-kitops").Installation("acme")
	if i == nil || !strings.Contains(done.header.Get("Location"), "installation_id="+itoa(i.ID)) {
		t.Fatalf("%+v", done)
	}
	s.ask("GET", "/installation/repositories", i.Token(nil), "").want(t, 200, `"total_count":1`)
}
