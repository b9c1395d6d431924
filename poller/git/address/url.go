package address

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/secret"
)

// URL is the parsed address of a repository. It is comparable. However it is
// printed, logged or marshalled, its credentials stay out.
type URL struct {
	Scheme         string // https, http, ssh, file; "" for a bare path
	User, Password secret.Text
	Host, Port     string // for ssh the host as it is typed: ~/.ssh/config may have a name for it
	Path           string // as sent to the server: percent-encoded for http(s), decoded otherwise
	scp            bool   // written host:path
}

var (
	remoteHelper = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+.-]*::`) })
	scpUser      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\pL\pN._+$-]*$`) })
)

// ParseURL understands https, http, ssh, git@host:path, file and local paths,
// as git does. Its errors never repeat the address, which may hold a password.
func ParseURL(s string) (URL, error) {
	scheme, _, absolute := strings.Cut(s, "://")
	switch {
	case s == "":
		return URL{}, errors.New("empty repository address")
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return URL{}, errors.New("repository address contains control characters")
	case remoteHelper().MatchString(s):
		return URL{}, errors.New("remote helpers (transport::address) are not supported")
	case absolute && !strings.ContainsAny(scheme, "/\\"):
		return parseAbsolute(strings.ToLower(scheme), s)
	case isSCP(s):
		return parseSCP(s)
	}
	return URL{Path: s}, nil
}

func parseAbsolute(scheme, s string) (URL, error) {
	switch scheme {
	case "git+ssh", "ssh+git":
		scheme = "ssh"
	case "https", "http", "ssh", "file":
	case "git":
		return URL{}, errors.New("git:// is neither encrypted nor authenticated: use https:// or ssh://")
	default:
		return URL{}, errors.New("unsupported scheme: use https, http, ssh, file, git@host:path or a local path")
	}
	p, err := url.Parse(s)
	if err != nil {
		// The parser's message may quote the password.
		return URL{}, errors.New("malformed address (special characters in a user name or password must be percent-encoded)")
	}
	if p.RawQuery != "" || p.ForceQuery || p.Fragment != "" || strings.Contains(s, "#") {
		return URL{}, errors.New("an address of a repository has no ? and no # (percent-encode them)")
	}
	if scheme == "file" {
		return parseFile(p)
	}
	u := URL{Scheme: scheme, Host: p.Hostname(), Port: p.Port(), Path: p.Path}
	password, _ := p.User.Password()
	u.User, u.Password = secret.New(p.User.Username()), secret.New(password)
	if scheme != "ssh" {
		u.Host, u.Path = strings.ToLower(u.Host), p.EscapedPath()
	}
	return u.checked()
}

func parseFile(p *url.URL) (URL, error) {
	if p.User != nil || p.Port() != "" || p.Host != "" && !strings.EqualFold(p.Host, "localhost") {
		return URL{}, errors.New("file:// names a path on this host: write file:///path")
	}
	path := p.Path
	if runtime.GOOS == "windows" {
		path = filepath.FromSlash(strings.TrimPrefix(path, "/"))
	}
	if !filepath.IsAbs(path) {
		return URL{}, errors.New("file:// needs an absolute path: write file:///path")
	}
	if hasControl(path) {
		return URL{}, errors.New("repository address contains control characters")
	}
	return URL{Scheme: "file", Path: path}, nil
}

