package page

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/hosts"
)

const (
	sessionCookie = "kitops"
	loginCookie   = "kitops-login"
	loginLimit    = 10 * time.Minute // for what a person does at GitHub
	maxAddresses  = 1000
)

// attempts bounds how often somebody may try to log in, by where he is.
type attempts struct {
	mu  sync.Mutex
	all map[netip.Prefix]*rate.Limiter
}

func newAttempts() *attempts { return &attempts{all: map[netip.Prefix]*rate.Limiter{}} }

// mayTry tells whether a request may be a further try to log in.
func (s *Server) mayTry(r *http.Request) bool {
	from := r.RemoteAddr
	if s.o.From != nil {
		from = s.o.From(r)
	}
	return s.attempts.allow(hosts.ClientOf(from))
}

func (a *attempts) allow(from netip.Prefix) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all[from] == nil {
		if len(a.all) >= maxAddresses {
			clear(a.all)
		}
		a.all[from] = rate.NewLimiter(rate.Every(time.Second), 30)
	}
	return a.all[from].Allow()
}

// loginView is what the page for logging in shows.
type loginView struct {
	GitHub  bool
	Next    string
	Problem string
}

func (s *Server) showLogin(c echo.Context) error {
	return s.render(c, http.StatusOK, "login", view{Title: "Log in", Body: loginView{GitHub: s.o.OAuth != nil, Next: local(c.QueryParam("next"))}})
}

func (s *Server) refuseLogin(c echo.Context, status int, why string) error {
	return s.render(c, status, "login", view{Title: "Log in", Body: loginView{GitHub: s.o.OAuth != nil, Problem: why}})
}

// logIn takes the code that kitops page printed. It may come from a file that the command opened.
func (s *Server) logIn(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	token, known, err := s.sessions.redeem(strings.TrimSpace(r.PostFormValue("code")), time.Now())
	switch {
	case !known && !s.mayTry(r):
		return s.refuseLogin(c, http.StatusTooManyRequests, "Too many attempts: wait a minute.")
	case !known:
		return s.refuseLogin(c, http.StatusForbidden, "This code is not good any more: it works once, for five minutes. kitops page prints another.")
	}
	s.begun(err)
	return s.admit(c, token, "")
}

// begun tells where a session was not written: on a full disk one looks at the page all the more.
func (s *Server) begun(err error) {
	if err != nil {
		s.o.Log.Warn("a login to the page ends with the agent", "err", err)
	}
}

// admit gives a browser its session, and sends it on.
func (s *Server) admit(c echo.Context, token, next string) error {
	c.SetCookie(s.cookie(c.Request(), sessionCookie, token, int(ageLimit/time.Second)))
	return s.see(c, next)
}

// see sends a browser to another of the pages.
func (s *Server) see(c echo.Context, path string) error {
	return c.Redirect(http.StatusSeeOther, s.public.path+"/"+strings.TrimPrefix(local(path), "/"))
}

// local is a path of the page's own, "" for anything else.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return ""
	}
	return path
}

func (s *Server) logOut(c echo.Context) error {
	if one, known := s.sessions.of(s.kept(c.Request(), sessionCookie), time.Now()); known {
		if err := s.sessions.end(one.key); err != nil {
			return err
		}
		s.streams.end(one.key)
	}
	c.SetCookie(s.cookie(c.Request(), sessionCookie, "", -1))
	return s.see(c, "/login")
}

// toGitHub sends a browser to GitHub, with what only it can return with.
func (s *Server) toGitHub(c echo.Context) error {
	if s.o.OAuth == nil {
		return echo.ErrNotFound
	}
	if !s.mayTry(c.Request()) {
		return s.refuseLogin(c, http.StatusTooManyRequests, "Too many attempts: wait a minute.")
	}
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	address, err := s.o.OAuth.Authorize(c.Request().Context(), state, verifier)
	if err != nil {
		s.o.Log.Warn("nobody can log in with GitHub", "err", err)
		return s.refuseLogin(c, http.StatusBadGateway, "GitHub cannot be asked at the moment; the agent's log says why.")
	}
	next := local(c.QueryParam("next"))
	if len(next) > 1000 {
		next = ""
	}
	c.SetCookie(s.cookie(c.Request(), loginCookie, state+"."+verifier+"."+escapeCookie(next), int(loginLimit/time.Second)))
	return c.Redirect(http.StatusSeeOther, address)
}

// fromGitHub is where GitHub sends a browser back.
func (s *Server) fromGitHub(c echo.Context) error {
	if s.o.OAuth == nil {
		return echo.ErrNotFound
	}
	r := c.Request()
	kept := strings.SplitN(s.kept(r, loginCookie), ".", 3)
	c.SetCookie(s.cookie(r, loginCookie, "", -1))
	if len(kept) != 3 || kept[0] == "" || subtle.ConstantTimeCompare([]byte(kept[0]), []byte(c.QueryParam("state"))) != 1 {
		return s.refuseLogin(c, http.StatusForbidden, "This login was not begun in this browser, or took too long: begin again.")
	}
	if c.QueryParam("code") == "" {
		return s.refuseLogin(c, http.StatusForbidden, "GitHub did not log you in.")
	}
	if !s.mayTry(r) {
		return s.refuseLogin(c, http.StatusTooManyRequests, "Too many attempts: wait a minute.")
	}
	person, err := s.o.OAuth.LogIn(r.Context(), c.QueryParam("code"), kept[1])
	var code *app.CodeError
	switch {
	case errors.As(err, &code):
		return s.refuseLogin(c, http.StatusForbidden, "GitHub does not know this login any more: begin again.")
	case err != nil:
		s.o.Log.Warn("somebody could not log in with GitHub", "err", err)
		return s.refuseLogin(c, http.StatusBadGateway, "GitHub cannot be asked at the moment; the agent's log says why.")
	}
	if before, known := s.sessions.of(s.kept(r, sessionCookie), time.Now()); known {
		_ = s.sessions.end(before.key) // another one takes its place
		s.streams.end(before.key)
	}
	person.Reaches = s.ofTasks(person.Reaches)
	now := time.Now()
	token, err := s.sessions.begin(session{Name: "@" + person.Login, User: &person, Asked: now}, now)
	s.begun(err)
	return s.admit(c, token, unescapeCookie(kept[2]))
}
