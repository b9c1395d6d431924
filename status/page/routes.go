package page

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/bittrance/kitops/status/api"
)

//go:embed templates assets
var content embed.FS

// view is what every page shows. It holds no secrets.
type view struct {
	Base    string // before every path
	Title   string
	Name    string // who is logged in, "" for nobody
	Local   bool   // as the local user
	Said    string // about what was ordered
	Version string
	Now     time.Time
	Body    any
}

type visitKey struct{}

// visit is a request of somebody who is logged in.
type visit struct {
	session session
	api     *api.API
	local   bool
}

// Handler returns the routes, with all that guards them.
func (s *Server) Handler() http.Handler { return s.guard(s.routes()) }

func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.fail
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			s.o.Log.Error("panic while answering a request", "path", c.Path(), "err", err, "stack", string(stack))
			return err
		},
	}))
	e.GET("/login", s.showLogin)
	e.POST("/login", s.logIn)
	e.GET("/login/github", s.toGitHub)
	e.GET("/login/callback", s.fromGitHub)
	e.POST("/logout", s.logOut)
	for _, name := range []string{"style.css", "page.js", "icon.svg"} {
		e.GET("/"+name, s.asset(name))
	}
	e.GET("/", s.within(s.overview))
	e.GET("/task", s.within(s.task))
	e.GET("/runs", s.within(s.runs))
	e.GET("/fleet", s.within(s.fleet))
	e.GET("/runs/:run", s.within(s.run))
	e.GET("/runs/:run/live", s.within(s.live))
	e.GET("/runs/:run/log.txt", s.within(s.download))
	e.POST("/orders", s.within(s.order))
	e.POST("/runs/:run/cancel", s.within(s.cancel))
	e.POST("/runs/:run/remove", s.within(s.remove))
	e.Any("/api/*", s.serveAPI(s.o.API.Handler()))
	return e
}

func (s *Server) asset(name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		data, err := fs.ReadFile(content, "assets/"+name)
		if err != nil {
			return err
		}
		kind := map[string]string{"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}[name]
		c.Response().Header().Set("Cache-Control", "private, max-age=300")
		return c.Blob(http.StatusOK, kind, data)
	}
}

// enter finds the session of a request. Fresh tells whether what it may see is known.
func (s *Server) enter(r *http.Request) (ctx context.Context, v visit, known, fresh bool) {
	token := s.kept(r, sessionCookie)
	if token == "" {
		return r.Context(), v, false, false
	}
	now := time.Now()
	one, known := s.sessions.of(token, now)
	if !known {
		return r.Context(), v, false, false
	}
	v = visit{session: one, api: s.o.API, local: one.User == nil}
	return api.WithCaller(r.Context(), s.caller(r.Context(), one)), v, true, one.fresh(now)
}

// within lets those in who are logged in, and sends others to do so.
func (s *Server) within(f func(echo.Context, visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx, v, known, fresh := s.enter(r)
		switch {
		case known && fresh:
			c.SetRequest(r.WithContext(context.WithValue(ctx, visitKey{}, v)))
			return f(c, v)
		case r.Method != http.MethodGet || c.Path() == "/runs/:run/live" || r.Header.Get("Sec-Fetch-Mode") == "cors":
			return echo.NewHTTPError(http.StatusUnauthorized, "you are not logged in, or for too long: log in again")
		case known:
			return c.Redirect(http.StatusSeeOther, s.public.path+"/login/github?next="+url.QueryEscape(r.URL.RequestURI()))
		}
		return c.Redirect(http.StatusSeeOther, s.public.path+"/login?next="+url.QueryEscape(r.URL.RequestURI()))
	}
}

// serveAPI is the API for whom a cookie logs in. Streams end with the session, and when what it sees has to be asked again.
func (s *Server) serveAPI(handler http.Handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx, v, known, fresh := s.enter(r)
		if !known || !fresh {
			api.Refuse(c.Response(), http.StatusUnauthorized, "log in at "+s.root()+"/login")
			return nil
		}
		if follows(r) {
			var done func()
			var err error
			if ctx, done, err = s.follow(ctx, v.session); err != nil {
				c.Response().Header().Set("Retry-After", "10")
				api.Refuse(c.Response(), http.StatusServiceUnavailable, err.Error())
				return nil
			}
			defer done()
		}
		handler.ServeHTTP(c.Response(), r.WithContext(ctx))
		return nil
	}
}

// follows tells whether the answer to a request may go on for hours.
func follows(r *http.Request) bool {
	return r.URL.Query().Has("follow") || strings.Contains(r.Header.Get("Accept"), "text/event-stream") || strings.HasSuffix(r.URL.Path, "/events")
}

// follow counts a stream, which ends when the session does.
func (s *Server) follow(ctx context.Context, one session) (context.Context, func(), error) {
	ctx, done, err := s.streams.open(ctx, one.key)
	if err != nil {
		return nil, nil, err
	}
	end := one.Made.Add(ageLimit)
	if one.User != nil {
		end = one.Asked.Add(visibleLimit)
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	return ctx, func() { cancel(); done() }, nil
}

// render answers with a page.
func (s *Server) render(c echo.Context, status int, name string, v view) error {
	v.Base, v.Version, v.Now = s.public.path, s.o.Version, time.Now()
	if one, known := c.Request().Context().Value(visitKey{}).(visit); known {
		v.Name, v.Local = one.session.Name, one.local
		if status == http.StatusOK {
			v.Said = s.flashes.take(one.session.key)
		}
	}
	var out bytes.Buffer
	if err := s.templates.ExecuteTemplate(&out, name+".html", v); err != nil {
		return err
	}
	return c.HTMLBlob(status, out.Bytes())
}

// problemView is what the page for a problem shows.
type problemView struct {
	Status int
	Title  string
	Detail string
}

// fail answers what went wrong. What is nobody's mistake but the agent's is logged.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := problemView{Status: http.StatusInternalServerError, Detail: "The agent's log says why."}
	var known *api.Problem
	var wrong *echo.HTTPError
	switch {
	case errors.As(err, &known):
		p.Status, p.Detail = known.Status, known.Detail
	case errors.As(err, &wrong):
		p.Status, p.Detail = wrong.Code, ""
		if text, ok := wrong.Message.(string); ok && text != http.StatusText(wrong.Code) {
			p.Detail = text
		} else if wrong.Code == http.StatusNotFound {
			p.Detail = "There is no such page."
		}
	case c.Request().Context().Err() != nil:
		return // nobody listens
	default:
		s.o.Log.Warn("a request could not be answered", "path", c.Request().URL.Path, "err", err)
	}
	p.Title = http.StatusText(p.Status)
	if err := s.render(c, p.Status, "problem", view{Title: p.Title, Body: p}); err != nil {
		s.o.Log.Error("a page could not be made", "err", err)
	}
}

func parseTemplates() (*template.Template, error) {
	return template.New("").Funcs(functions()).ParseFS(content, "templates/*.html")
}

func escapeCookie(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func unescapeCookie(text string) string {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(data)
}
