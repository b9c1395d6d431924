package azblob

import (
	"fmt"
	"net/url"
	"strings"
)

// Location is where documents are: azblob://ACCOUNT/CONTAINER/PREFIX[?endpoint=URL].
type Location struct {
	Account   string
	Container string
	Prefix    string // without a slash at the ends; may be empty
	Endpoint  string // of the account
}

// Parse reads a location. Its errors are for who wrote it.
func Parse(text string) (Location, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "azblob" || u.Host == "" || u.User != nil || u.Fragment != "" || strings.Trim(u.Path, "/") == "" {
		return Location{}, fmt.Errorf("%q is not azblob://ACCOUNT/CONTAINER/PREFIX", text)
	}
	l := Location{Account: u.Host, Endpoint: "https://" + u.Host + ".blob.core.windows.net"}
	l.Container, l.Prefix, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	for key, values := range u.Query() {
		if key != "endpoint" {
			return Location{}, fmt.Errorf("%q: only endpoint may stand behind the ?, not %q", text, key)
		}
		endpoint, err := url.Parse(values[0])
		if err != nil || endpoint.Scheme != "http" && endpoint.Scheme != "https" || endpoint.Host == "" || endpoint.User != nil {
			return Location{}, fmt.Errorf("%q: the endpoint is not http:// or https:// and a host", text)
		}
		l.Endpoint = strings.TrimRight(values[0], "/")
		if !strings.HasPrefix(endpoint.Host, l.Account+".") && !strings.HasSuffix(l.Endpoint, "/"+l.Account) {
			l.Endpoint += "/" + l.Account // as emulators and gateways have it
		}
	}
	return l, nil
}

// String is the location of the container, without the prefix.
func (l Location) String() string { return "azblob://" + l.Account + "/" + l.Container }

func (l Location) containerURL() string { return l.Endpoint + "/" + l.Container }

// insecure tells whether requests go without encryption.
func (l Location) insecure() bool { return strings.HasPrefix(l.Endpoint, "http:") }
