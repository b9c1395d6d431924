package apptest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// codeLifetime is how long the code of a login is good.
const codeLifetime = 10 * time.Minute

// login is one that the browser was sent back with.
type login struct {
	app                 *App
	user                *Account
	redirect, challenge string
	made                time.Time
}

// SetClient gives the App a client secret, and the addresses that people may be sent back to.
func (a *App) SetClient(secret string, callbacks ...string) {
	a.g.change(func() error {
		a.clientSecret, a.callbacks = secret, slices.Clone(callbacks)
		return nil
	})
}

// LogsIn tells whether that is the App's client secret, and people who log in may be sent back there.
func (a *App) LogsIn(secret, callback string) bool {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	return a.clientSecret != "" && a.clientSecret == secret && slices.Contains(a.callbacks, callback)
}

// oauthRoutes are the pages on which people log in.
// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
func (g *GitHub) oauthRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /login/oauth/authorize", g.offerLogin)
	mux.HandleFunc("POST /login/oauth/authorize", g.acceptLogin)
	mux.HandleFunc("POST /login/oauth/access_token", g.tradeLogin)
}

// asked is what a request for a login says, and whether GitHub may send the browser back with it.
func (g *GitHub) asked(values url.Values) (l login, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	app := g.appOf(values.Get("client_id"))
	l = login{app: app, redirect: values.Get("redirect_uri"), challenge: values.Get("code_challenge"), made: g.Now()}
	if l.user = g.visitor; l.user == nil {
		l.user = g.signedIn()
	}
	switch {
	case app == nil || app.ClientID != values.Get("client_id"):
		return l, fmt.Errorf("no App with this client ID")
	case l.user == nil:
		return l, fmt.Errorf("nobody is signed in")
	case !slices.Contains(app.callbacks, l.redirect):
		return l, fmt.Errorf("the redirect_uri is not associated with this application")
	case l.challenge != "" && values.Get("code_challenge_method") != "S256":
		return l, fmt.Errorf("code_challenge_method must be S256")
	}
	return l, nil
}

// offerLogin asks once; who has agreed before is sent back at once.
func (g *GitHub) offerLogin(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	l, err := g.asked(values)
	if err != nil {
		page(w, http.StatusNotFound, "Page not found", "<p>"+html.EscapeString(err.Error())+"</p>")
		return
	}
	g.mu.Lock()
	agreed := l.user.agreed[l.app.ID]
	g.mu.Unlock()
	if agreed {
		g.sendBack(w, r, l, values.Get("state"))
		return
	}
	form := "<form method=post action=/login/oauth/authorize>"
	for name := range values {
		form += hidden(name, values.Get(name))
	}
	page(w, http.StatusOK, "Authorize "+l.app.Name, form+"<button type=submit>Authorize "+html.EscapeString(l.app.Name)+"</button></form>")
}

func (g *GitHub) acceptLogin(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	l, err := g.asked(r.PostForm)
	if err != nil {
		page(w, http.StatusNotFound, "Page not found", "<p>"+html.EscapeString(err.Error())+"</p>")
		return
	}
	g.mu.Lock()
	if l.user.agreed == nil {
		l.user.agreed = map[int64]bool{}
	}
	l.user.agreed[l.app.ID] = true
	g.mu.Unlock()
	g.sendBack(w, r, l, r.PostForm.Get("state"))
}

func (g *GitHub) sendBack(w http.ResponseWriter, r *http.Request, l login, state string) {
	code := randomHex(10)
	g.mu.Lock()
	g.logins[code] = l
	g.mu.Unlock()
	http.Redirect(w, r, extend(l.redirect, url.Values{"code": {code}, "state": {state}}), http.StatusFound)
}

// tradeLogin gives a user's token for a code, once. What is wrong is told with 200.
func (g *GitHub) tradeLogin(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	say := func(f fields) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(f)
	}
	wrong := func(kind, text string) {
		say(fields{"error": kind, "error_description": text, "error_uri": "https://docs.github.com/apps"})
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	form := r.PostForm
	l, known := g.logins[form.Get("code")]
	delete(g.logins, form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	app := g.appOf(form.Get("client_id"))
	switch {
	case app == nil || app.clientSecret == "" || app.clientSecret != form.Get("client_secret"):
		wrong("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
	case !known || l.app != app || !g.Now().Before(l.made.Add(codeLifetime)),
		l.challenge != "" && l.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		wrong("bad_verification_code", "The code passed is incorrect or expired.")
	case form.Get("redirect_uri") != "" && form.Get("redirect_uri") != l.redirect:
		wrong("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
	default:
		secret := userTokenPrefix + randomHex(18)
		g.userTokens[secret] = &userToken{app, l.user, g.Now().Add(userTokenLifetime)}
		say(fields{
			"access_token": secret, "token_type": "bearer", "scope": "", "expires_in": int(userTokenLifetime / time.Second),
			"refresh_token": "ghr_" + randomHex(38), "refresh_token_expires_in": 15897600,
		})
	}
}
