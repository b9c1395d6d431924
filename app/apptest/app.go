package apptest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Permissions are what an App asks for or an installation grants: contents → read.
type Permissions map[string]string

// level orders permissions: none, read, write, admin.
func level(s string) int { return slices.Index([]string{"", "read", "write", "admin"}, s) }

// grants says whether all of wanted is within p.
func (p Permissions) grants(wanted Permissions) bool {
	for name, l := range wanted {
		if level(l) < 1 || level(p[name]) < level(l) {
			return false
		}
	}
	return true
}

// App is a registered GitHub App.
type App struct {
	ID       int64
	ClientID string
	Slug     string
	Name     string

	g           *GitHub
	owner       *Account
	key         *rsa.PrivateKey
	permissions Permissions
	events      []string
	public      bool
	hookURL     string
	hookActive  bool
	secret      string
	hookForm    bool
	homepage    string
	setupURL    string
	created     time.Time
	deleted     bool
	deliveries  []*Delivery

	clientSecret string
	callbacks    []string // where people may be sent back to who log in
}

// AppOptions describe an App to register.
type AppOptions struct {
	Permissions   Permissions
	Events        []string
	HookURL       string
	WebhookSecret string
	HookForm      bool // deliveries are forms, as of a repository's webhook by default
	Public        bool // others than the owner may install it
}

// RegisterApp registers an App that belongs to owner.
func (g *GitHub) RegisterApp(owner, name string, o AppOptions) *App {
	key, err := g.newKey()
	var app *App
	g.change(func() error {
		if err != nil {
			return err
		}
		app, err = g.register(owner, name, o)
		if app != nil {
			app.key = key
		}
		return err
	})
	return app
}

func (g *GitHub) register(owner, name string, o AppOptions) (*App, error) {
	account, err := g.account(owner)
	if err != nil {
		return nil, err
	}
	slug := slugOf(name)
	if g.appBySlug(slug) != nil {
		return nil, fmt.Errorf("name %q is already taken", name)
	}
	app := &App{
		ID: g.nextID(), ClientID: "Iv23li" + randomHex(7), Slug: slug, Name: name, g: g, owner: account,
		permissions: implied(o.Permissions), events: slices.Clone(o.Events), public: o.Public,
		hookURL: o.HookURL, hookActive: o.HookURL != "", secret: o.WebhookSecret,
		hookForm: o.HookForm, homepage: g.URL, created: g.Now(),
	}
	g.apps = append(g.apps, app)
	return app, nil
}

// implied adds metadata:read, which every permission on repositories brings along.
func implied(p Permissions) Permissions {
	p = maps.Clone(p)
	if p == nil {
		p = Permissions{}
	}
	if p["metadata"] == "" {
		p["metadata"] = "read"
	}
	return p
}

func slugOf(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

func (g *GitHub) appBySlug(slug string) *App {
	for _, app := range g.apps {
		if app.Slug == slug && !app.deleted {
			return app
		}
	}
	return nil
}

// randomHex returns 2n characters.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// App returns the App with that slug, or nil; for those registered in a browser.
func (g *GitHub) App(slug string) *App {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.appBySlug(slug)
}

// PrivateKey is the App's key as GitHub hands it out: PEM of PKCS#1.
func (a *App) PrivateKey() []byte {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	return a.pem()
}

func (a *App) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(a.key)})
}

// PrivateKeyPKCS8 is the same key as PEM of PKCS#8.
func (a *App) PrivateKeyPKCS8() []byte {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		panic(err) // an RSA key always marshals
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// RotateKey gives the App a new key; what the old one signs is refused from now on.
func (a *App) RotateKey() {
	key, err := a.g.newKey()
	a.g.change(func() error {
		if err == nil {
			a.key = key
		}
		return err
	})
}

// SetHook gives the App an active webhook, and the events that it is told of.
func (a *App) SetHook(url string, events ...string) {
	a.g.change(func() error {
		a.hookURL, a.hookActive, a.events = url, url != "", slices.Clone(events)
		return nil
	})
}

// Delete removes the App with its installations.
func (a *App) Delete() {
	a.g.change(func() error {
		a.deleted = true
		for _, i := range a.g.installations {
			if i.app == a {
				i.removed = true
			}
		}
		return nil
	})
}

// describeApp is the description's integration.
func (g *GitHub) describeApp(a *App) fields {
	installations := 0
	for _, i := range g.installations {
		if i.app == a && !i.removed {
			installations++
		}
	}
	return fields{
		"id": a.ID, "slug": a.Slug, "node_id": nodeID("Integration", a.ID), "client_id": a.ClientID,
		"owner": g.describeAccount(a.owner), "name": a.Name, "description": nil,
		"external_url": a.homepage, "html_url": g.URL + "/apps/" + a.Slug,
		"created_at": stamp(a.created), "updated_at": stamp(a.created),
		"permissions": maps.Clone(a.permissions), "events": append([]string{}, a.events...),
		"installations_count": installations,
	}
}

func (g *GitHub) getApp(_ *call, app *App) *answer {
	return ok(g.describeApp(app))
}

func (g *GitHub) getHookConfig(_ *call, app *App) *answer {
	config := fields{"content_type": "json", "insecure_ssl": "0", "url": app.hookURL}
	if app.hookForm {
		config["content_type"] = "form"
	}
	if app.secret != "" {
		config["secret"] = "********"
	}
	return ok(config)
}

func (g *GitHub) patchHookConfig(c *call, app *App) *answer {
	var wanted struct{ URL, Secret *string }
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if wanted.URL != nil {
		if !strings.HasPrefix(*wanted.URL, "http://") && !strings.HasPrefix(*wanted.URL, "https://") {
			return refuse(http.StatusUnprocessableEntity, "url is not a valid URL")
		}
		app.hookURL, app.hookActive = *wanted.URL, true
	}
	if wanted.Secret != nil {
		app.secret = *wanted.Secret
	}
	return g.getHookConfig(c, app)
}
