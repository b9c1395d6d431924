package git

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
)

// URL is the parsed address of a repository. It is comparable. However it is
// printed, logged or marshalled, its credentials stay out.
type URL struct {
	scheme         string // https, http, ssh, file; "" for a bare path
	user, password string
	host, port     string
	path           string // as sent to the server: percent-encoded for http(s), decoded otherwise
	scp            bool   // written host:path
}

var (
	remoteHelper = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+.-]*::`)
	scpUser      = regexp.MustCompile(`^[\pL\pN._+$-]*$`)
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
	case remoteHelper.MatchString(s):
		return URL{}, errors.New("remote helpers (transport::address) are not supported")
	case absolute && !strings.ContainsAny(scheme, "/\\"):
		return parseAbsolute(strings.ToLower(scheme), s)
	case isSCP(s):
		return parseSCP(s)
	}
	return URL{path: s}, nil
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
	u := URL{scheme: scheme, host: strings.ToLower(p.Hostname()), port: p.Port(), path: p.Path}
	u.user = p.User.Username()
	u.password, _ = p.User.Password()
	if scheme != "ssh" {
		u.path = p.EscapedPath()
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
	return URL{scheme: "file", path: path}, nil
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
	u := URL{scheme: "ssh", scp: true}
	rest := s
	if at := strings.IndexByte(s, '@'); at >= 0 && at < strings.IndexByte(s, ':') {
		u.user, rest = s[:at], s[at+1:]
	}
	if bracketed, ok := strings.CutPrefix(rest, "["); ok {
		u.host, u.path, _ = strings.Cut(bracketed, "]:")
		if host, port, err := net.SplitHostPort(u.host); err == nil {
			u.host, u.port, u.scp = host, port, false // git reads [host:port]:path too
		}
	} else {
		u.host, u.path, _ = strings.Cut(rest, ":")
	}
	if before, _, found := strings.Cut(u.path, "@"); found && !strings.Contains(before, "/") {
		return URL{}, errors.New("malformed address (git@host:path takes no password: write ssh://user:password@host/path)")
	}
	if u.path == "" || u.path[0] == ':' {
		return URL{}, errors.New("address without a repository path")
	}
	if !u.scp && !strings.HasPrefix(u.path, "/") {
		u.path = "/" + u.path
	}
	if !scpUser.MatchString(u.user) {
		return URL{}, errors.New("malformed user name (write ssh://user@host/path, percent-encoded)")
	}
	u.host = strings.ToLower(u.host)
	return u.checked()
}

// checked refuses what cannot be a remote and drops a port that says nothing.
func (u URL) checked() (URL, error) {
	if ip, err := netip.ParseAddr(u.host); ip.Zone() != "" || err != nil && !validHost(u.host) {
		return URL{}, errors.New("malformed host name in the address")
	}
	if strings.Trim(u.path, "/") == "" {
		return URL{}, errors.New("address without a repository path")
	}
	if hasControl(u.path) || hasControl(u.user) || hasControl(u.password) {
		return URL{}, errors.New("repository address contains control characters")
	}
	if strings.Trim(u.port, "0123456789") != "" || len(u.port) > 5 {
		return URL{}, errors.New("malformed port in the address")
	}
	if u.port == map[string]string{"https": "443", "http": "80", "ssh": "22"}[u.scheme] {
		u.port = ""
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
	case u.scheme == "":
		return u.path
	case u.scheme == "file":
		return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(u.path), "/")}).String()
	case u.scp && u.user != "":
		return u.user + "@" + u.bracketed() + ":" + u.path
	case u.scp:
		return u.bracketed() + ":" + u.path
	case u.scheme == "ssh":
		s := url.URL{Scheme: u.scheme, Host: u.authority(), Path: u.path}
		if u.user != "" {
			s.User = url.User(u.user)
		}
		return s.String()
	}
	return u.scheme + "://" + u.authority() + u.path
}

// GoString keeps %#v from showing what String hides.
func (u URL) GoString() string { return fmt.Sprintf("git.URL(%q)", u.String()) }

// MarshalText is String, for loggers and encoders.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Name is the last segment of the path without .git. An address that has none,
// like the path ".", needs Resolve first.
func (u URL) Name() string {
	path := u.path
	if u.Local() {
		path = filepath.ToSlash(path)
	} else if plain, err := url.PathUnescape(path); err == nil && u.scheme != "ssh" {
		path = plain
	}
	path = strings.TrimRight(path, "/")
	path = strings.TrimRight(strings.TrimSuffix(path, "/.git"), "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	return strings.TrimSuffix(name, ".git")
}

// Local says that the repository is read from this host's files.
func (u URL) Local() bool { return u.scheme == "" || u.scheme == "file" }

// SSH says that the repository is reached over ssh.
func (u URL) SSH() bool { return u.scheme == "ssh" }

// Resolve makes a relative local path absolute, seen from dir.
func (u URL) Resolve(dir string) URL {
	if u.scheme != "" || filepath.IsAbs(u.path) {
		return u
	}
	u.path = filepath.Join(dir, u.path)
	return u
}

// Below says whether a local repository is in a directory, links followed.
func (u URL) Below(dir string) bool {
	path, within := filepath.Clean(u.path), dir
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
	if strings.Contains(u.host, ":") {
		return "[" + u.host + "]"
	}
	return u.host
}

func (u URL) authority() string {
	if u.port == "" {
		return u.bracketed()
	}
	return u.bracketed() + ":" + u.port
}

func (u URL) loopback() bool {
	ip, err := netip.ParseAddr(u.host)
	return u.host == "localhost" || err == nil && ip.IsLoopback()
}
