package apptest

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// webRoutes are the pages of the manifest flow and of installing an App. The first user is signed in and owns all organizations.
func (g *GitHub) webRoutes() http.Handler {
	mux := http.NewServeMux()
	for _, settings := range []string{"/settings/apps", "/organizations/{org}/settings/apps"} {
		mux.HandleFunc("GET "+settings+"/new", g.signIn(g.offerRegistration))
		mux.HandleFunc("POST "+settings+"/new", g.signIn(g.reviewManifest))
		mux.HandleFunc("POST "+settings+"/manifest", g.signIn(g.createFromManifest))
	}
	g.oauthRoutes(mux)
	mux.HandleFunc("GET /web-flow.gpg", g.getWebFlow)
	mux.HandleFunc("GET /apps/{slug}/installations/new", g.signIn(g.offerInstallation))
	mux.HandleFunc("POST /apps/{slug}/installations", g.signIn(g.createInstallation))
	return mux
}

// signIn finds who owns what the page is about: the organization of the path, else the signed-in user.
func (g *GitHub) signIn(f func(http.ResponseWriter, *http.Request, *Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		owner := g.signedIn()
		if org := r.PathValue("org"); org != "" && owner != nil {
			owner = g.accounts[strings.ToLower(org)]
		}
		g.mu.Unlock()
		if owner == nil {
			page(w, http.StatusNotFound, "Page not found", "<p>There is no such account, or nobody to sign in.</p>")
			return
		}
		f(w, r, owner)
	}
}

func page(w http.ResponseWriter, status int, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html lang=en><title>%[1]s</title><h1>%[1]s</h1>%[2]s</html>\n", html.EscapeString(title), body)
}

func hidden(name, value string) string {
	return fmt.Sprintf("<input type=hidden name=%s value=\"%s\">", name, html.EscapeString(value))
}

// offerRegistration is the page for filling in an App by hand, which a test does by RegisterApp.
func (g *GitHub) offerRegistration(w http.ResponseWriter, _ *http.Request, owner *Account) {
	page(w, http.StatusOK, "Register new GitHub App", "<p>For "+html.EscapeString(owner.Login)+". Post a manifest here.</p>")
}

// reviewManifest shows what the manifest would make, and lets the user choose the name.
func (g *GitHub) reviewManifest(w http.ResponseWriter, r *http.Request, owner *Account) {
	text := r.PostFormValue("manifest")
	m, mistakes := parseManifest(text)
	if len(mistakes) > 0 {
		list := ""
		for _, s := range mistakes {
			list += "<li>" + html.EscapeString(s) + "</li>"
		}
		page(w, http.StatusUnprocessableEntity, "Invalid GitHub App configuration", "<ul>"+list+"</ul>")
		return
	}
	action := strings.TrimSuffix(r.URL.Path, "/new") + "/manifest"
	page(w, http.StatusOK, "Create GitHub App for "+owner.Login, fmt.Sprintf(
		"<form method=post action=\"%s\">%s%s<input name=name value=\"%s\" required maxlength=%d><button type=submit>Create GitHub App</button></form>",
		html.EscapeString(action), hidden("manifest", text), hidden("state", r.URL.Query().Get("state")),
		html.EscapeString(m.Name), appNameMost))
}

// createFromManifest registers the App and sends the browser back with the code and the state it came with.
func (g *GitHub) createFromManifest(w http.ResponseWriter, r *http.Request, owner *Account) {
	m, mistakes := parseManifest(r.PostFormValue("manifest"))
	name := strings.TrimSpace(r.PostFormValue("name"))
	if len(mistakes) > 0 || name == "" {
		page(w, http.StatusUnprocessableEntity, "Invalid GitHub App configuration", "<p>The manifest is invalid or the name is missing.</p>")
		return
	}
	code, err := g.convertible(owner.Login, name, m)
	if err != nil {
		page(w, http.StatusUnprocessableEntity, "Invalid GitHub App configuration", "<p>"+html.EscapeString(err.Error())+"</p>")
		return
	}
	add := url.Values{"code": {code}}
	if state := r.PostFormValue("state"); state != "" {
		add.Set("state", state)
	}
	http.Redirect(w, r, extend(m.RedirectURL, add), http.StatusFound)
}

// extend adds query parameters to an address that may have some.
func extend(address string, add url.Values) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	maps.Copy(query, add)
	u.RawQuery = query.Encode()
	return u.String()
}

// offerInstallation lets the user choose the account and the repositories; none ticked means all.
func (g *GitHub) offerInstallation(w http.ResponseWriter, r *http.Request, _ *Account) {
	app := g.App(r.PathValue("slug"))
	if app == nil {
		page(w, http.StatusNotFound, "Page not found", "")
		return
	}
	var body strings.Builder
	g.mu.Lock()
	fmt.Fprintf(&body, "<form method=post action=\"/apps/%s/installations\">%s<select name=account>", app.Slug, hidden("state", r.URL.Query().Get("state")))
	for _, login := range slices.Sorted(maps.Keys(g.accounts)) {
		if a := g.accounts[login]; app.public || a == app.owner {
			fmt.Fprintf(&body, "<option>%s</option>", html.EscapeString(a.Login))
		}
	}
	_, _ = io.WriteString(&body, "</select><p>All repositories, or only these:</p>")
	for _, id := range slices.Sorted(maps.Keys(g.repositories)) {
		name := html.EscapeString(g.repositories[id].fullName())
		fmt.Fprintf(&body, "<label><input type=checkbox name=repository value=\"%s\">%s</label>", name, name)
	}
	g.mu.Unlock()
	_, _ = io.WriteString(&body, "<button type=submit>Install</button></form>")
	page(w, http.StatusOK, "Install "+app.Name, body.String())
}

// createInstallation installs the App and sends the browser to its set-up address, if it has one.
func (g *GitHub) createInstallation(w http.ResponseWriter, r *http.Request, _ *Account) {
	app := g.App(r.PathValue("slug"))
	if app == nil {
		page(w, http.StatusNotFound, "Page not found", "")
		return
	}
	account := r.PostFormValue("account")
	g.mu.Lock()
	only, err := g.repositoriesNamed(r.PostForm["repository"])
	var i *Installation
	if err == nil {
		i, err = g.install(app, account, nil, only)
	}
	g.wake()
	g.mu.Unlock()
	if err != nil {
		page(w, http.StatusUnprocessableEntity, "Cannot install", "<p>"+html.EscapeString(err.Error())+"</p>")
		return
	}
	if app.setupURL == "" {
		page(w, http.StatusOK, "Okay, "+app.Name+" was installed on "+account, "")
		return
	}
	add := url.Values{"installation_id": {fmt.Sprint(i.ID)}, "setup_action": {"install"}}
	if state := r.PostFormValue("state"); state != "" {
		add.Set("state", state)
	}
	http.Redirect(w, r, extend(app.setupURL, add), http.StatusFound)
}

func (g *GitHub) repositoriesNamed(full []string) ([]*Repository, error) {
	var found []*Repository
	for _, s := range full {
		owner, name, _ := strings.Cut(s, "/")
		r := g.lookup(owner, name)
		if r == nil {
			return nil, fmt.Errorf("no repository %s", s)
		}
		found = append(found, r)
	}
	return found, nil
}
