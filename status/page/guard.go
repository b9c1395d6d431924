package page

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/status/api"
)

const (
	// policy lets nothing in that is not the page's own.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

	localhost = "localhost"
)

// guard is what every request comes through first.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !s.answersTo(r.Host) {
			api.Refuse(w, http.StatusMisdirectedRequest, "this page does not answer to the name "+r.Host+": name it by --page-url")
			return
		}
		if !s.strip(w, r) {
			return
		}
		if safe := r.Method == http.MethodGet || r.Method == http.MethodHead; !safe && r.URL.Path != "/login" && !s.own(r) {
			api.Refuse(w, http.StatusForbidden, "the request comes from another page")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// answersTo knows the names that no foreign name server can point here: addresses, localhost and that of --page-url.
func (s *Server) answersTo(host string) bool {
	host = strings.ToLower(host)
	if s.isPublic(host) {
		return true
	}
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil && strings.Trim(port, "0123456789") == "" {
		name = h
	} else if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		name = strings.TrimSuffix(inner, "]")
	}
	_, err := netip.ParseAddr(name)
	return err == nil || name == localhost
}

func (s *Server) isPublic(host string) bool {
	return s.public.host != "" && (host == s.public.host || host == s.public.host+":443" && s.public.secure || host == s.public.host+":80" && !s.public.secure)
}

// strip takes the path of --page-url away, where a proxy has not. It answers itself where only that is asked for.
func (s *Server) strip(w http.ResponseWriter, r *http.Request) bool {
	if s.public.path == "" {
		return true
	}
	if r.URL.Path == s.public.path {
		http.Redirect(w, r, s.public.path+"/", http.StatusPermanentRedirect)
		return false
	}
	if rest, below := strings.CutPrefix(r.URL.Path, s.public.path+"/"); below {
		r.URL.Path = "/" + rest
		r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, s.public.path)
	}
	return true
}

// own tells whether one of the page's own documents sent the request.
func (s *Server) own(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "null" {
		return false
	}
	if origin == s.public.origin {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && !s.isPublic(strings.ToLower(u.Host)) && strings.EqualFold(u.Host, r.Host) && (u.Scheme == "http" || u.Scheme == "https" && s.encrypted(r))
}

// encrypted tells whether the browser speaks https: with the proxy of --page-url, or with one that says so.
func (s *Server) encrypted(r *http.Request) bool {
	return s.public.secure && s.isPublic(strings.ToLower(r.Host)) || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// cookie is one of the page's, with the name that the browser guards best.
func (s *Server) cookie(r *http.Request, name, value string, seconds int) *http.Cookie {
	c := &http.Cookie{
		Name: s.cookieName(r, name), Value: value, Path: s.public.path + "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.encrypted(r),
	}
	return c
}

// cookieName has the port in it that the browser knows: it shows a host's cookies to all ports of it, and the page of another
// agent, here or at the other end of a tunnel, is not to end a login to this one.
func (s *Server) cookieName(r *http.Request, name string) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil && port != "" {
		name += "-" + port
	}
	switch {
	case !s.encrypted(r):
		return name
	case s.public.path == "":
		return "__Host-" + name
	}
	return "__Secure-" + name
}

// kept is what the browser keeps in a cookie, "" for nothing.
func (s *Server) kept(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}
