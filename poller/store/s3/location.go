package s3

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Location is where documents are: s3://BUCKET/PREFIX[?endpoint=URL&region=REGION].
type Location struct {
	Bucket   string
	Prefix   string // without a slash at the ends; may be empty
	Endpoint string // empty: Amazon's
	Region   string // empty: from the environment or a profile
}

// Parse reads a location. Its errors are for who wrote it.
func Parse(text string) (Location, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return Location{}, fmt.Errorf("%q is not s3://BUCKET/PREFIX", text)
	}
	l := Location{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	for key, values := range u.Query() {
		switch key {
		case "endpoint":
			l.Endpoint = values[0]
		case "region":
			l.Region = values[0]
		default:
			return Location{}, fmt.Errorf("%q: only endpoint and region may stand behind the ?, not %q", text, key)
		}
	}
	if l.Endpoint == "" {
		return l, nil
	}
	endpoint, err := url.Parse(l.Endpoint)
	if err != nil || endpoint.Scheme != "http" && endpoint.Scheme != "https" || endpoint.Host == "" || endpoint.User != nil {
		return Location{}, fmt.Errorf("%q: the endpoint is not http:// or https:// and a host", text)
	}
	if host := endpoint.Hostname(); host == "storage.googleapis.com" || strings.HasSuffix(host, ".storage.googleapis.com") {
		return Location{}, errors.New("google Cloud Storage is not supported: it has generations instead of If-Match, and refuses what is signed with accept-encoding; use S3, Azure Blob, or a server of your own")
	}
	return l, nil
}

// String is the location of the bucket, without the prefix.
func (l Location) String() string { return "s3://" + l.Bucket }
