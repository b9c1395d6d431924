package app

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/poller/hosts"
)

// address is where a GitHub is: its REST API and the web and git host that belongs to it.
type address struct {
	api *url.URL // with a slash at the end
	web string   // https://github.com
}

// parseAddress knows github.com, GHE.com and Enterprise Server, and loopback addresses with either layout.
func parseAddress(s string) (address, error) {
	if s == "" {
		s = "https://api.github.com"
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return address{}, errors.New("the GitHub API URL is malformed: write it like https://api.github.com")
	}
	u.Host = strings.ToLower(u.Host)
	host, path := u.Hostname(), strings.TrimRight(u.Path, "/")
	if u.Scheme != "https" && (u.Scheme != "http" || !hosts.Loopback(host)) {
		return address{}, fmt.Errorf("the GitHub API URL %s is not https: credentials go over https only", u)
	}
	web := *u
	switch {
	case host == "api.github.com", strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com"):
		if path != "" {
			return address{}, fmt.Errorf("the GitHub API URL %s has a path: leave %s away", u, path)
		}
		web.Host = strings.TrimPrefix(u.Host, "api.")
	case IsCloud(host):
		return address{}, fmt.Errorf("%s is not the API: write https://api.%s", u, u.Host)
	case path != "/api/v3" && (path != "" || !hosts.Loopback(host)):
		return address{}, fmt.Errorf("the API of Enterprise Server is https://HOST/api/v3, not %s", u)
	}
	web.Path, web.RawPath = "", ""
	u.Path, u.RawPath = path+"/", ""
	return address{api: u, web: web.String()}, nil
}

// IsCloud tells whether a git host is github.com or one of GHE.com, and no Enterprise Server.
func IsCloud(host string) bool { return host == "github.com" || strings.HasSuffix(host, ".ghe.com") }

// repository finds owner and name in an https, http or ssh address on the git host.
func (a address) repository(s string) (owner, name string, ok bool) {
	path, ok := a.pathOf(s)
	if !ok {
		return "", "", false
	}
	owner, name, _ = strings.Cut(strings.Trim(path, "/"), "/")
	name = strings.TrimLeft(name, "/")
	if bare := strings.TrimSuffix(name, ".git"); bare != "" {
		name = bare
	}
	if !isAccount(owner) || !isFullName(owner+"/"+name) || name == "." || name == ".." {
		return "", "", false
	}
	return owner, name, true
}

func (a address) pathOf(s string) (path string, ok bool) {
	web, err := url.Parse(a.web)
	if err != nil {
		return "", false
	}
	scheme, _, absolute := strings.Cut(s, "://")
	if !absolute {
		host, path, ok := scpLike(s)
		return path, ok && a.sshHost(host, web)
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", false
	}
	switch strings.ToLower(scheme) {
	case "ssh", "git+ssh", "ssh+git":
		return u.Path, a.sshHost(u.Hostname(), web)
	case "https", "http":
		return u.Path, authority(u) == authority(web)
	}
	return "", false
}

// scpLike parts what ssh takes in place of an address: HOST:PATH or USER@HOST:PATH, where the host may be [::1].
func scpLike(s string) (host, path string, ok bool) {
	if user, rest, found := strings.Cut(s, "@"); found && user != "" && !strings.ContainsAny(user, "/:") {
		s = rest
	}
	if rest, bracketed := strings.CutPrefix(s, "["); bracketed {
		host, path, ok = strings.Cut(rest, "]:")
	} else if host, path, ok = strings.Cut(s, ":"); strings.ContainsAny(host, "@/[]") {
		return "", "", false
	}
	return host, path, ok && host != "" && path != "" && path[0] != ':'
}

// isAccount tells whether s can be what a user or an organization is called.
func isAccount(s string) bool {
	return s != "" && s[0] != '_' && s[0] != '-' && only(s, "_-")
}

// isFullName tells whether s is OWNER/NAME. Names that GitHub makes itself begin as they like.
func isFullName(s string) bool {
	owner, name, _ := strings.Cut(s, "/")
	return owner != "" && name != "" && only(owner, "_-") && only(name, "._-")
}

// only tells whether s consists of letters and digits of ASCII and of these other characters.
func only(s, others string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(others, r)
	})
}

// sshHost takes any port and user. ssh.github.com is GitHub's ssh on the https port.
func (a address) sshHost(host string, web *url.URL) bool {
	host = strings.ToLower(host)
	return host == web.Hostname() || host == "ssh.github.com" && web.Hostname() == "github.com"
}

// authority is host:port without a port that says nothing; http counts as https, since GitHub itself redirects there.
func authority(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host
	}
	return host + ":" + port
}
