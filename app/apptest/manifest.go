package apptest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// conversionLifetime is how long the code of a manifest can be turned into an App's secrets.
// https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
const conversionLifetime = time.Hour

// appNameMost is how long the name of an App may be.
const appNameMost = 34

// conversion is an App made from a manifest, whose secrets have not been fetched yet.
type conversion struct {
	app  *App
	made time.Time
}

// manifest is what describes an App to be. Keys that GitHub does not know are refused.
type manifest struct {
	Name           string `json:"name"`
	URL            string `json:"url"`
	HookAttributes *struct {
		URL    string `json:"url"`
		Active *bool  `json:"active"`
		Secret string `json:"secret"`
	} `json:"hook_attributes"`
	RedirectURL           string      `json:"redirect_url"`
	CallbackURLs          []string    `json:"callback_urls"`
	SetupURL              string      `json:"setup_url"`
	Description           string      `json:"description"`
	Public                bool        `json:"public"`
	DefaultEvents         []string    `json:"default_events"`
	DefaultPermissions    Permissions `json:"default_permissions"`
	RequestOAuthOnInstall bool        `json:"request_oauth_on_install"`
	SetupOnUpdate         bool        `json:"setup_on_update"`
}

// eventNeeds is the permission behind each event that an App like kitops may ask for.
// Events of installations come unasked; to ask for them is a mistake.
func eventNeeds(event string) string {
	switch event {
	case "push", "create", "delete":
		return "contents"
	case "repository":
		return "metadata"
	case "status":
		return "statuses"
	case "check_run", "check_suite":
		return "checks"
	case "issue_comment":
		return "issues"
	case "pull_request", "pull_request_review":
		return "pull_requests"
	}
	return ""
}

func parseManifest(text string) (*manifest, []string) {
	var m manifest
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, []string{err.Error()}
	}
	return &m, m.mistakes()
}

func (m *manifest) mistakes() []string {
	var all []string
	mistake := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if !webAddress(m.URL) {
		mistake("url is missing or no web address")
	}
	if utf8.RuneCountInString(m.Name) > appNameMost {
		mistake("name is too long (maximum is %d characters)", appNameMost)
	}
	if !webAddress(m.RedirectURL) {
		mistake("redirect_url is missing or no web address")
	}
	if m.SetupURL != "" && !webAddress(m.SetupURL) {
		mistake("setup_url is no web address")
	}
	if m.HookAttributes != nil && !webAddress(m.HookAttributes.URL) {
		mistake("hook_attributes.url is missing or no web address")
	}
	granted := implied(m.DefaultPermissions)
	for _, name := range slices.Sorted(maps.Keys(granted)) {
		if level(granted[name]) < 1 {
			mistake("default_permissions: %s: %q is no level", name, granted[name])
		}
	}
	for _, event := range m.DefaultEvents {
		if need := eventNeeds(event); need == "" || granted[need] == "" {
			mistake("default_events: %s is not supported with these permissions", event)
		}
	}
	return all
}

func webAddress(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// convertible registers the App of a manifest and returns the code for its secrets.
func (g *GitHub) convertible(owner, name string, m *manifest) (string, error) {
	o := AppOptions{Permissions: m.DefaultPermissions, Events: m.DefaultEvents, Public: m.Public}
	if m.HookAttributes != nil {
		o.HookURL, o.WebhookSecret = m.HookAttributes.URL, m.HookAttributes.Secret
	}
	if o.WebhookSecret == "" && o.HookURL != "" {
		o.WebhookSecret = randomHex(20)
	}
	key, err := g.newKey()
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	app, err := g.register(owner, name, o)
	if err != nil {
		return "", err
	}
	app.key, app.homepage, app.setupURL, app.callbacks = key, m.URL, m.SetupURL, m.CallbackURLs
	if h := m.HookAttributes; h != nil && h.Active != nil {
		app.hookActive = *h.Active
	}
	code := randomHex(20)
	g.conversions[code] = conversion{app: app, made: g.Now()}
	g.wake()
	return code, nil
}

// postConversion trades a code, once, for the App with its secrets. It needs no credentials.
func (g *GitHub) postConversion(c *call) *answer {
	code := c.PathValue("code")
	found, exists := g.conversions[code]
	delete(g.conversions, code)
	if !exists || !g.Now().Before(found.made.Add(conversionLifetime)) {
		return notFound()
	}
	f := g.describeApp(found.app)
	if found.app.clientSecret == "" {
		found.app.clientSecret = randomHex(20)
	}
	f["client_secret"], f["pem"], f["webhook_secret"] = found.app.clientSecret, string(found.app.pem()), nil
	if found.app.secret != "" {
		f["webhook_secret"] = found.app.secret
	}
	return &answer{status: http.StatusCreated, body: f}
}