// isSCP tells host:path from a local path: the colon comes before any slash,
// and on Windows it is not the one behind a drive letter.
func isSCP(s string) bool {
	if strings.HasPrefix(s, "[") || strings.Contains(s, "@[") {
		return strings.Contains(s, "]:")
	}
	colon := strings.IndexByte(s, ':')
	if colon < 0 || strings.ContainsAny(s[:colon], `/\`) {
		return false
	}
	return runtime.GOOS != "windows" || colon != 1
}

func parseSCP(s string) (URL, error) {
	u := URL{Scheme: "ssh", scp: true}
	rest := s
	if at := strings.IndexByte(s, '@'); at >= 0 && at < strings.IndexByte(s, ':') {
		u.User, rest = secret.New(s[:at]), s[at+1:]
	}
	if bracketed, ok := strings.CutPrefix(rest, "["); ok {
		u.Host, u.Path, _ = strings.Cut(bracketed, "]:")
		if host, port, err := net.SplitHostPort(u.Host); err == nil {
			u.Host, u.Port, u.scp = host, port, false // git reads [host:port]:path too
		}
	} else {
		u.Host, u.Path, _ = strings.Cut(rest, ":")
	}
	if before, _, found := strings.Cut(u.Path, "@"); found && !strings.Contains(before, "/") {
		return URL{}, errors.New("malformed address (git@host:path takes no password: write ssh://user:password@host/path)")
	}
	if u.Path == "" || u.Path[0] == ':' {
		return URL{}, errors.New("address without a repository path")
	}
	if !u.scp && !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path
	}
	if !scpUser().MatchString(u.User.Reveal()) {
		return URL{}, errors.New("malformed user name (write ssh://user@host/path, percent-encoded)")
	}
	return u.checked()
}

// checked refuses what cannot be a remote and drops a port that says nothing.
func (u URL) checked() (URL, error) {
	if ip, err := netip.ParseAddr(u.Host); ip.Zone() != "" || err != nil && !validHost(u.Host) {
		return URL{}, errors.New("malformed host name in the address")
	}
	if strings.Trim(u.Path, "/") == "" {
		return URL{}, errors.New("address without a repository path")
	}
	if hasControl(u.Path) || hasControl(u.User.Reveal()) || hasControl(u.Password.Reveal()) {
		return URL{}, errors.New("repository address contains control characters")
	}
	if strings.Trim(u.Port, "0123456789") != "" || len(u.Port) > 5 {
		return URL{}, errors.New("malformed port in the address")
	}
	if u.Port == map[string]string{"https": "443", "http": "80", "ssh": "22"}[u.Scheme] {
		u.Port = ""
	}
	return u, nil
}

func validHost(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`"#%&'()*+,/:;<=>?@[\]^{|}`+"`$!~", r)
	})
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// String is the address without credentials: safe to log, to keep in the state
// and to give to actions. The user name stays with ssh, where it is no secret.
func (u URL) String() string {
	switch {
	case u.Scheme == "":
		return u.Path
	case u.Scheme == "file":
		return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(u.Path), "/")}).String()
	case u.scp && u.User.Given():
		return u.User.Reveal() + "@" + u.bracketed() + ":" + u.Path
	case u.scp:
		return u.bracketed() + ":" + u.Path
	case u.Scheme == "ssh":
		s := url.URL{Scheme: u.Scheme, Host: u.authority(), Path: u.Path}
		if u.User.Given() {
			s.User = url.User(u.User.Reveal())
		}
		return s.String()
	}
	return u.Scheme + "://" + u.authority() + u.Path
}

// GoString keeps %#v from showing what String hides.
func (u URL) GoString() string { return fmt.Sprintf("git.URL(%q)", u.String()) }

// MarshalText is String, for loggers and encoders.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Name is the last segment of the path without .git. An address that has none,
// like the path ".", needs Resolve first.
func (u URL) Name() string {
	path := u.Path
	if u.Local() {
		path = filepath.ToSlash(path)
	} else if plain, err := url.PathUnescape(path); err == nil && u.Scheme != "ssh" {
		path = plain
	}
	path = strings.TrimRight(path, "/")
	path = strings.TrimRight(strings.TrimSuffix(path, "/.git"), "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	return strings.TrimSuffix(name, ".git")
}

// Local says that the repository is read from this host's files.
func (u URL) Local() bool { return u.Scheme == "" || u.Scheme == "file" }

// SSH says that the repository is reached over ssh.
func (u URL) SSH() bool { return u.Scheme == "ssh" }

// Resolve makes a relative local path absolute, seen from dir.
func (u URL) Resolve(dir string) URL {
	if u.Scheme != "" || filepath.IsAbs(u.Path) {
		return u
	}
	u.Path = filepath.Join(dir, u.Path)
	return u
}

// Below says whether a local repository is in a directory, links followed.
func (u URL) Below(dir string) bool {
	path, within := filepath.Clean(u.Path), dir
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if real, err := filepath.EvalSymlinks(within); err == nil {
		within = real
	}
	below, err := filepath.Rel(within, path)
	return u.Local() && err == nil && filepath.IsLocal(below)
}

func (u URL) bracketed() string {
	if strings.Contains(u.Host, ":") {
		return "[" + u.Host + "]"
	}
	return u.Host
}

func (u URL) authority() string {
	if u.Port == "" {
		return u.bracketed()
	}
	return u.bracketed() + ":" + u.Port
}

// Loopback says whether the address leads to this host over the network.
func (u URL) Loopback() bool { return hosts.Loopback(u.Host) }

// Near says whether the address leads to this host, or only to what is on the
// same link: where services listen that trust whoever comes from here.
func (u URL) Near() bool { return hosts.Near(u.Host) }

// Origin is scheme, host and port.
func (u URL) Origin() string { return u.Scheme + "://" + strings.ToLower(u.authority()) }
