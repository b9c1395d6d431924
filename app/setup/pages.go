package setup

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/app"
)

//go:embed pages
var files embed.FS

// view is what a page shows. It holds no secrets.
type view struct {
	Page    string // the template: register, install, done, problem
	Waits   bool   // it loads itself anew
	Trouble string

	Action, Manifest string // of the form that leads to GitHub
	Owner            string // "": the user who is signed in
	App              app.Stored
	Reaches          []app.Reach
	Instructions     Instructions

	Problem app.SetupError
	Final   bool   // the setup ended with the problem
	Back    string // where to go on
}

// Repositories is how many the App reaches.
func (v view) Repositories() int {
	n := 0
	for _, r := range v.Reaches {
		n += len(r.Repositories)
	}
	return n
}

// word is a piece of a sentence.
type word struct {
	Text string
	Link bool
}

// Sentence makes one of what is written to follow a colon, and finds the addresses in it.
func (v view) Sentence(s, end string) []word {
	if s == "" {
		return nil
	}
	link := regexp.MustCompile(`https?://[^\s,;:]+(?::\d+[^\s,;:]*)?`) // here, not at the start of every command
	s = strings.ToUpper(s[:1]) + s[1:] + end
	var words []word
	rest := 0
	for _, at := range link.FindAllStringIndex(s, -1) {
		end := at[0] + len(strings.TrimRight(s[at[0]:at[1]], "."))
		words = append(words, word{s[rest:at[0]], false}, word{s[at[0]:end], true})
		rest = end
	}
	return append(words, word{s[rest:], false})
}

// Host is the GitHub that the form leads to.
func (v view) Host() string {
	_, rest, _ := strings.Cut(v.Action, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// pages are the templates, with their one style within them: a last page must not need a second request.
type pages struct {
	*template.Template
	policy string // what the style is trusted by
}

func parsePages() (pages, error) {
	style, err := files.ReadFile("pages/style.css")
	if err != nil {
		return pages{}, fmt.Errorf("pages: %w", err)
	}
	sum := sha256.Sum256(style)
	parsed, err := template.New("").
		Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }}).
		ParseFS(files, "pages/*.html")
	if err != nil {
		return pages{}, fmt.Errorf("pages: %w", err)
	}
	return pages{parsed, "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}, nil
}

func (f *flow) render(c echo.Context, status int, v view) error {
	var page bytes.Buffer
	if err := f.pages.ExecuteTemplate(&page, v.Page+".html", v); err != nil {
		return fmt.Errorf("page %s: %w", v.Page, err)
	}
	if v.Waits {
		c.Response().Header().Set("Refresh", fmt.Sprint(int(refresh/time.Second)))
	}
	return c.HTMLBlob(status, page.Bytes())
}

// handler serves the pages.
func (f *flow) handler() http.Handler {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(f.guard)
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if !c.Response().Committed {
			status := http.StatusInternalServerError
			if known, ok := err.(*echo.HTTPError); ok { //nolint:errorlint // echo's own is never wrapped
				status = known.Code
			}
			_ = c.String(status, http.StatusText(status)+"\n") // nobody to tell
		}
	}
	e.GET(f.path+"/", f.begin)
	e.GET(f.path+"/registered", f.answered)
	e.POST(f.path+"/stop", f.stop)
	return e
}

// guard lets in those who know the path, and only by the address that kitops printed: a stranger's page could let
// its own name point here (DNS rebinding).
func (f *flow) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		// Browsers hold the redirects of a form against form-action, too: a sign-on may be at any https address.
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src "+f.pages.policy+
			"; form-action 'self' https: "+f.web+"; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "strict-origin") // GitHub may see where the form comes from, not its path
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		r := c.Request()
		if r.Host != f.host && r.Host != "localhost"+f.host[strings.LastIndex(f.host, ":"):] {
			return echo.NewHTTPError(http.StatusMisdirectedRequest)
		}
		first := r.URL.Path[:min(len(f.path), len(r.URL.Path))]
		if subtle.ConstantTimeCompare([]byte(first), []byte(f.path)) != 1 {
			return echo.ErrNotFound
		}
		return next(c)
	}
}
