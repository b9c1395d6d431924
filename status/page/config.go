package page

import (
	"errors"
	"net/url"
	"strings"
)

// Config is what flags and variables say about the page.
type Config struct {
	PageAddress string `env:"PAGE" usage:"address of the page for browsers, such as 127.0.0.1:8080; log in by kitops page, or with GitHub (default: off)" value:"ADDRESS"`
	PageURL     string `env:"PAGE_URL" usage:"the page's public address, also with a path: links in commit statuses, the Host it answers to, where GitHub sends people back" value:"URL"`
	PagePublic  bool   `env:"PAGE_PUBLIC" usage:"who logs in with GitHub sees the tasks of public repositories, too, without being allowed to push"`
}

// public is a --page-url.
type public struct {
	origin string // https://kitops.example.com, "" for none
	host   string // kitops.example.com
	path   string // /agents/build-1, "" for none
	secure bool
}

// parsePublic reads a --page-url.
func parsePublic(address string) (public, error) {
	if address == "" {
		return public{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" ||
		u.Path != "" && !plainPath(u.EscapedPath()) {
		return public{}, errors.New("write it like https://kitops.example.com or https://example.com/kitops")
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return public{origin: u.Scheme + "://" + host, host: host, path: strings.TrimRight(u.Path, "/"), secure: u.Scheme == "https"}, nil
}

// plainPath tells whether a path needs no escapes, here or in a cookie.
func plainPath(path string) bool {
	return !strings.Contains(path, "//") && !strings.Contains(path, "/.") && !strings.ContainsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/-._~", r)
	})
}

// CheckURL tells what is wrong with the public address.
func (c Config) CheckURL() error {
	_, err := parsePublic(c.PageURL)
	return err
}

// RunLink is what commit statuses link to where the page is reached from elsewhere, with {run} in it; "" for nothing.
func (c Config) RunLink() string {
	where, err := parsePublic(c.PageURL)
	if err != nil || c.PageAddress == "" || where.origin == "" {
		return ""
	}
	return where.origin + where.path + "/runs/{run}"
}

// Callback is where GitHub sends people back to who log in; "" for nowhere.
func (c Config) Callback() string {
	callback, err := CallbackOf(c.PageURL)
	if err != nil {
		return ""
	}
	return callback
}

// CallbackOf is where GitHub sends people back to who log in to a page of that public address; "" for none.
func CallbackOf(pageURL string) (string, error) {
	where, err := parsePublic(pageURL)
	if err != nil || where.origin == "" {
		return "", err
	}
	return where.origin + where.path + "/login/callback", nil
}
